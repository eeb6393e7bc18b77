/* sheaf-smtpd: mail in as a program of its own, which is a client of the broker: options, loop, signals. */
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/options.h"
#include "base/text.h"
#include "base/units.h"
#include "broker/smtp/parts.h"
#include "broker/smtp/smtp_options.h"
#include "client/connection.h"
#include "keys/keys.h"
#include "proto/endpoint.h"

static const struct option_spec specs[] = {
	SMTP_OPTIONS("listen", ""),
	{ "broker", 0, "URL", "where clients connect; default tcp://127.0.0.1:7400" },
	{ "keys", 0, "DIR", "speak encrypted to the broker, with the keys that `sheaf keygen` made" },
	{ "grace", 0, "D", "how long a drain waits for mails that are on their way; default 30s" },
	{ "config", 0, "FILE", "read options from an INI file: name = value" },
	{ "check-config", 0, NULL, "read all options, keys and certificates, say what is wrong with them, and end" },
	{ "insecure", 0, NULL, "allow a broker off this machine without keys, and mail from anywhere unguarded" },
	{ "quiet", 0, NULL, "log warnings and errors only" },
	{ "help", 'h', NULL, "this text" },
	{ "version", 0, NULL, "which version this is" },
};

static const struct option_section sections[] = { SMTP_SECTIONS("listen", "") };

enum {
	SPECS = sizeof specs / sizeof specs[0],
	SECTIONS = sizeof sections / sizeof sections[0],
	LOOK_MS = 10,    /* while it drains: how often it looks whether it is done */
	LEAVE_MS = 1000, /* when the grace is over: for the last answers */
	GRACE_MS = 30000
};

static const struct options_fact signals[] = {
	{ "TERM, INT", "drains: new clients are turned away; mails that are on their way get their answer" },
	{ "again", "leaves at once" },
	{ NULL, NULL },
};

static const struct options_fact exits[] = {
	{ "0", "it was told to end, or what --check-config looked at is right" },
	{ "1", "an address is taken, or the machine has no socket left" },
	{ "2", "an option is wrong, or with --check-config anything that it names" },
	{ NULL, NULL },
};

static const struct options_page page = {
	.name = "sheaf-smtpd",
	.section = 8,
	.line = "takes mail in by SMTP and LMTP and makes it jobs",
	.args = "--listen HOST:PORT [OPTION...]",
	.text = "Mail to QUEUE@DOMAIN becomes a job of that queue. It is answered 250 once the broker has the job of\n"
		"each recipient on its disk. What comes while the broker is away is put off (451), so that the\n"
		"client sends it again.\n"
		"\n"
		"It is what sheafd --smtp does, on a machine of its own, and takes the same options without their\n"
		"smtp-. In the environment they are sheafd's: SHEAF_SMTP is --listen, SHEAF_SMTP_DOMAIN --domain.\n"
		"With a broker that has keys, its role is submit.\n"
		"\n"
		"Prints one line `sheaf-smtpd ready ...` on stderr once it listens.",
	.specs = specs,
	.n = SPECS,
	.signals = signals,
	.exits = exits,
	.example = "sheaf-smtpd --listen 127.0.0.1:2525 --domain jobs.example.org",
	.see = "sheafd(8), sheaf(1), sheaf.conf(5)",
};

struct smtpd {
	struct options options;
	struct mistakes mistakes;
	struct smtp_config config;
	struct keys_own keys;
	const char *broker;
	uint64_t grace_ms;
	bool with_keys, insecure;

	uv_loop_t loop;
	uv_signal_t term, interrupt;
	uv_timer_t timer;
	struct smtp_parts *parts;
	bool draining, closing;
	uint64_t give_up_ms; /* uv_now: the grace is over; then: all is */
	bool over;           /* it was */
};

/* ---- options ---- */

static void wrong(struct smtpd *d, char err[OPTIONS_ERR])
{
	options_locate(&d->options, err);
	mistakes_add(&d->mistakes, "%s", err);
}

static void read_broker(struct smtpd *d)
{
	const char *url = options_get(&d->options, "broker"), *dir = options_get(&d->options, "keys"), *bad;
	char err[OPTIONS_ERR], why[KEYS_ERR];

	d->broker = url != NULL ? url : "tcp://127.0.0.1:7400";
	bad = connection_bad_endpoint(d->broker);
	d->with_keys = dir != NULL;
	if (bad != NULL) {
		text_format(err, sizeof err, "--broker: '%.200s' %s", d->broker, bad);
		wrong(d, err);
	} else if (dir == NULL && !d->insecure && !endpoint_is_loopback(d->broker)) {
		text_format(err, sizeof err,
		            "--broker: %.200s is not a loopback address and there are no keys: add --keys DIR (`sheaf "
		            "keygen` makes them), or --insecure to go on unencrypted",
		            d->broker);
		wrong(d, err);
	}
	if (dir != NULL && keys_own_read(dir, KEYS_CLIENT, &d->keys, why) != 0) {
		text_format(err, sizeof err, "--keys: %s", why);
		wrong(d, err);
	}
}

static void read_all(struct smtpd *d)
{
	const char *grace = options_get(&d->options, "grace");
	char err[OPTIONS_ERR];

	d->insecure = options_flag(&d->options, "insecure");
	d->grace_ms = GRACE_MS;
	if (grace != NULL && !units_duration(grace, &d->grace_ms)) {
		text_format(err, sizeof err, "--grace: '%.60s' is no duration such as 500ms, 30s, 5m or 2h", grace);
		wrong(d, err);
	}
	read_broker(d);
	smtp_config_read(&d->config, &d->options, "", "/var/tmp", &d->mistakes);
	if (d->mistakes.n == 0 && !smtp_wanted(&d->config))
		mistakes_add(&d->mistakes, "an address is needed where mail comes in: --listen HOST:PORT, such as "
		                           "127.0.0.1:2525, --tls-listen or --lmtp");
	if (d->mistakes.n == 0 && smtp_config_guard(&d->config, "", d->insecure, err) != 0)
		wrong(d, err);
}

/* -1: it is not to run; *status is what it ends with. */
static int read_options(struct smtpd *d, int argc, char **argv, int *status)
{
	const struct option_table table = { .specs = specs, .n = SPECS, .sections = sections, .n_sections = SECTIONS };
	char err[OPTIONS_ERR];
	int parsed = options_parse_table(&d->options, &table, argc, argv, &d->mistakes, err);
	bool check = d->options.usable && options_flag(&d->options, "check-config");

	*status = 2;
	if (!d->options.usable || (parsed != 0 && !check)) {
		fprintf(stderr, "sheaf-smtpd: %s\n", err);
		return -1;
	}
	*status = 0;
	if (options_flag(&d->options, "help")) {
		options_help(&page);
		return -1;
	}
	if (options_flag(&d->options, "version")) {
		printf("sheaf-smtpd %s\n", SHEAF_VERSION);
		return -1;
	}
	if (d->options.n_args > 0 || d->options.rest != NULL)
		mistakes_add(&d->mistakes, "unexpected word '%.100s': sheaf-smtpd takes options only",
		             d->options.n_args > 0 ? d->options.args[0] : "--");
	read_all(d);
	if (check)
		smtp_config_check(&d->config, &d->options, "", &d->mistakes);
	if (check && d->mistakes.n == 0)
		printf("configuration ok broker=%s smtp_queues=%u\n", d->broker, d->config.n_policies);
	if (d->mistakes.n == 0)
		return check ? -1 : 0;
	if (check)
		mistakes_print(&d->mistakes, "sheaf-smtpd");
	else
		fprintf(stderr, "sheaf-smtpd: %s\n", d->mistakes.v[0]);
	*status = 2;
	return -1;
}

/* ---- the end ---- */

static void parts_are_closed(void *arg)
{
	struct smtpd *d = arg;

	uv_close((uv_handle_t *)&d->timer, NULL);
	uv_close((uv_handle_t *)&d->term, NULL);
	uv_close((uv_handle_t *)&d->interrupt, NULL);
}

static void close_all(struct smtpd *d)
{
	if (d->closing)
		return;
	d->closing = true;
	uv_timer_stop(&d->timer);
	smtp_parts_close(d->parts, parts_are_closed, d);
}

static void on_look(uv_timer_t *t)
{
	struct smtpd *d = t->data;

	if (smtp_parts_done(d->parts)) {
		close_all(d);
	} else if (uv_now(&d->loop) >= d->give_up_ms && !d->over) {
		log_line(LOG_WARN, "drain", "the grace is over: what is still on its way ends without an answer");
		d->over = true;
		d->give_up_ms = uv_now(&d->loop) + LEAVE_MS;
		smtp_parts_drain(d->parts, true);
	} else if (uv_now(&d->loop) >= d->give_up_ms) {
		close_all(d);
	}
}

static void on_signal(uv_signal_t *s, int number)
{
	struct smtpd *d = s->data;

	if (d->draining) {
		log_line(LOG_WARN, "stop", "second signal: leaving at once");
		close_all(d);
		return;
	}
	log_line(LOG_INFO, "drain", "signal=%d", number);
	d->draining = true;
	d->give_up_ms = uv_now(&d->loop) + d->grace_ms;
	smtp_parts_drain(d->parts, false);
	uv_timer_start(&d->timer, on_look, 0, LOOK_MS);
}

/* ---- the run ---- */

/* As many descriptors as there may be. */
static void raise_limits(void)
{
	struct rlimit r;

	getrlimit(RLIMIT_NOFILE, &r);
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
}

static int begin(struct smtpd *d)
{
	const struct link_setup link = { .name = "smtp",
		                         .endpoint = d->broker,
		                         .keys = d->with_keys ? &d->keys : NULL };
	char err[SMTP_PARTS_ERR];

	d->parts = smtp_parts_open(&d->loop, &d->config, "", err);
	if (d->parts == NULL) {
		fprintf(stderr, "sheaf-smtpd: %s\n", err);
		return -1;
	}
	must(uv_timer_init(&d->loop, &d->timer) == 0 && uv_signal_init(&d->loop, &d->term) == 0 &&
	     uv_signal_init(&d->loop, &d->interrupt) == 0);
	d->timer.data = d->term.data = d->interrupt.data = d;
	must(uv_signal_start(&d->term, on_signal, SIGTERM) == 0 &&
	     uv_signal_start(&d->interrupt, on_signal, SIGINT) == 0);
	if (smtp_parts_start(d->parts, &link, err) != 0) {
		fprintf(stderr, "sheaf-smtpd: %s\n", err);
		close_all(d);
		return -1;
	}
	fprintf(stderr, "sheaf-smtpd ready%s broker=%s\n", smtp_parts_addresses(d->parts), d->broker);
	return 0;
}

static int serve(struct smtpd *d)
{
	int status;

	signal(SIGPIPE, SIG_IGN);
	umask(077);
	raise_limits();
	must(uv_loop_init(&d->loop) == 0);
	status = begin(d) == 0 ? 0 : 1;
	uv_run(&d->loop, UV_RUN_DEFAULT);
	must(uv_loop_close(&d->loop) == 0);
	if (status == 0)
		log_line(LOG_INFO, "stopped", "status=0");
	return status;
}

int main(int argc, char **argv)
{
	static struct smtpd d;
	int status;

	if (options_man(&page, argc, argv))
		return 0;
	log_setup("sheaf-smtpd", LOG_INFO);
	if (read_options(&d, argc, argv, &status) == 0) {
		log_setup("sheaf-smtpd", options_flag(&d.options, "quiet") ? LOG_WARN : LOG_INFO);
		status = serve(&d);
	}
	smtp_config_fini(&d.config);
	keys_own_wipe(&d.keys);
	options_fini(&d.options);
	mistakes_fini(&d.mistakes);
	return status;
}
