/* The file of --config; see options.h. inih splits the lines. What it would swallow in silence is looked at before it
 * sees a line: one that is too long for it, an indented one, which it would append to the value before it, a section
 * without entries, and every mistake but the first. */
#include "base/options_file.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/suggest.h"
#include "base/text.h"

enum { SECTION = 96 };

struct file {
	struct options *o;
	struct mistakes *m; /* NULL: the first goes to err, and ends it */
	char *err;
	FILE *in;
	int line;                             /* read so far */
	int wrong;                            /* mistakes so far */
	char name[SECTION];                   /* of the section that it is in; "" = of none */
	const struct option_section *section; /* that one; NULL: none, or an unknown one, which has been told */
	bool given[OPTIONS_MAX];              /* by flag or environment: stronger than the file */
};

static void mistake(struct file *f, const char *why)
{
	if (f->wrong++ == 0)
		text_format(f->err, OPTIONS_ERR, "%.150s:%d: %s", f->o->file, f->line, why);
	if (f->m != NULL)
		mistakes_add(f->m, "%s:%d: %s", f->o->file, f->line, why);
}

/* ---- sections ---- */

static bool has_dot(const struct option_section *s)
{
	return s->name[strlen(s->name) - 1] == '.';
}

static const struct option_section *find_section(const struct options *o, const char *name)
{
	for (int i = 0; i < o->n_sections; i++) {
		const struct option_section *s = &o->sections[i];
		size_t n = strlen(s->name);

		if (has_dot(s) ? strncmp(s->name, name, n) == 0 && name[n] != '\0' : strcmp(s->name, name) == 0)
			return s;
	}
	return NULL;
}

/* A section with a dot is meant if what is typed is close up to its NAME. */
static void unknown_section(struct file *f)
{
	char why[OPTIONS_ERR / 2], near[SECTION];
	struct suggest s;

	suggest_init(&s, f->name);
	for (int i = 0; i < f->o->n_sections; i++) {
		const struct option_section *one = &f->o->sections[i];
		const char *dot = strrchr(f->name, '.'), *name = dot != NULL && dot[1] != '\0' ? dot + 1 : "NAME";

		text_format(near, sizeof near, "%s%s", one->name, has_dot(one) ? name : "");
		suggest_offer(&s, near);
	}
	if (suggest_best(&s) != NULL)
		text_format(why, sizeof why, "unknown section [%s]: did you mean [%s]?", f->name, suggest_best(&s));
	else
		text_format(why, sizeof why, "unknown section [%s]", f->name);
	mistake(f, why);
}

static void begin_section(struct file *f, const char *line)
{
	const char *end = strchr(line, ']');
	size_t n = end != NULL ? (size_t)(end - line) - 1 : 0;

	f->section = NULL;
	text_format(f->name, sizeof f->name, "?");
	if (end == NULL) {
		mistake(f, "a section's name ends with ]");
		return;
	}
	text_format(f->name, sizeof f->name, "%.*s", (int)n, line + 1);
	if (n >= sizeof f->name) {
		mistake(f, "no section has so long a name");
		return;
	}
	f->section = find_section(f->o, f->name);
	if (f->section == NULL)
		unknown_section(f);
}

/* ---- entries ---- */

const char *options_key_of(const struct options *o, const struct option_section *s, int i)
{
	int first = options_find(o, s->listen, strlen(s->listen)), last = options_find(o, s->last, strlen(s->last));

	must(first >= 0 && last >= first);
	if (i < first || i > last)
		return NULL;
	return i == first ? "listen" : o->specs[i].name + strlen(s->prefix);
}

/* What the option is called where the reader is; NULL = it is no key there. */
static const char *key_of(const struct file *f, int i)
{
	const struct option_spec *spec = &f->o->specs[i];

	if (f->section != NULL)
		return options_key_of(f->o, f->section, i);
	return strcmp(spec->name, "config") != 0 && strcmp(spec->name, "check-config") != 0 ? spec->name : NULL;
}

static void unknown_key(struct file *f, const char *name)
{
	char why[OPTIONS_ERR / 2], in[SECTION + 8] = "";
	const struct option_section *section = f->section;
	struct suggest s;

	suggest_init(&s, name);
	for (int i = 0; section != NULL && section->keys != NULL && section->keys[i] != NULL; i++)
		suggest_offer(&s, section->keys[i]);
	for (int i = 0; i < f->o->n && (section == NULL || section->keys == NULL); i++) {
		const char *key = key_of(f, i);

		if (key != NULL && f->o->specs[i].help != NULL)
			suggest_offer(&s, key);
	}
	if (section != NULL)
		text_format(in, sizeof in, " in [%s]", f->name);
	if (suggest_best(&s) != NULL)
		text_format(why, sizeof why, "unknown key '%.60s'%s: did you mean '%s'?", name, in, suggest_best(&s));
	else
		text_format(why, sizeof why, "unknown key '%.60s'%s", name, in);
	mistake(f, why);
}

static int find_key(const struct file *f, const char *name)
{
	for (int i = 0; i < f->o->n; i++) {
		const char *key = key_of(f, i);

		if (key != NULL && strcmp(key, name) == 0)
			return i;
	}
	return -1;
}

static void keep(struct file *f, const char *name, const char *value)
{
	const char *section = f->name + strlen(f->section->name);
	size_t n = strlen(section) + 1, m = strlen(name) + 1, k = strlen(value) + 1;
	struct option_entry *e;
	int i = 0;

	while (f->section->keys[i] != NULL && strcmp(f->section->keys[i], name) != 0)
		i++;
	if (f->section->keys[i] == NULL) {
		unknown_key(f, name);
		return;
	}
	f->o->entries = realloc(f->o->entries, ((size_t)f->o->n_entries + 1) * sizeof f->o->entries[0]);
	must(f->o->entries != NULL);
	e = &f->o->entries[f->o->n_entries++];
	e->section = malloc(n + m + k);
	must(e->section != NULL);
	memcpy(e->section, section, n);
	memcpy(e->section + n, name, m);
	memcpy(e->section + n + m, value, k);
	e->key = e->section + n;
	e->value = e->key + m;
	e->line = f->line;
}

static int entry(void *arg, const char *ini_section, const char *name, const char *value)
{
	struct file *f = arg;
	char why[OPTIONS_ERR];
	int i;

	(void)ini_section; /* cut to what inih has room for: begin_section has read it */
	if (f->name[0] != '\0' && f->section == NULL)
		return 1;
	if (f->section != NULL && f->section->keys != NULL) {
		keep(f, name, value);
		return 1;
	}
	i = find_key(f, name);
	if (i < 0)
		unknown_key(f, name);
	else if (!f->given[i] && (f->o->specs[i].value != NULL || options_true(value)) &&
	         options_set(f->o, i, value, f->line, why) != 0)
		mistake(f, why);
	return 1;
}

/* ---- lines ---- */

/* Whether the line went on behind what fgets had room for; the rest is passed over. */
static bool was_cut(FILE *in, const char *line)
{
	size_t n = strlen(line);
	int c = 0;

	if (n == 0 || line[n - 1] == '\n' || feof(in))
		return false;
	while (c != EOF && c != '\n')
		c = fgetc(in);
	return true;
}

/* What inih shall see of a line: it begins with its first letter, and is empty if it has no entry. */
static void prepare(struct file *f, char *line, int room)
{
	char why[80], *begin = line;
	bool cut = was_cut(f->in, line);

	if (f->line == 1 && strncmp(begin, "\xEF\xBB\xBF", 3) == 0)
		begin += 3;
	begin += strspn(begin, " \t");
	memmove(line, begin, strlen(begin) + 1);
	if (strchr("\r\n;#", line[0]) != NULL) {
		line[0] = '\0';
		return;
	}
	if (cut) {
		text_format(why, sizeof why, "more than %d bytes: a list may be given in several lines", room - 2);
		mistake(f, why);
	} else if (line[0] == '[') {
		begin_section(f, line);
	} else if (strpbrk(line, "=:") == NULL) {
		mistake(f, "not NAME = VALUE");
	} else {
		return;
	}
	line[0] = '\0';
}

static char *next_line(char *to, int n, void *arg)
{
	struct file *f = arg;

	if ((f->wrong > 0 && f->m == NULL) || fgets(to, n, f->in) == NULL)
		return NULL;
	f->line++;
	prepare(f, to, n);
	return to;
}

int options_read_file(struct options *o, struct mistakes *m, char err[OPTIONS_ERR])
{
	struct file f = { .o = o, .m = m, .err = err, .in = fopen(o->file, "re") };
	int r = 0;

	for (int i = 0; i < o->n; i++)
		f.given[i] = o->values[i] != NULL;
	if (f.in != NULL)
		r = ini_parse_stream(next_line, &f, entry, &f);
	if (f.in == NULL || ferror(f.in)) {
		text_format(err, OPTIONS_ERR, "cannot read the configuration file %s: %s", o->file, strerror(errno));
		if (m != NULL)
			mistakes_add(m, "%s", err);
		f.wrong++;
	} else if (r != 0 && f.wrong == 0) {
		mistake(&f, "not NAME = VALUE");
	}
	if (f.in != NULL)
		fclose(f.in);
	return f.wrong == 0 ? 0 : -1;
}

/* ---- where a value stands ---- */

/* The line of the value that a sentence quotes. */
static int line_of(const struct options *o, int i, const char *sentence)
{
	const char *open = strchr(sentence, '\''), *close = open != NULL ? strchr(open + 1, '\'') : NULL;
	char quoted[128];

	if (close == NULL)
		return o->lines[i];
	text_format(quoted, sizeof quoted, "%.*s", (int)(close - open - 1), open + 1);
	for (int k = 0; k < o->n_list[i]; k++)
		if (strstr(o->lists[i][k], quoted) != NULL)
			return o->list_lines[i][k];
	return o->lines[i];
}

void options_locate(const struct options *o, char err[OPTIONS_ERR])
{
	size_t n = strncmp(err, "--", 2) == 0 ? strcspn(err + 2, ": ") : 0;
	int i = n > 0 ? options_find(o, err + 2, n) : -1, line = i >= 0 ? line_of(o, i, err) : 0;
	char sentence[OPTIONS_ERR];

	if (line == 0)
		return;
	text_format(sentence, sizeof sentence, "%s", err);
	text_format(err, OPTIONS_ERR, "%.150s:%d: %s", o->file, line, sentence);
}
