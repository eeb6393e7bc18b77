/* See options.h. */
#include "base/options.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/options_file.h"
#include "base/suggest.h"
#include "base/text.h"

int options_find(const struct options *o, const char *name, size_t n)
{
	for (int i = 0; i < o->n; i++)
		if (strlen(o->specs[i].name) == n && memcmp(o->specs[i].name, name, n) == 0)
			return i;
	return -1;
}

static int find_letter(const struct options *o, char letter)
{
	for (int i = 0; i < o->n; i++)
		if (o->specs[i].letter == letter)
			return i;
	return -1;
}

static bool is_list(const struct option_spec *s)
{
	size_t n = s->value != NULL ? strlen(s->value) : 0, mark = strlen("...");

	return n > mark && strcmp(s->value + n - mark, "...") == 0;
}

static void add_to_list(struct options *o, int i, const char *value, int line)
{
	size_t n = (size_t)o->n_list[i] + 1;

	o->lists[i] = realloc(o->lists[i], n * sizeof o->lists[i][0]);
	o->list_lines[i] = realloc(o->list_lines[i], n * sizeof o->list_lines[i][0]);
	must(o->lists[i] != NULL && o->list_lines[i] != NULL);
	o->lists[i][n - 1] = strdup(value);
	must(o->lists[i][n - 1] != NULL);
	o->list_lines[i][n - 1] = line;
	o->n_list[i]++;
}

int options_set(struct options *o, int i, const char *value, int line, char *err)
{
	const struct option_spec *s = &o->specs[i];

	if (s->help == NULL) {
		text_format(err, OPTIONS_ERR, "--%s is not built yet", s->name);
		return -1;
	}
	free(o->values[i]);
	o->values[i] = strdup(value);
	must(o->values[i] != NULL);
	o->lines[i] = line;
	if (is_list(s))
		add_to_list(o, i, value, line);
	return 0;
}

bool options_true(const char *text)
{
	return strcmp(text, "true") == 0 || strcmp(text, "1") == 0 || strcmp(text, "yes") == 0 ||
	       strcmp(text, "on") == 0;
}

static int unknown(const struct options *o, const char *name, size_t n, char *err)
{
	struct suggest s;
	char typed[64];

	text_format(typed, sizeof typed, "%.*s", (int)(n < 60 ? n : 60), name);
	suggest_init(&s, typed);
	for (int i = 0; i < o->n; i++)
		if (o->specs[i].help != NULL)
			suggest_offer(&s, o->specs[i].name);
	if (suggest_best(&s) != NULL)
		text_format(err, OPTIONS_ERR, "unknown option --%s: did you mean --%s?", typed, suggest_best(&s));
	else
		text_format(err, OPTIONS_ERR, "unknown option --%s: --help lists what there is", typed);
	return -1;
}

/* Takes the option at argv[*at]; its value may be the next word. */
static int take(struct options *o, int argc, char **argv, int *at, char *err)
{
	const char *word = argv[*at], *equals = strchr(word, '='), *value = equals != NULL ? equals + 1 : NULL;
	int i;

	if (word[1] == '-') {
		size_t n = equals != NULL ? (size_t)(equals - word) - 2 : strlen(word) - 2;

		i = options_find(o, word + 2, n);
		if (i < 0)
			return unknown(o, word + 2, n, err);
	} else {
		i = find_letter(o, word[1]);
		if (i < 0) {
			text_format(err, OPTIONS_ERR, "unknown option %.60s: --help lists what there is", word);
			return -1;
		}
		if (value == NULL && word[2] != '\0')
			value = word + 2;
	}
	if (o->specs[i].value == NULL) {
		if (value != NULL && !options_true(value)) {
			text_format(err, OPTIONS_ERR, "--%s takes no value", o->specs[i].name);
			return -1;
		}
		return options_set(o, i, "true", 0, err);
	}
	if (value == NULL && *at + 1 >= argc && o->specs[i].help != NULL) {
		text_format(err, OPTIONS_ERR, "--%s needs a value: --%s %s", o->specs[i].name, o->specs[i].name,
		            o->specs[i].value);
		return -1;
	}
	if (value == NULL && *at + 1 < argc)
		value = argv[++*at];
	return options_set(o, i, value != NULL ? value : "", 0, err);
}

/* What it is called there: the same in all programs that have it. */
static void variable_of(const struct options *o, int i, char to[80])
{
	size_t n = text_format(to, 80, "SHEAF_%s", o->specs[i].name);

	for (int s = 0; s < o->n_sections; s++) {
		const struct option_section *one = &o->sections[s];
		const char *key = one->env != NULL ? options_key_of(o, one, i) : NULL;

		if (key != NULL && strcmp(o->specs[i].name, one->listen) == 0)
			n = text_format(to, 80, "SHEAF_%.*s", (int)strlen(one->env) - 1, one->env);
		else if (key != NULL)
			n = text_format(to, 80, "SHEAF_%s%s", one->env, key);
	}
	for (size_t k = 6; k < n; k++)
		to[k] = to[k] == '-' ? '_' : (char)toupper((unsigned char)to[k]);
}

static int from_environment(struct options *o, char *err)
{
	for (int i = 0; i < o->n; i++) {
		char key[80];
		const char *value;

		variable_of(o, i, key);
		value = getenv(key);
		if (o->values[i] != NULL || value == NULL || *value == '\0')
			continue;
		if (o->specs[i].value == NULL && !options_true(value))
			continue;
		if (strcmp(o->specs[i].name, "help") == 0 || strcmp(o->specs[i].name, "version") == 0)
			continue;
		if (options_set(o, i, value, 0, err) != 0)
			return -1;
	}
	return 0;
}

int options_parse_table(struct options *o, const struct option_table *t, int argc, char **argv, struct mistakes *m,
                        char err[OPTIONS_ERR])
{
	int config;

	must(t->n <= OPTIONS_MAX);
	*o = (struct options){ .specs = t->specs, .n = t->n, .sections = t->sections, .n_sections = t->n_sections };
	o->args = calloc((size_t)argc + 1, sizeof *o->args);
	must(o->args != NULL);
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--") == 0) {
			o->rest = argv + i + 1;
			o->n_rest = argc - i - 1;
			break;
		}
		if (argv[i][0] != '-' || argv[i][1] == '\0')
			o->args[o->n_args++] = argv[i];
		else if (take(o, argc, argv, &i, err) != 0)
			return -1;
	}
	if (from_environment(o, err) != 0)
		return -1;
	o->usable = true;
	config = options_find(o, "config", 6);
	if (config < 0 || o->values[config] == NULL)
		return 0;
	o->file = o->values[config];
	return options_read_file(o, m, err);
}

int options_parse(struct options *o, const struct option_spec *specs, int n, int argc, char **argv,
                  char err[OPTIONS_ERR])
{
	const struct option_table t = { .specs = specs, .n = n };

	return options_parse_table(o, &t, argc, argv, NULL, err);
}

void options_fini(struct options *o)
{
	for (int i = 0; i < o->n; i++) {
		free(o->values[i]);
		for (int k = 0; k < o->n_list[i]; k++)
			free(o->lists[i][k]);
		free(o->lists[i]);
		free(o->list_lines[i]);
	}
	for (int i = 0; i < o->n_entries; i++)
		free(o->entries[i].section);
	free(o->entries);
	free(o->args);
	*o = (struct options){ 0 };
}

const char *options_get(const struct options *o, const char *name)
{
	int i = options_find(o, name, strlen(name));

	must(i >= 0);
	return o->values[i];
}

int options_list(const struct options *o, const char *name, char ***values)
{
	int i = options_find(o, name, strlen(name));

	must(i >= 0 && is_list(&o->specs[i]));
	*values = o->lists[i];
	return o->n_list[i];
}

bool options_flag(const struct options *o, const char *name)
{
	return options_get(o, name) != NULL;
}
