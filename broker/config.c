/* See config.h. */
#include "broker/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/units.h"
#include "broker/config_nsq.h"
#include "broker/journal/journal.h"
#include "broker/smtp/smtp_options.h"
#include "proto/endpoint.h"

static const struct option_spec specs[] = {
	{ "data", 0, "DIR", "the data directory; made if it is missing" },
	{ "listen", 0, "URL", "where clients connect; default tcp://127.0.0.1:7400" },
	{ "results", 0, "URL", "where workers send results; default tcp://127.0.0.1:7401" },
	{ "workers", 0, "URL", "where workers say hello; default tcp://127.0.0.1:7402" },
	{ "jobs", 0, "URL", "ports for jobs, one per worker; default tcp://127.0.0.1:7410-7999" },
	{ "fsync", 0, "WHEN", "always (default), a number of milliseconds, or never" },
	{ "memory", 0, "SIZE", "cache for payloads; default 512M" },
	{ "disk", 0, "SIZE", "bytes of journal at which submits are refused; default none" },
	{ "keep", 0, "D", "how long results are kept; default 1h" },
	{ "keep-bytes", 0, "SIZE", "results kept per queue; default 256M" },
	{ "max-message", 0, "SIZE", "one message of a topic; default 1M" },
	{ "max-deliveries", 0, "N", "a job lost with its worker this often is dead; default 5" },
	{ "liveness", 0, "D", "silence after which a worker is lost; default 2500ms" },
	{ "grace", 0, "D", "how long a drain waits for jobs in workers' hands; default 5s" },
	{ "segment", 0, "SIZE", "size of a new journal's segments, a power of two from 64M, the default, to 1G" },
	{ "check", 0, NULL, "verify the journal in --data, print what it holds, change nothing" },
	{ "keys", 0, "DIR", "the keys that `sheaf keygen` made: everything is encrypted, only known keys may in" },
	{ "nsq", 0, "HOST:PORT", "where clients of NSQ connect, such as 127.0.0.1:4150; default nowhere" },
	{ "nsq-http", 0, "HOST:PORT", "where NSQ's HTTP interface is, such as 127.0.0.1:4151; default nowhere" },
	{ "nsq-https", 0, "HOST:PORT", "the same with TLS, such as 127.0.0.1:4152; default nowhere" },
	{ "nsq-tls-cert", 0, "FILE", "certificate for NSQ's clients, in PEM; they may ask for TLS then" },
	{ "nsq-tls-key", 0, "FILE", "its key, in PEM" },
	{ "nsq-tls-required", 0, NULL, "without TLS a client of NSQ may do nothing" },
	{ "nsq-tls-client-auth", 0, "POLICY",
	  "require: clients need a certificate; require-verify: one that --nsq-tls-ca has signed; TLS is required "
	  "then" },
	{ "nsq-tls-ca", 0, "FILE", "authorities for clients' certificates, in PEM; default the system's" },
	{ "nsq-tls-min-version", 0, "VERSION", "tls1.2 (default) or tls1.3" },
	{ "nsq-auth", 0, "ADDRESS...", "HOST:PORT or URL of an auth server of NSQ; again, or commas, for more" },
	{ "nsq-auth-method", 0, "METHOD", "how it is asked: get (default) or post" },
	{ "nsq-lookupd", 0, "ADDRESS...", "HOST:PORT of an nsqlookupd to register with; again, or commas, for more" },
	{ "nsq-broadcast", 0, "HOST", "what nsqlookupds are told as this host; default its name" },
	{ "nsq-connections", 0, "N", "connections of NSQ's clients; default by the number of files that may be open" },
	{ "nsq-msg-timeout", 0, "D", "a message not finished by then goes to another client; default 60s" },
	{ "nsq-max-msg-timeout", 0, "D", "the most that a client may ask for; default 15m" },
	{ "nsq-max-req-timeout", 0, "D", "the most that a message may be deferred; default 1h" },
	{ "nsq-max-heartbeat", 0, "D", "the longest interval of heartbeats that a client may ask for; default 60s" },
	{ "nsq-max-msg-size", 0, "SIZE", "one message; default 1M" },
	{ "nsq-max-body-size", 0, "SIZE", "one command's body; default 5M" },
	{ "nsq-max-rdy", 0, "N", "messages that a client may have in flight; default 2500" },
	{ "nsq-max-channel-consumers", 0, "N", "consumers of one channel; default 0, no bound" },
	{ "nsq-max-deflate-level", 0, "N", "the best compression that a client may ask for; default 6" },
	SMTP_OPTIONS("smtp", "smtp-"),
	{ "config", 0, "FILE", "read options from an INI file: name = value" },
	{ "check-config", 0, NULL, "read all options, keys and certificates, say what is wrong with them, and end" },
	{ "insecure", 0, NULL, "allow addresses off this machine without keys, and those of NSQ and mail unguarded" },
	{ "json", 0, NULL, "with --check: output for programs" },
	{ "quiet", 0, NULL, "log warnings and errors only" },
	{ "help", 'h', NULL, "this text" },
	{ "version", 0, NULL, "which version this is" },
	{ "http", 0, "HOST:PORT", NULL },
	{ "finalize", 0, NULL, NULL },
};

static const struct option_section sections[] = { SMTP_SECTIONS("smtp", "smtp-") };

enum {
	SPECS = sizeof specs / sizeof specs[0],
	SECTIONS = sizeof sections / sizeof sections[0],
	LONGEST = 3500 /* bytes of a path */
};

/* A segment holds three times the largest message, so that any step's facts fit. */
static const uint64_t SEGMENT_LEAST = DEFAULT_SEGMENT, SEGMENT_MOST = (uint64_t)1 << 30;

/* The host of tcp://HOST:…, or false. */
static bool host_of(const char *endpoint, char host[LIMIT_ENDPOINT])
{
	struct span found = endpoint_host(span_str(endpoint));

	if (found.n == 0 || found.n >= LIMIT_ENDPOINT)
		return false;
	text_format(host, LIMIT_ENDPOINT, "%.*s", (int)found.n, (const char *)found.p);
	return true;
}

static int bad(char *err, const char *name, const char *value, const char *what)
{
	text_format(err, OPTIONS_ERR, "--%s: '%.100s' %s", name, value, what);
	return -1;
}

static int read_endpoint(const struct config *c, const char *name, const char *otherwise, const char **out, char *err)
{
	const char *value = options_get(&c->options, name), *end;
	char host[LIMIT_ENDPOINT];
	uint64_t port;

	*out = value != NULL ? value : otherwise;
	end = strrchr(*out, ':');
	if (!host_of(*out, host) || strlen(*out) >= LIMIT_ENDPOINT ||
	    (strcmp(end, ":*") != 0 && !units_number(end + 1, 0, 65535, &port)))
		return bad(err, name, *out, "is no address such as tcp://127.0.0.1:7400");
	return 0;
}

static int read_jobs(struct config *c, char *err)
{
	const char *value = options_get(&c->options, "jobs"), *ports;
	char text[LIMIT_ENDPOINT], *dash;
	uint64_t first, last;

	if (value == NULL)
		value = "tcp://127.0.0.1:7410-7999";
	ports = strrchr(value, ':');
	if (!host_of(value, c->jobs_host))
		return bad(err, "jobs", value, "is no range such as tcp://127.0.0.1:7410-7999");
	text_format(text, sizeof text, "%s", ports + 1);
	dash = strchr(text, '-');
	if (dash != NULL)
		*dash = '\0';
	if (!units_number(text, 1, 65535, &first) || !units_number(dash != NULL ? dash + 1 : text, first, 65535, &last))
		return bad(err, "jobs", value, "is no range such as tcp://127.0.0.1:7410-7999");
	c->jobs_first = (uint16_t)first;
	c->jobs_last = (uint16_t)last;
	return 0;
}

static int read_fsync(struct config *c, char *err)
{
	const char *value = options_get(&c->options, "fsync");
	uint64_t ms;

	c->fsync_ms = FSYNC_ALWAYS;
	if (value == NULL || strcmp(value, "always") == 0)
		return 0;
	if (strcmp(value, "never") == 0)
		c->fsync_ms = FSYNC_NEVER;
	else if (units_number(value, 1, 60000, &ms) || (units_duration(value, &ms) && ms >= 1 && ms <= 60000))
		c->fsync_ms = (uint32_t)ms;
	else
		return bad(err, "fsync", value, "is not always, never or a number of milliseconds from 1 to 60000");
	return 0;
}

static int read_size(const struct config *c, const char *name, uint64_t otherwise, uint64_t least, uint64_t *out,
                     char *err)
{
	const char *value = options_get(&c->options, name);
	char low[24];

	*out = otherwise;
	if (value == NULL)
		return 0;
	if (!units_size(value, out) || *out < least) {
		text_format(err, OPTIONS_ERR, "--%s: '%.100s' is no size of at least %s, such as 512M", name, value,
		            units_show_size(least, low));
		return -1;
	}
	return 0;
}

static int read_duration(const struct config *c, const char *name, uint64_t otherwise, uint64_t least, uint64_t *out,
                         char *err)
{
	const char *value = options_get(&c->options, name);

	*out = otherwise;
	if (value == NULL || (units_duration(value, out) && *out >= least))
		return 0;
	return bad(err, name, value, "is no duration such as 500ms, 30s, 5m or 2h (or it is too short)");
}

/* Notes what a check has found; then the next ones go on. */
static bool note(struct config *c, int result, char *err)
{
	if (result == 0)
		return true;
	options_locate(&c->options, err);
	mistakes_add(&c->mistakes, "%s", err);
	return false;
}

static int read_deliveries(struct config *c, char *err)
{
	const char *value = options_get(&c->options, "max-deliveries");
	uint64_t n = DEFAULT_DELIVERIES;

	if (value != NULL && !units_number(value, 1, LIMIT_DELIVERIES, &n))
		return bad(err, "max-deliveries", value, "is no whole number from 1 to 100");
	c->deliveries = (uint32_t)n;
	return 0;
}

static int check_segment(const struct config *c, char *err)
{
	if ((c->segment & (c->segment - 1)) == 0 && c->segment <= SEGMENT_MOST)
		return 0;
	return bad(err, "segment", options_get(&c->options, "segment"), "is no power of two from 64M to 1G");
}

static int check_message(const struct config *c, char *err)
{
	if (c->max_message <= LIMIT_PUBLISH_BYTES - 4)
		return 0;
	return bad(err, "max-message", options_get(&c->options, "max-message"), "is not less than 16M");
}

static int check_disk(const struct config *c, char *err)
{
	if (c->disk == 0 || c->disk >= 8 * c->segment)
		return 0;
	return bad(err, "disk", options_get(&c->options, "disk"), "is less than 8 segments of the journal");
}

static void read_rest(struct config *c, char *err)
{
	bool disk;

	note(c, read_deliveries(c, err), err);
	note(c, read_size(c, "memory", DEFAULT_MEMORY, MIB, &c->memory, err), err);
	disk = note(c, read_size(c, "disk", 0, 8 * SEGMENT_LEAST, &c->disk, err), err);
	if (note(c, read_size(c, "segment", DEFAULT_SEGMENT, SEGMENT_LEAST, &c->segment, err), err) &&
	    note(c, check_segment(c, err), err) && disk)
		note(c, check_disk(c, err), err);
	if (note(c, read_size(c, "max-message", DEFAULT_MESSAGE_MAX, 1, &c->max_message, err), err))
		note(c, check_message(c, err), err);
	note(c, read_size(c, "keep-bytes", DEFAULT_KEEP_BYTES, 0, &c->keep_bytes, err), err);
	note(c, read_duration(c, "keep", DEFAULT_KEEP_MS, 0, &c->keep_ms, err), err);
	note(c, read_duration(c, "liveness", DEFAULT_LIVENESS_MS, 100, &c->liveness_ms, err), err);
	note(c, read_duration(c, "grace", 5000, 0, &c->grace_ms, err), err);
}

static int check_addresses(const struct config *c, char *err)
{
	const char *all[] = { c->listen, c->results, c->workers };
	char jobs[LIMIT_ENDPOINT + 16];

	text_format(jobs, sizeof jobs, "tcp://%s:%u", c->jobs_host, c->jobs_first);
	for (int i = 0; i < 4; i++) {
		const char *one = i < 3 ? all[i] : jobs;

		if (endpoint_is_loopback(one))
			continue;
		text_format(err, OPTIONS_ERR,
		            "%s is not a loopback address and there are no keys: add --keys DIR (`sheaf keygen DIR` "
		            "makes them), or --insecure to go on unencrypted and open to everybody",
		            one);
		return -1;
	}
	return 0;
}

static int read_data(struct config *c, char *err)
{
	c->data = options_get(&c->options, "data");
	if (c->data == NULL || *c->data == '\0') {
		text_format(err, OPTIONS_ERR, "--data DIR is needed: the directory where the jobs are kept");
		return -1;
	}
	if (strlen(c->data) > LONGEST) {
		text_format(err, OPTIONS_ERR, "--data: the path is longer than %d bytes", LONGEST);
		return -1;
	}
	return 0;
}

static void read_smtp(struct config *c)
{
	char spool[LONGEST + 16];

	text_format(spool, sizeof spool, "%.*s/spool", LONGEST, c->data != NULL ? c->data : ".");
	smtp_config_read(&c->smtp, &c->options, "smtp-", spool, &c->mistakes);
}

static void read_all(struct config *c, char *err)
{
	c->keys = options_get(&c->options, "keys");
	c->quiet = options_flag(&c->options, "quiet");
	c->check = options_flag(&c->options, "check");
	c->json = options_flag(&c->options, "json");
	note(c, read_data(c, err), err);
	note(c, read_endpoint(c, "listen", "tcp://127.0.0.1:7400", &c->listen, err), err);
	note(c, read_endpoint(c, "results", "tcp://127.0.0.1:7401", &c->results, err), err);
	note(c, read_endpoint(c, "workers", "tcp://127.0.0.1:7402", &c->workers, err), err);
	note(c, read_jobs(c, err), err);
	note(c, read_fsync(c, err), err);
	read_rest(c, err);
	config_nsq_read(&c->nsq, &c->options, c->max_message, &c->mistakes);
	read_smtp(c);
}

/* Addresses that were understood, and who may come to them. */
static void guard(struct config *c, char *err)
{
	bool insecure = options_flag(&c->options, "insecure");

	if (!insecure && c->keys == NULL)
		note(c, check_addresses(c, err), err);
	if (!insecure)
		note(c, config_nsq_guard(&c->nsq, err), err);
	note(c, smtp_config_guard(&c->smtp, "smtp-", insecure, err), err);
}

static bool only_options(const struct config *c, char *err)
{
	if (c->options.n_args == 0 && c->options.rest == NULL)
		return true;
	text_format(err, OPTIONS_ERR, "unexpected word '%.100s': sheafd takes options only",
	            c->options.n_args > 0 ? c->options.args[0] : "--");
	return false;
}

int config_read(struct config *c, int argc, char **argv, char err[OPTIONS_ERR])
{
	const struct option_table table = { .specs = specs, .n = SPECS, .sections = sections, .n_sections = SECTIONS };
	int parsed;

	*c = (struct config){ 0 };
	parsed = options_parse_table(&c->options, &table, argc, argv, &c->mistakes, err);
	if (!c->options.usable)
		return -1;
	c->check_config = options_flag(&c->options, "check-config");
	if (parsed != 0 && !c->check_config)
		return -1;
	c->help = options_flag(&c->options, "help");
	c->version = options_flag(&c->options, "version");
	if (c->help || c->version)
		return 0;
	if (!only_options(c, err))
		return -1;
	read_all(c, err);
	if (c->mistakes.n == 0 && !c->check)
		guard(c, err);
	c->edges = nsq_wanted(&c->nsq) || smtp_wanted(&c->smtp);
	if (c->mistakes.n > 0)
		text_format(err, OPTIONS_ERR, "%s", c->mistakes.v[0]);
	return c->mistakes.n == 0 ? 0 : -1;
}

void config_fini(struct config *c)
{
	smtp_config_fini(&c->smtp);
	options_fini(&c->options);
	mistakes_fini(&c->mistakes);
}

static const struct options_fact signals[] = {
	{ "TERM, INT",
	  "drains: takes nothing new, waits for what workers have (--grace), ends; a second one ends at once" },
	{ "HUP", "with --keys: reads them again; new keys are admitted, and those that are gone are refused" },
	{ NULL, NULL },
};

static const struct options_fact exits[] = {
	{ "0", "it was told to end, or what --check or --check-config looked at is right" },
	{ "1", "the journal cannot be written or read, or --check found damage" },
	{ "2", "an option is wrong, or with --check-config anything that it names" },
	{ NULL, NULL },
};

const struct options_page config_page = {
	.name = "sheafd",
	.section = 8,
	.line = "broker of a distributed job queue",
	.args = "--data DIR [OPTION...]",
	.text = "The broker: takes jobs from clients, writes them down, hands them to workers, gathers the results.\n"
		"Prints one line `sheafd ready ...` on stderr when it serves. What it has accepted is on the disk:\n"
		"no crash loses it. It needs one address that clients and workers know, --listen; they hear the\n"
		"others from it.",
	.specs = specs,
	.n = SPECS,
	.signals = signals,
	.exits = exits,
	.example = "sheafd --data /var/lib/sheaf --memory 1G",
	.file = SMTP_FILE_TEXT,
	.file_example = SMTP_FILE_EXAMPLE,
	.see = "sheaf(1), sheaf-worker(1), sheaf-smtpd(8), sheaf.conf(5)",
};
