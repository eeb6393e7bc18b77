/* See flags.h. */
#include "client/cli/flags.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/suggest.h"
#include "base/units.h"
#include "client/cli/common.h"
#include "client/sheaf.h"

#define AT(field)   offsetof(struct flags, field)
#define CMD_POLICY  (CMD_SUBMIT | CMD_RUN | CMD_MAP)
#define DURATION_MS ((uint64_t)3650 * 24 * 3600 * 1000)

static const struct option table[] = {
	{ "priority", 0, OPTION_NUMBER, CMD_POLICY, AT(priority), 0, LIMIT_PRIORITY, "0..9",
	  "9 runs first; default 4" },
	{ "attempts", 0, OPTION_NUMBER, CMD_POLICY, AT(attempts), 1, LIMIT_ATTEMPTS, "N",
	  "how often a failing handler is tried; default 1" },
	{ "header", 0, OPTION_LIST, CMD_POLICY, AT(headers), 0, 0, "NAME=VALUE",
	  "goes with the job, in the handler's environment as SHEAF_H_NAME; may be repeated" },
	{ "lines", 0, OPTION_FLAG, CMD_SUBMIT, AT(lines), 0, 0, NULL, "a job for each line of stdin" },
	{ "null", 0, OPTION_FLAG, CMD_SUBMIT | CMD_MAP, AT(null), 0, 0, NULL,
	  "records end in a NUL byte instead of a newline" },
	{ "ordered", 0, OPTION_FLAG, CMD_MAP, AT(ordered), 0, 0, NULL, "results in the order of the input" },
	{ "joblog", 0, OPTION_TEXT, CMD_MAP, AT(joblog), 0, 0, "FILE",
	  "a line per finished job, in the format of GNU parallel" },
	{ "resume", 0, OPTION_FLAG, CMD_MAP, AT(resume), 0, 0, NULL, "skip the records that the joblog names already" },
	{ "in-flight", 'j', OPTION_NUMBER, CMD_MAP | CMD_BENCH, AT(in_flight), 1, LIMIT_CLIENT_WAITS, "N",
	  "jobs that are submitted and not finished, at most" },
	{ "any", 0, OPTION_FLAG, CMD_WAIT, AT(any), 0, 0, NULL, "until the first of them has ended" },
	{ "count", 'n', OPTION_NUMBER, CMD_QUEUE, AT(count), 1, LIMIT_PEEKED, "N", "jobs that peek shows; default 10" },
	{ "queue", 0, OPTION_TEXT, CMD_BENCH, AT(queue), 0, 0, "QUEUE", "where the jobs go; default bench" },
	{ "mode", 0, OPTION_TEXT, CMD_BENCH, AT(mode), 0, 0, "MODE", "one, pipelined, batched or all; default all" },
	{ "jobs", 0, OPTION_NUMBER, CMD_BENCH, AT(jobs), 1, 1000000000, "N",
	  "jobs of each measurement; default: as many as the time allows" },
	{ "seconds", 0, OPTION_DURATION, CMD_BENCH, AT(seconds_ms), 1, DURATION_MS, "D",
	  "how long each measurement takes; default 3s" },
	{ "payload", 0, OPTION_SIZE, CMD_BENCH, AT(payload), 0, LIMIT_PAYLOAD, "BYTES", "of each job; default 200" },
	{ "batch", 0, OPTION_NUMBER, CMD_BENCH, AT(batch), 1, LIMIT_RECORDS, "N",
	  "jobs in a message when batched; default: 64, then 256" },
	{ "broker", 0, OPTION_TEXT, CMD_EVERY, AT(broker), 0, 0, "URL", "default " SHEAF_DEFAULT_BROKER },
	{ "timeout", 0, OPTION_DURATION, CMD_EVERY, AT(timeout_ms), 0, DURATION_MS, "D",
	  "for the whole command, such as 500ms 30s 5m 2h" },
	{ "insecure", 0, OPTION_FLAG, CMD_EVERY, AT(insecure), 0, 0, NULL,
	  "allow a broker that is not on this machine, unencrypted" },
	{ "json", 0, OPTION_FLAG, CMD_EVERY, AT(json), 0, 0, NULL, "output for programs" },
	{ "quiet", 0, OPTION_FLAG, CMD_EVERY, AT(quiet), 0, 0, NULL, "no progress and no remarks" },
	{ "help", 'h', OPTION_FLAG, CMD_EVERY, AT(help), 0, 0, NULL, "what the command does" },
	{ "version", 0, OPTION_FLAG, CMD_EVERY, AT(version), 0, 0, NULL, "which version this is" },
	{ 0 },
};

enum { OPTIONS = sizeof table / sizeof table[0] - 1 };

/* Options to come, which nobody may believe to work today. */
static const struct {
	const char *name;
	uint32_t commands;
} later[] = {
	{ "delay", CMD_POLICY }, { "at", CMD_POLICY },      { "expires", CMD_POLICY },   { "lease", CMD_POLICY },
	{ "key", CMD_POLICY },   { "backoff", CMD_POLICY }, { "topic", CMD_POLICY },     { "tag", CMD_MAP },
	{ "halt", CMD_MAP },     { "keys", CMD_EVERY },     { "retry-failed", CMD_MAP }, { "replicas", 0 },
	{ "channel", 0 },
};

const struct option *flags_table(void)
{
	return table;
}

/* ---- one value ---- */

static bool bad_value(const struct option *o, const char *text, const char *where)
{
	char low[24], high[24];

	switch (o->kind) {
	case OPTION_DURATION:
		cli_say("%s%s: '%s' is no duration such as 500ms, 30s, 5m or 2h", where, o->name, text);
		return false;
	case OPTION_SIZE:
		cli_say("%s%s: '%s' is no size from %s to %s", where, o->name, text, units_show_size(o->least, low),
		        units_show_size(o->most, high));
		return false;
	case OPTION_FLAG:
		cli_say("%s%s: '%s' is neither true nor false", where, o->name, text);
		return false;
	default:
		cli_say("%s%s: '%s' is no whole number from %" PRIu64 " to %" PRIu64, where, o->name, text, o->least,
		        o->most);
		return false;
	}
}

static bool read_flag(const char *text, bool *out)
{
	static const char *const yes[] = { "1", "true", "yes", "on" }, *const no[] = { "0", "false", "no", "off", "" };

	for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++)
		if (strcasecmp(text, yes[i]) == 0)
			return *out = true;
	for (size_t i = 0; i < sizeof no / sizeof no[0]; i++) {
		if (strcasecmp(text, no[i]) == 0) {
			*out = false;
			return true;
		}
	}
	return false;
}

static void add_to_list(const char ***v, const char *text)
{
	size_t *n = (size_t *)(void *)(v + 1);

	*v = realloc(*v, (*n + 1) * sizeof **v);
	must(*v);
	(*v)[(*n)++] = text;
}

/* Sets an option; `where` is what the error calls its place: "--" or the environment's. */
static bool set(struct flags *f, const struct option *o, const char *text, const char *where)
{
	void *place = (char *)f + o->offset;
	uint64_t value;
	bool good;

	switch (o->kind) {
	case OPTION_TEXT:
		memcpy(place, &text, sizeof text);
		return true;
	case OPTION_LIST:
		add_to_list(place, text);
		return true;
	case OPTION_FLAG:
		return read_flag(text, place) || bad_value(o, text, where);
	case OPTION_DURATION:
		good = units_duration(text, &value);
		break;
	case OPTION_SIZE:
		good = units_size(text, &value);
		break;
	default:
		good = units_number(text, o->least, o->most, &value);
	}
	if (!good || value < o->least || value > o->most)
		return bad_value(o, text, where);
	memcpy(place, &value, sizeof value);
	return true;
}

/* ---- the command line ---- */

static const struct option *find(const char *name, size_t n)
{
	for (int i = 0; i < OPTIONS; i++)
		if (strlen(table[i].name) == n && memcmp(table[i].name, name, n) == 0)
			return &table[i];
	return NULL;
}

static bool unknown(const char *name, size_t n)
{
	struct suggest s;
	char typed[64];

	for (size_t i = 0; i < sizeof later / sizeof later[0]; i++) {
		if (strlen(later[i].name) == n && memcmp(later[i].name, name, n) == 0) {
			cli_say("--%s is not built yet", later[i].name);
			return false;
		}
	}
	snprintf(typed, sizeof typed, "%.*s", (int)(n < 60 ? n : 60), name);
	suggest_init(&s, typed);
	for (int i = 0; i < OPTIONS; i++)
		suggest_offer(&s, table[i].name);
	if (suggest_best(&s))
		cli_say("unknown option --%s: did you mean --%s?", typed, suggest_best(&s));
	else
		cli_say("unknown option --%s: 'sheaf help COMMAND' lists what there is", typed);
	return false;
}

static bool given[OPTIONS]; /* on the command line */

/* Sets an option from the command line. `value` is what stood behind '=', or NULL; else the next word is taken. */
static bool take(struct flags *f, const struct option *o, const char *value, char **argv, int *at, int argc)
{
	given[o - table] = true;
	if (!value && o->kind == OPTION_FLAG)
		value = "true";
	if (!value) {
		if (*at + 1 >= argc) {
			cli_say("--%s needs a value: --%s %s", o->name, o->name, o->value);
			return false;
		}
		value = argv[++*at];
	}
	return set(f, o, value, "--");
}

static bool take_long(struct flags *f, char **argv, int *at, int argc)
{
	const char *name = argv[*at] + 2, *equals = strchr(name, '=');
	size_t n = equals ? (size_t)(equals - name) : strlen(name);
	const struct option *o = find(name, n);

	if (!o)
		return unknown(name, n);
	return take(f, o, equals ? equals + 1 : NULL, argv, at, argc);
}

static bool take_letter(struct flags *f, char **argv, int *at, int argc)
{
	const char *word = argv[*at];

	for (int i = 0; i < OPTIONS; i++) {
		const struct option *o = &table[i];

		if (o->letter != word[1])
			continue;
		if (o->kind == OPTION_FLAG && word[2])
			break;
		return take(f, o, word[2] == '=' ? word + 3 : word[2] ? word + 2 : NULL, argv, at, argc);
	}
	cli_say("unknown option %s: what begins with a dash and is none stands behind --", word);
	return false;
}

bool flags_parse(struct flags *f, int argc, char **argv)
{
	bool options = true;

	*f = (struct flags){ .timeout_ms = SHEAF_FOREVER,
		             .priority = DEFAULT_PRIORITY,
		             .attempts = DEFAULT_ATTEMPTS,
		             .count = 10,
		             .queue = "bench",
		             .mode = "all",
		             .payload = 200,
		             .seconds_ms = 3000 };
	f->args = calloc((size_t)argc + 1, sizeof *f->args);
	must(f->args);
	for (int i = 0; i < argc; i++) {
		if (!options || argv[i][0] != '-' || argv[i][1] == 0)
			f->args[f->n_args++] = argv[i];
		else if (strcmp(argv[i], "--") == 0)
			options = false;
		else if (!(argv[i][1] == '-' ? take_long : take_letter)(f, argv, &i, argc))
			return false;
	}
	return true;
}

/* ---- the environment ---- */

/* The value of SHEAF_<NAME>, or NULL; `key` gets the variable's name. */
static const char *from_environment(const char *name, char key[64])
{
	int n = snprintf(key, 64, "SHEAF_%s", name);

	for (int i = 6; i < n; i++)
		key[i] = (char)(key[i] == '-' ? '_' : toupper((unsigned char)key[i]));
	return getenv(key); /* NOLINT(concurrency-mt-unsafe): there is one thread by now */
}

bool flags_settle(struct flags *f, uint32_t bit, const char *command)
{
	char key[64], where[80];
	const char *value;

	for (size_t i = 0; i < sizeof later / sizeof later[0]; i++) {
		if ((later[i].commands & bit) && from_environment(later[i].name, key)) {
			cli_say("--%s is not built yet, but %s is set", later[i].name, key);
			return false;
		}
	}
	for (int i = 0; i < OPTIONS; i++) {
		const struct option *o = &table[i];

		if (given[i] && !(o->commands & bit)) {
			cli_say("%s has no option --%s: see 'sheaf help %s'", command, o->name, command);
			return false;
		}
		if (given[i] || !(o->commands & bit) || o->offset == AT(help) || o->offset == AT(version))
			continue;
		value = from_environment(o->name, key);
		if (!value || !*value)
			continue;
		snprintf(where, sizeof where, "%s, for --", key);
		if (!set(f, o, value, where))
			return false;
	}
	return true;
}

void flags_fini(struct flags *f)
{
	free(f->headers);
	free(f->args);
	f->headers = f->args = NULL;
}
