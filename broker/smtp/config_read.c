/* See config_read.h. */
#include "broker/smtp/config_read.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

const char *config_name(const char *prefix, const char *key, char to[CONFIG_NAME])
{
	if (strcmp(key, "listen") == 0 && *prefix != '\0')
		text_format(to, CONFIG_NAME, "%.*s", (int)strlen(prefix) - 1, prefix);
	else
		text_format(to, CONFIG_NAME, "%s%s", prefix, key);
	return to;
}

struct config_at config_option(const struct options *o, const char *prefix, struct mistakes *m, const char *key)
{
	char name[CONFIG_NAME];
	struct config_at at = { .o = o, .prefix = prefix, .m = m, .key = key };
	int i;

	config_name(prefix, key, name);
	i = options_find(o, name, strlen(name));
	must(i >= 0);
	at.line = o->lines[i];
	return at;
}

bool config_given(const struct config_at *at, const char **value)
{
	char name[CONFIG_NAME];

	*value = options_get(at->o, config_name(at->prefix, at->key, name));
	return *value != NULL;
}

void config_bad(const struct config_at *at, const char *value, const char *what)
{
	char place[256] = "", name[CONFIG_NAME], key[LIMIT_QUEUE_NAME + CONFIG_NAME + 64];

	if (at->line > 0)
		text_format(place, sizeof place, "%.200s:%d: ", at->o->file, at->line);
	if (at->entry != NULL)
		text_format(key, sizeof key, "[smtp.queue.%.90s] %s", at->entry->section, at->key);
	else
		text_format(key, sizeof key, "--%s", config_name(at->prefix, at->key, name));
	if (value != NULL)
		mistakes_add(at->m, "%s%s: '%.100s' %s", place, key, value, what);
	else
		mistakes_add(at->m, "%s%s %s", place, key, what);
}

static void cut(const struct config_at *at, const char *text, config_word take, void *arg)
{
	char *copy = strdup(text), *next;

	must(copy != NULL);
	for (char *one = strtok_r(copy, ", \t", &next); one != NULL; one = strtok_r(NULL, ", \t", &next))
		take(arg, at, one);
	free(copy);
}

void config_words(const struct config_at *at, config_word take, void *arg)
{
	char name[CONFIG_NAME], **values;
	int n, i;

	if (at->entry != NULL) {
		cut(at, at->entry->value, take, arg);
		return;
	}
	config_name(at->prefix, at->key, name);
	i = options_find(at->o, name, strlen(name));
	n = options_list(at->o, name, &values);
	for (int k = 0; k < n; k++) {
		struct config_at one = *at;

		one.line = at->o->list_lines[i][k];
		cut(&one, values[k], take, arg);
	}
}

void config_texts_add(struct config_texts *t, const char *text, bool lower)
{
	t->v = realloc(t->v, (t->n + 1) * sizeof t->v[0]);
	must(t->v != NULL);
	t->v[t->n] = strdup(text);
	must(t->v[t->n] != NULL);
	for (char *p = t->v[t->n]; lower && *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	t->n++;
}

void config_texts_free(char **v, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		free(v[i]);
	free(v);
}

void config_network(struct cidr **v, uint32_t *n, const struct config_at *at, const char *word)
{
	const char *why = NULL;
	struct cidr c;
	char said[160];

	if (!cidr_read(span_str(word), &c, &why)) {
		text_format(said, sizeof said, "is no network such as 10.0.0.0/8: %s",
		            why != NULL ? why : "no address");
		config_bad(at, word, said);
		return;
	}
	*v = realloc(*v, (*n + 1) * sizeof **v);
	must(*v != NULL);
	(*v)[(*n)++] = c;
}
