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
	case OPTION_WORD:
		cli_say("%s%s: '%s' is none of %s", where, o->name, text, o->value);
		return false;
	default:
		cli_say("%s%s: '%s' is no whole number from %" PRIu64 " to %" PRIu64, where, o->name, text, o->least,
		        o->most);
		return false;
	}
}

/* Whether `word` is one of a list. */
static bool has_word(const char *list, const char *word, char between)
{
	const char ends[] = { between, 0 };
	size_t n = strlen(word);

	while (*list) {
		size_t k = strcspn(list, ends);

		if (k == n && memcmp(list, word, n) == 0)
			return true;
		list += k + (list[k] != 0);
	}
	return false;
}

bool flags_names(const char *commands, const char *command)
{
	return commands == EVERY_COMMAND || has_word(commands, command, ' ');
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
	case OPTION_WORD:
		if (!has_word(o->value, text, '|'))
			return bad_value(o, text, where);
		memcpy(place, &text, sizeof text);
		return true;
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

bool flags_set(struct flags *f, const struct option *o, const char *value)
{
	return set(f, o, value, "--");
}

/* ---- the command line ---- */

static const struct option *find(const char *name, size_t n)
{
	for (const struct option *o = flags_table; o->name; o++)
		if (strlen(o->name) == n && memcmp(o->name, name, n) == 0)
			return o;
	return NULL;
}

static bool unknown(const char *name, size_t n)
{
	struct suggest s;
	char typed[64];

	snprintf(typed, sizeof typed, "%.*s", (int)(n < 60 ? n : 60), name);
	suggest_init(&s, typed);
	for (const struct option *o = flags_table; o->name; o++)
		suggest_offer(&s, o->name);
	if (suggest_best(&s))
		cli_say("unknown option --%s: did you mean --%s?", typed, suggest_best(&s));
	else
		cli_say("unknown option --%s: 'sheaf help COMMAND' lists what there is", typed);
	return false;
}

/* Takes an option from the command line. `value` is what stood behind '=', or NULL; else the next word is taken.
 * Which row of that name is meant is seen when the command is known. */
static bool take(struct flags *f, const struct option *o, const char *value, char **argv, int *at, int argc)
{
	if (!value && o->kind == OPTION_FLAG)
		value = "true";
	if (!value) {
		if (*at + 1 >= argc) {
			cli_say("--%s needs a value: --%s %s", o->name, o->name, o->value);
			return false;
		}
		value = argv[++*at];
	}
	f->given[f->n_given++] = (struct given){ o->name, value };
	return o->commands != EVERY_COMMAND || set(f, o, value, "--");
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

	for (const struct option *o = flags_table; o->name; o++) {
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

	*f = (struct flags){ .timeout_ms = SHEAF_FOREVER };
	f->args = calloc((size_t)argc + 1, sizeof *f->args);
	f->given = calloc((size_t)argc + 1, sizeof *f->given);
	must(f->args && f->given);
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

/* ---- with the command known ---- */

/* The value of SHEAF_<NAME>, or NULL; `key` gets the variable's name. */
static const char *from_environment(const char *name, char key[64])
{
	int n = snprintf(key, 64, "SHEAF_%s", name);

	for (int i = 6; i < n; i++)
		key[i] = (char)(key[i] == '-' ? '_' : toupper((unsigned char)key[i]));
	return getenv(key); /* NOLINT(concurrency-mt-unsafe): there is one thread by now */
}

static const struct option *find_for(const char *name, const char *command)
{
	for (const struct option *o = flags_table; o->name; o++)
		if (strcmp(o->name, name) == 0 && flags_names(o->commands, command))
			return o;
	return NULL;
}

static bool is_given(const struct flags *f, const char *name)
{
	for (int i = 0; i < f->n_given; i++)
		if (strcmp(f->given[i].name, name) == 0)
			return true;
	return false;
}

/* From the environment, or by its default. */
static bool set_unsaid(struct flags *f, const struct option *o)
{
	const char *value;
	char key[64], where[80];

	if (o->offset == offsetof(struct flags, help) || o->offset == offsetof(struct flags, version))
		return true;
	value = from_environment(o->name, key);
	if (!value || !*value)
		return !o->standard || set(f, o, o->standard, "the default of --");
	snprintf(where, sizeof where, "%s, for --", key);
	return set(f, o, value, where);
}

bool flags_settle(struct flags *f, const char *command)
{
	for (int i = 0; i < f->n_given; i++) {
		const struct option *o = find_for(f->given[i].name, command);

		if (!o) {
			cli_say("%s has no option --%s: see 'sheaf help %s'", command, f->given[i].name, command);
			return false;
		}
		if (o->commands != EVERY_COMMAND && !set(f, o, f->given[i].value, "--"))
			return false;
	}
	for (const struct option *o = flags_table; o->name; o++)
		if (flags_names(o->commands, command) && !is_given(f, o->name) && !set_unsaid(f, o))
			return false;
	return true;
}

void flags_fini(struct flags *f)
{
	free(f->headers);
	free(f->after);
	free(f->args);
	free(f->given);
	f->headers = f->after = f->args = NULL;
	f->given = NULL;
}
