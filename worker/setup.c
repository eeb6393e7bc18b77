/* See setup.h. */
#include "worker/setup.h"

#include <unistd.h>

#include "base/text.h"
#include "proto/codec.h"

int setup_queues(struct setup *s, const char *text, char err[SETUP_ERR])
{
	while (*text != '\0') {
		size_t n = strcspn(text, ",");

		if (s->n_queues == LIMIT_WORKER_QUEUES) {
			text_format(err, SETUP_ERR, "a worker serves at most %d queues", LIMIT_WORKER_QUEUES);
			return -1;
		}
		if (!name_queue_ok(span_of(text, n))) {
			text_format(err, SETUP_ERR,
			            "'%.*s' is no queue's name: 1 to 56 of a-z 0-9 . _ - with a letter or digit first",
			            (int)(n < 80 ? n : 80), text);
			return -1;
		}
		for (uint32_t i = 0; i < s->n_queues; i++) {
			if (span_eq(s->queues[i], span_of(text, n))) {
				text_format(err, SETUP_ERR, "queue '%.*s' is named twice", (int)n, text);
				return -1;
			}
		}
		s->queues[s->n_queues++] = span_of(text, n);
		text += n + (text[n] == ',');
	}
	return 0;
}

int setup_name(struct setup *s, const char *name, const char *what, char err[SETUP_ERR])
{
	char host[40] = "worker";

	if (name != NULL && !name_worker_ok(span_str(name))) {
		text_format(err, SETUP_ERR, "%s: 1 to 64 printable characters without space or comma", what);
		return -1;
	}
	gethostname(host, sizeof host - 1);
	if (name != NULL)
		text_format(s->name, sizeof s->name, "%s", name);
	else
		text_format(s->name, sizeof s->name, "%s-%ld", host, (long)getpid());
	return 0;
}
