/* Handlers that are built in: for tests, benchmarks and first steps. */
#include <poll.h>
#include <string.h>

#include "base/text.h"
#include "base/units.h"
#include "worker/handler.h"

static void run_echo(void *arg, struct job_run *run, struct job_outcome *out)
{
	(void)arg;
	(void)run;
	out->result_is_payload = true;
}

static void run_noop(void *arg, struct job_run *run, struct job_outcome *out)
{
	(void)arg;
	(void)run;
	(void)out;
}

static void fail(struct job_outcome *out, int exit, const char *text)
{
	out->verdict = VERDICT_FAILED;
	out->exit = exit;
	buf_put(&out->error, text, strlen(text));
}

/* The payload is a duration such as 50ms; an empty one is 0. */
static void run_sleep(void *arg, struct job_run *run, struct job_outcome *out)
{
	struct pollfd cancel = { .fd = run->cancel_fd, .events = POLLIN };
	char text[32];
	uint64_t ms = 0;

	(void)arg;
	text_format(text, sizeof text, "%.*s", (int)(run->job.payload.n < 31 ? run->job.payload.n : 31),
	            run->job.payload.n ? (const char *)run->job.payload.p : "");
	text[strcspn(text, "\r\n")] = '\0';
	if (run->job.payload.n > 0 && !units_duration(text, &ms)) {
		fail(out, 2, "sleep: the payload is no duration such as 50ms or 2s");
		return;
	}
	while (ms > 0 && !atomic_load(&run->cancelled)) {
		int part = ms > 1000000 ? 1000000 : (int)ms;

		if (poll(&cancel, 1, part) > 0)
			break;
		ms -= (uint64_t)part;
	}
}

/* The payload becomes the error text. */
static void run_fail(void *arg, struct job_run *run, struct job_outcome *out)
{
	size_t n = run->job.payload.n < LIMIT_ERROR ? run->job.payload.n : LIMIT_ERROR;

	(void)arg;
	out->verdict = VERDICT_FAILED;
	out->exit = 1;
	buf_put(&out->error, run->job.payload.p, n);
}

const struct handler *builtin_find(const char *name)
{
	static const struct handler all[] = {
		{ .name = "echo", .run = run_echo },
		{ .name = "noop", .run = run_noop },
		{ .name = "sleep", .run = run_sleep },
		{ .name = "fail", .run = run_fail },
	};

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		if (strcmp(all[i].name, name) == 0)
			return &all[i];
	return NULL;
}
