/* sheafd --check-config: everything that start-up would read is read, nothing is bound or written. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "broker/config.h"
#include "broker/edge/tls.h"
#include "keys/keys.h"

/* 2001-09-09: the clock of a machine that has none begins in 1970. Times of jobs are told by it. */
static const uint64_t EARLIEST_MS = 1000000000000;

static void wrong(struct config *c, char err[OPTIONS_ERR])
{
	options_locate(&c->options, err);
	mistakes_add(&c->mistakes, "%s", err);
}

static void check_keys(struct config *c)
{
	struct keys_broker keys;
	char why[KEYS_ERR], err[OPTIONS_ERR];

	if (keys_broker_read(c->keys, &keys, why) != 0) {
		text_format(err, sizeof err, "--keys: %s", why);
		wrong(c, err);
	}
	keys_broker_fini(&keys);
}

static_assert((int)TLS_ERR == (int)OPTIONS_ERR, "a sentence has room");

static void check_nsq(struct config *c)
{
	struct tls_context *tls;
	char err[TLS_ERR];

	if (!nsq_wanted(&c->nsq) || c->nsq.tls.cert == NULL || c->nsq.tls.key == NULL)
		return;
	tls = tls_context_new(&c->nsq.tls, err);
	if (tls == NULL)
		wrong(c, err);
	tls_context_free(tls);
}

/* What is not there is made. */
static void check_data(struct config *c)
{
	char err[OPTIONS_ERR];
	struct stat st;

	if (stat(c->data, &st) != 0) {
		if (errno == ENOENT)
			return;
		text_format(err, sizeof err, "--data: %.400s: %s", c->data, strerror(errno));
	} else if (!S_ISDIR(st.st_mode)) {
		text_format(err, sizeof err, "--data: %.400s is no directory", c->data);
	} else if (access(c->data, R_OK | W_OK | X_OK) != 0) {
		text_format(err, sizeof err, "--data: %.400s: %s", c->data, strerror(errno));
	} else {
		return;
	}
	wrong(c, err);
}

static void check_all(struct config *c)
{
	if (clock_wall_ms() < EARLIEST_MS)
		mistakes_add(&c->mistakes, "the clock of this machine is not set: it says a time before 2001");
	if (c->data != NULL)
		check_data(c);
	if (c->keys != NULL)
		check_keys(c);
	check_nsq(c);
	smtp_config_check(&c->smtp, &c->options, "smtp-", &c->mistakes);
}

static void say_fine(const struct config *c)
{
	printf("configuration ok data=%s listen=%s", c->data, c->listen);
	if (c->options.file != NULL)
		printf(" config=%s", c->options.file);
	if (c->keys != NULL)
		printf(" keys=%s", c->keys);
	if (smtp_wanted(&c->smtp))
		printf(" smtp_queues=%u", c->smtp.n_policies);
	printf("\n");
}

int config_check(struct config *c)
{
	check_all(c);
	mistakes_print(&c->mistakes, "sheafd");
	if (c->mistakes.n > 0)
		return 2;
	say_fine(c);
	return 0;
}
