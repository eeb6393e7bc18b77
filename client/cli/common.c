/* See common.h. */
#include "client/cli/common.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/units.h"
#include "proto/codec.h"
#include "proto/endpoint.h"

void cli_say(const char *format, ...)
{
	char line[4096];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof line, format, args);
	va_end(args);
	fprintf(stderr, "sheaf: %s\n", line);
}

int cli_fail(int status, const char *format, ...)
{
	char line[4096];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof line, format, args);
	va_end(args);
	fprintf(stderr, "sheaf: %s\n", line);
	return status;
}

int cli_status(enum sheaf_error e)
{
	switch (e) {
	case SHEAF_OK:
		return EXIT_DONE;
	case SHEAF_E_UNREACHABLE:
		return EXIT_UNREACHABLE;
	case SHEAF_E_TIMEOUT:
		return EXIT_TIMEOUT;
	case SHEAF_E_INTERRUPTED:
		return EXIT_INTERRUPTED;
	case SHEAF_E_CONFIG:
	case SHEAF_E_BAD_NAME:
	case SHEAF_E_BAD_VALUE:
	case SHEAF_E_TOO_LARGE:
		return EXIT_USAGE;
	default:
		return EXIT_REFUSED;
	}
}

int cli_error(struct cli *c, enum sheaf_error e)
{
	const char *why = c->s ? sheaf_why(c->s) : "";
	char after[24];

	if (e == SHEAF_E_TIMEOUT)
		cli_say("%s after %s", *why ? why : "timed out", units_show_duration(c->flags.timeout_ms, after));
	else if (e != SHEAF_E_INTERRUPTED)
		cli_say("%s", *why ? why : sheaf_error_text(e));
	return cli_status(e);
}

/* ---- signals ---- */

static sheaf_t *_Atomic interrupted_session;
static atomic_int signals;

static void on_signal(int number)
{
	sheaf_t *s = atomic_load(&interrupted_session);

	(void)number;
	atomic_fetch_add(&signals, 1);
	if (s)
		sheaf_interrupt(s, true);
}

int cli_signals(void)
{
	return atomic_load(&signals);
}

void cli_go_on(struct cli *c)
{
	sheaf_interrupt(c->s, false);
}

/* No SA_RESTART: a read of stdin is to come back. */
static void catch_signals(void)
{
	struct sigaction act = { .sa_handler = on_signal };

	sigemptyset(&act.sa_mask);
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	signal(SIGPIPE, SIG_IGN); /* a write says EPIPE */
}

/* ---- the session ---- */

const char *cli_broker(const struct cli *c)
{
	return c->flags.broker ? c->flags.broker : SHEAF_DEFAULT_BROKER;
}

bool cli_is_local(const struct cli *c)
{
	return endpoint_is_loopback(cli_broker(c));
}

uint64_t cli_left(const struct cli *c)
{
	uint64_t spent = clock_mono_ms() - c->begun_ms;

	if (c->flags.timeout_ms == SHEAF_FOREVER)
		return SHEAF_FOREVER;
	return spent < c->flags.timeout_ms ? c->flags.timeout_ms - spent : 0;
}

static int greet(struct cli *c)
{
	uint64_t left = cli_left(c);
	enum sheaf_error e = sheaf_connect(c->s, left == SHEAF_FOREVER ? FIRST_ANSWER_MS : left);

	return e ? cli_error(c, e) : EXIT_DONE;
}

int cli_session(struct cli *c)
{
	const char *broker = cli_broker(c);
	struct sheaf_options o = { .broker = broker, .keys = c->flags.keys, .name = "sheaf" };
	char why[SHEAF_WHY];
	const char *bad = sheaf_bad_broker(broker);
	enum sheaf_error e;

	if (bad)
		return cli_fail(EXIT_USAGE, "--broker: '%s' %s", broker, bad);
	if (!c->flags.keys && !cli_is_local(c) && !c->flags.insecure)
		return cli_fail(EXIT_USAGE,
		                "broker %s is not on this machine and would be spoken to without encryption: "
		                "add --keys DIR ('sheaf keygen' makes them), or --insecure to allow it",
		                broker);
	if (c->flags.keys && !sheaf_good_keys(c->flags.keys, why))
		return cli_fail(EXIT_USAGE, "--keys: %s", why);
	catch_signals();
	e = sheaf_new(&o, &c->s);
	if (e)
		return cli_fail(cli_status(e), "cannot make a session with %s: %s", broker, sheaf_error_text(e));
	atomic_store(&interrupted_session, c->s);
	if (cli_signals()) /* it came before there was a session */
		sheaf_interrupt(c->s, true);
	return EXIT_DONE;
}

int cli_open(struct cli *c)
{
	int status = cli_session(c);

	return status ? status : greet(c);
}

/* Ends as a program does that does not know SIGPIPE. */
static void end_by_sigpipe(void)
{
	signal(SIGPIPE, SIG_DFL);
	raise(SIGPIPE);
}

int cli_finish(struct cli *c, int status)
{
	bool good = out_flush(&c->out);

	atomic_store(&interrupted_session, NULL);
	sheaf_free(c->s);
	c->s = NULL;
	out_fini(&c->out);
	if (good)
		return status;
	if (c->out.error == EPIPE)
		end_by_sigpipe();
	return cli_fail(EXIT_FAILED, "cannot write to stdout: %s", strerrordesc_np(c->out.error));
}

/* ---- words that people type ---- */

bool cli_queue_name(const char *name)
{
	if (name_queue_ok(span_str(name)))
		return true;
	cli_say("no queue can be named '%s': a name is 1 to %d of a-z 0-9 . _ - and begins with a letter or digit",
	        name, LIMIT_QUEUE_NAME);
	return false;
}

bool cli_id(const char *text, uint64_t *id, bool *batch)
{
	bool is_batch = batch && text[0] == 'b';

	if (!units_number(text + is_batch, 1, UINT64_MAX - 1, id)) {
		cli_say("'%s' is no id of a job%s", text, batch ? " or batch" : "");
		return false;
	}
	if (batch)
		*batch = is_batch;
	return true;
}
