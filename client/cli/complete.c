/* See complete.h. */
#include "client/cli/complete.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const struct command *find_command(const char *name)
{
	for (const struct command *const *k = commands_all(); *k; k++)
		if (strcmp((*k)->name, name) == 0)
			return *k;
	return NULL;
}

static bool is_for(const struct option *o, const struct command *k)
{
	return k ? flags_names(o->commands, k->name) : o->commands == EVERY_COMMAND;
}

/* The option that a word names: --name, --name=VALUE, -x or -xVALUE. The row of the command, if it has one. */
static const struct option *find_option(const char *word, const struct command *k)
{
	size_t n = strcspn(word, "=");
	const struct option *found = NULL;

	for (const struct option *o = flags_table; o->name; o++) {
		bool named = word[1] == '-' ? strlen(o->name) == n - 2 && memcmp(o->name, word + 2, n - 2) == 0
		                            : o->letter == word[1];

		if (named && (!found || is_for(o, k)))
			found = o;
	}
	return found;
}

/* ---- what a place takes ---- */

/* What a word of the usage says: QUEUE, [PAYLOAD|-], a|b|c. */
static void say_kind(struct completion *k, const char *usage, size_t n)
{
	static const struct {
		const char *word;
		enum complete_kind kind;
	} places[] = { { "QUEUE", COMPLETE_QUEUE }, { "WORKER", COMPLETE_WORKER },   { "TOPIC", COMPLETE_TOPIC },
		       { "FILE", COMPLETE_FILE },   { "COMMAND", COMPLETE_COMMAND }, { "DIR", COMPLETE_DIR } };
	size_t from = 0, at = 0;

	while (from < n && usage[from] == '[')
		from++;
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		size_t len = strlen(places[i].word);

		if (n - from >= len && memcmp(usage + from, places[i].word, len) == 0 &&
		    (n - from == len || !isupper((unsigned char)usage[from + len]))) {
			k->kind = places[i].kind;
			return;
		}
	}
	while (from < n && usage[from] != '[' && usage[from] != ']' && at + 1 < sizeof k->list)
		k->list[at++] = usage[from++];
	k->list[at] = 0;
	if (strchr(k->list, '|') && islower((unsigned char)k->list[0]))
		k->kind = COMPLETE_WORDS;
}

/* The n-th place of a command's usage; the last one, if it is repeated, stands for all that follow. */
static void say_place(struct completion *k, int n)
{
	const char *p = k->command->args;

	while (*p) {
		size_t len = strcspn(p, " ");

		if (n == 0 || (p[len] == 0 && len > 3 && memcmp(p + len - 3, "...", 3) == 0)) {
			say_kind(k, p, len);
			return;
		}
		n--;
		p += len + (p[len] == ' ');
	}
}

static void say_value(struct completion *k, const struct option *o)
{
	if (o && o->value)
		say_kind(k, o->value, strlen(o->value));
}

/* ---- the words before ---- */

struct walk {
	int places;                  /* arguments of the command so far */
	bool only_places;            /* behind -- */
	const struct option *before; /* it waits for a value */
	complete_seen_fn *seen;
	void *ctx;
};

static void see(struct walk *w, const struct option *o, const char *value)
{
	if (o->commands == EVERY_COMMAND)
		w->seen(w->ctx, o, value);
}

static void pass_option(struct walk *w, const struct completion *k, const char *word)
{
	const struct option *o = find_option(word, k->command);
	const char *equals = strchr(word, '=');

	if (!o)
		return;
	if (o->kind == OPTION_FLAG)
		see(w, o, equals ? equals + 1 : "true");
	else if (equals)
		see(w, o, equals + 1);
	else if (word[1] != '-' && word[2])
		see(w, o, word + 2);
	else
		w->before = o;
}

static void pass(struct walk *w, struct completion *k, const char *word)
{
	if (w->before) {
		see(w, w->before, word);
		w->before = NULL;
	} else if (!w->only_places && strcmp(word, "--") == 0) {
		w->only_places = true;
	} else if (!w->only_places && word[0] == '-' && word[1]) {
		pass_option(w, k, word);
	} else if (!k->command) {
		k->command = find_command(word);
		w->places = k->command ? 0 : -1000; /* no command: nothing is known of what follows */
	} else {
		w->places++;
	}
}

void complete_look(struct completion *k, int n, const char *const *words, complete_seen_fn *seen, void *ctx)
{
	struct walk w = { .seen = seen, .ctx = ctx };
	const char *last = n > 0 ? words[n - 1] : "", *equals = strchr(last, '=');

	*k = (struct completion){ .prefix = last, .typed = last };
	for (int i = 0; i + 1 < n; i++)
		pass(&w, k, words[i]);
	if (w.before) {
		say_value(k, w.before);
	} else if (!w.only_places && last[0] == '-' && last[1] == '-' && equals) {
		k->prefix_n = (size_t)(equals - last) + 1;
		k->typed = equals + 1;
		say_value(k, find_option(last, k->command));
	} else if (!w.only_places && last[0] == '-') {
		k->kind = COMPLETE_OPTION;
	} else if (!k->command) {
		k->kind = w.places < 0 ? COMPLETE_NOTHING : COMPLETE_COMMAND;
	} else {
		say_place(k, w.places);
	}
}

/* ---- candidates ---- */

static bool begins(const char *word, const char *with)
{
	return strncmp(word, with, strlen(with)) == 0;
}

static void each_word(const struct completion *k, complete_each_fn *each, void *ctx)
{
	for (const char *p = k->list; *p;) {
		size_t n = strcspn(p, "|");
		char word[64];

		if (n > 0 && n < sizeof word && islower((unsigned char)*p)) {
			snprintf(word, sizeof word, "%.*s", (int)n, p);
			if (begins(word, k->typed))
				each(ctx, word, NULL);
		}
		p += n + (p[n] == '|');
	}
}

static void each_option(const struct completion *k, complete_each_fn *each, void *ctx)
{
	for (const struct option *o = flags_table; o->name; o++) {
		char word[64];

		snprintf(word, sizeof word, "--%s", o->name);
		if (is_for(o, k->command) && begins(word, k->typed))
			each(ctx, word, o->help);
	}
}

void complete_known(const struct completion *k, complete_each_fn *each, void *ctx)
{
	if (k->kind == COMPLETE_WORDS)
		each_word(k, each, ctx);
	if (k->kind == COMPLETE_OPTION)
		each_option(k, each, ctx);
	for (const struct command *const *c = commands_all(); *c && k->kind == COMPLETE_COMMAND; c++)
		if (begins((*c)->name, k->typed))
			each(ctx, (*c)->name, (*c)->line);
}
