/* The options of nsq-load: a table, read from the command line. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/units.h"
#include "bench/nsq_consumer.h"
#include "bench/nsq_load.h"
#include "bench/nsq_producer.h"

enum kind { NUMBER, DURATION, TEXT, CHANNELS, FLAG };

struct load_option {
	const char *name;
	const char *value; /* what help calls it */
	const char *help;
	const char *otherwise; /* its default, as one would type it; NULL: none */
	enum kind kind;
	size_t at, bytes; /* where it goes in struct load_options */
	uint64_t least, most;
};

#define PLACE(field) offsetof(struct load_options, field), sizeof(((struct load_options *)0)->field)

static const struct load_option table[] = {
	{ "topic", "NAME", "the topic", "load", TEXT, PLACE(topic), 0, 0 },
	{ "channel", "A,B", "consume, latency: the channels", "load", CHANNELS, PLACE(channels), 0, 0 },
	{ "connections", "N", "publish: in all; consume: for each channel; crowd: that publish", "4", NUMBER,
	  PLACE(connections), 1, 1000 },
	{ "batch", "N", "publish, crowd: messages in an MPUB; 1 publishes with PUB", "200", NUMBER, PLACE(batch), 1,
	  100000 },
	{ "size", "BYTES", "of a message", "200", NUMBER, PLACE(size), BODY_HEAD, 1 << 20 },
	{ "depth", "N", "publishes of a connection that wait for their OK", "4", NUMBER, PLACE(depth), 1, 10000 },
	{ "rdy", "N", "messages that a consumer may hold", "2500", NUMBER, PLACE(rdy), 1, 1000000 },
	{ "count", "N", "messages: publish ends then; consume ends when so many different ones have come", NULL, NUMBER,
	  PLACE(count), 0, TALLY_MOST },
	{ "first", "N", "the number of the first message", "0", NUMBER, PLACE(first), 0, TALLY_MOST },
	{ "tag", "N", "marks the messages of a run; consume counts others as foreign", "1", NUMBER, PLACE(tag), 0,
	  UINT32_MAX },
	{ "rate", "N", "messages a second; latency: 1000; else without a bound", NULL, NUMBER, PLACE(rate), 1,
	  100000000 },
	{ "seconds", "D", "how long; 10s, or without a bound where --count is given", NULL, DURATION, PLACE(ms), 1, 0 },
	{ "patience", "D", "gives up when nothing has come for so long", "30s", DURATION, PLACE(patience_ms), 1, 0 },
	{ "idle", "N", "crowd: subscribers of a topic on which nothing happens", "2000", NUMBER, PLACE(idle), 0,
	  LOAD_CONNECTIONS },
	{ "busy", "N", "crowd: subscribers of the topic", "200", NUMBER, PLACE(busy), 1, LOAD_CONNECTIONS },
	{ "spread", "N", "crowd: channels of the topic, and of the idle one", "10", NUMBER, PLACE(spread), 1, 1000 },
	{ "json", NULL, "one document for programs", NULL, FLAG, PLACE(json), 0, 0 },
	{ "help", NULL, "this text", NULL, FLAG, 0, 0, 0, 0 },
};

enum { OPTIONS = sizeof table / sizeof table[0] };

static _Noreturn void help(void)
{
	puts("usage: nsq-load MODE [OPTION…] HOST:PORT\n"
	     "\n"
	     "Puts load on a server of NSQ's TCP protocol and checks every answer.\n"
	     "\n"
	     "  publish   publishes, checks every OK, and says how many a second were accepted\n"
	     "  consume   finishes every message; checks that each comes once to each channel\n"
	     "  latency   publishes on a schedule to one consumer: from when a message was due until it came\n"
	     "  crowd     many idle subscribers and many busy ones: does each busy one get its share?\n");
	for (size_t i = 0; i < OPTIONS; i++) {
		const struct load_option *o = &table[i];
		char name[40];

		snprintf(name, sizeof name, "--%s %s", o->name, o->value ? o->value : "");
		printf("  %-18s %s%s%s\n", name, o->help, o->otherwise ? "; default " : "",
		       o->otherwise ? o->otherwise : "");
	}
	puts("\nExit status: 0 all is well, 1 an answer was wrong or messages are missing, came twice or are foreign,\n"
	     "2 usage, 3 the server is unreachable, 4 it refused, 5 something else.\n"
	     "\n"
	     "  nsq-load publish --count 1000000 127.0.0.1:4150\n"
	     "  nsq-load consume --count 1000000 127.0.0.1:4150\n"
	     "  nsq-load latency --rate 1000 --rdy 100 127.0.0.1:4150");
	exit(0);
}

/* A name as NSQ allows it. */
static bool is_name(const char *s, size_t n)
{
	static const char letters[] = ".abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
	static const char ephemeral[] = "#ephemeral";

	if (n == 0 || n >= LOAD_NAME)
		return false;
	if (n > sizeof ephemeral - 1 && memcmp(s + n - (sizeof ephemeral - 1), ephemeral, sizeof ephemeral - 1) == 0)
		n -= sizeof ephemeral - 1;
	return strspn(s, letters) >= n;
}

static void set_channels(struct load_options *o, const char *value)
{
	o->n_channels = 0;
	for (const char *at = value; at != NULL;) {
		const char *comma = strchr(at, ',');
		size_t n = comma ? (size_t)(comma - at) : strlen(at);

		if (!is_name(at, n))
			load_die(LOAD_USAGE, "--channel: '%.*s' is no channel's name", (int)n, at);
		if (o->n_channels == LOAD_CHANNELS)
			load_die(LOAD_USAGE, "--channel: at most %d channels", LOAD_CHANNELS);
		memcpy(o->channels[o->n_channels], at, n);
		o->channels[o->n_channels++][n] = 0;
		at = comma ? comma + 1 : NULL;
	}
}

static void set(struct load_options *o, const struct load_option *t, const char *value)
{
	uint8_t *place = (uint8_t *)o + t->at;
	uint64_t v = 1;

	if (t->kind == TEXT) {
		if (!is_name(value, strlen(value)))
			load_die(LOAD_USAGE, "--%s: '%s' is no name", t->name, value);
		memcpy(place, &value, sizeof value);
		return;
	}
	if (t->kind == CHANNELS) {
		set_channels(o, value);
		return;
	}
	if (t->kind == NUMBER && !units_number(value, t->least, t->most, &v))
		load_die(LOAD_USAGE, "--%s: '%s' is no number from %llu to %llu", t->name, value,
		         (unsigned long long)t->least, (unsigned long long)t->most);
	if (t->kind == DURATION && (!units_duration(value, &v) || v == 0))
		load_die(LOAD_USAGE, "--%s: '%s' is no duration such as 500ms or 10s", t->name, value);
	/* numbers of three widths; x86 and arm are little endian, and so is this */
	must(t->bytes == 1 || t->bytes == 4 || t->bytes == 8);
	memcpy(place, &v, t->bytes);
}

/* HOST:PORT, or [HOST]:PORT for an address with colons. */
static void set_server(struct load_options *o, const char *text)
{
	const char *colon = strrchr(text, ':');
	size_t n = colon ? (size_t)(colon - text) : 0;
	uint64_t port;

	if (n >= 2 && text[0] == '[' && text[n - 1] == ']') {
		text++;
		n -= 2;
	}
	if (n == 0 || n >= sizeof o->host || !units_number(colon + 1, 1, 65535, &port))
		load_die(LOAD_USAGE, "'%s' is no address such as 127.0.0.1:4150", text);
	memcpy(o->host, text, n);
	o->host[n] = 0;
	o->port = colon + 1;
}

void options_of_load(struct load_options *o, int argc, char **argv)
{
	struct option names[OPTIONS + 1] = { 0 };
	int c, at;

	memset(o, 0, sizeof *o);
	for (size_t i = 0; i < OPTIONS; i++) {
		names[i] = (struct option){ table[i].name, table[i].value ? required_argument : no_argument, NULL, 1 };
		if (table[i].otherwise)
			set(o, &table[i], table[i].otherwise);
	}
	while ((c = getopt_long(argc, argv, "h", names, &at)) != -1) {
		if (c == 'h' || (c == 1 && table[at].bytes == 0))
			help();
		if (c != 1)
			load_die(LOAD_USAGE, "`nsq-load --help` shows the options");
		set(o, &table[at], optarg);
	}
	if (argc - optind != 2)
		load_die(LOAD_USAGE, "usage: nsq-load publish|consume|latency|crowd [OPTION…] HOST:PORT");
	o->mode = argv[optind];
	set_server(o, argv[optind + 1]);
	if (o->ms == 0)
		o->ms = o->count ? UINT32_MAX : 10000;
	if (o->rate == 0 && strcmp(o->mode, "latency") == 0)
		o->rate = 1000;
	if ((uint64_t)o->batch * (o->size + 4) > 64u << 20)
		load_die(LOAD_USAGE, "--batch and --size: more than 64 MiB in one MPUB");
}
