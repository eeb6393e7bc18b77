/* See man.h. */
#include "base/man.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

/* Text with what roff would take for its own escaped. */
static void put(FILE *f, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char c = text[i];

		if (i == 0 && (c == '.' || c == '\''))
			fputs("\\&", f);
		if (c == '\\')
			fputs("\\e", f);
		else if (c == '-')
			fputs("\\-", f);
		else if (c == '\'')
			fputs("\\(aq", f);
		else if (c == '`')
			fputs("\\(ga", f);
		else if (c == '^')
			fputs("\\(ha", f);
		else if (c == '~')
			fputs("\\(ti", f);
		else
			fputc(c, f);
	}
}

static void put_upper(FILE *f, const char *text)
{
	for (; *text; text++)
		fputc(toupper((unsigned char)*text), f);
}

void man_begin(FILE *f, const char *name, int section, const char *line)
{
	fprintf(f, ".\\\" Made from the texts of --help; change those.\n.TH ");
	put_upper(f, name);
	fprintf(f, " %d \"\" \"Sheaf %s\" \"Sheaf\"\n.SH NAME\n%s \\- ", section, SHEAF_VERSION, name);
	put(f, line, strlen(line));
	fputc('\n', f);
}

void man_section(FILE *f, const char *title)
{
	fputs(".SH ", f);
	put_upper(f, title);
	fputc('\n', f);
}

/* How many letters of a word stand here: all in capitals (a place), or all in lower case (typed so). */
static size_t word_length(const char *p)
{
	size_t n = 0;

	if (isupper((unsigned char)*p))
		while (isupper((unsigned char)p[n]) || (n > 0 && isdigit((unsigned char)p[n])))
			n++;
	else if (islower((unsigned char)*p) || *p == '-')
		while (islower((unsigned char)p[n]) || p[n] == '-')
			n++;
	return n;
}

/* Words in capitals in italics, others in bold, what is neither as it is. */
static void put_words(FILE *f, const char *text)
{
	while (*text) {
		size_t n = word_length(text);

		if (n > 0) {
			fputs(isupper((unsigned char)*text) ? "\\fI" : "\\fB", f);
			put(f, text, n);
			fputs("\\fR", f);
		} else {
			n = 1;
			put(f, text, n);
		}
		text += n;
	}
}

void man_synopsis(FILE *f, const char *name, const char *args)
{
	man_section(f, "Synopsis");
	fputs("\\fB", f);
	put(f, name, strlen(name));
	fputs("\\fR ", f);
	put_words(f, args);
	fputc('\n', f);
}

void man_entry(FILE *f, const char *term, const char *phrase)
{
	fputs(".TP\n", f);
	put_words(f, term);
	fputc('\n', f);
	put(f, phrase, strlen(phrase));
	fputc('\n', f);
}

/* The length of the word that an entry begins with; 0 if the line is no entry. */
static size_t entry_word(const char *line, size_t n)
{
	size_t word = 0;

	while (word < n && line[word] != ' ')
		word++;
	return word > 0 && word + 2 < n && line[word + 1] == ' ' ? word : 0;
}

enum shape { PARAGRAPH, ENTRY, LITERAL };

/* Ends what came before, as far as the next line is of another shape. */
static void change(FILE *f, enum shape *at, enum shape next)
{
	if (*at == LITERAL && next != LITERAL)
		fputs(".EE\n.RE\n", f);
	if (*at != PARAGRAPH && next == PARAGRAPH)
		fputs(".PP\n", f);
	if (*at != LITERAL && next == LITERAL)
		fputs(".PP\n.RS 4\n.EX\n", f);
	*at = next;
}

static void put_line(FILE *f, enum shape *at, const char *line, size_t n)
{
	size_t blanks = strspn(line, " "), word = entry_word(line, n);

	if (n == 0) {
		change(f, at, PARAGRAPH);
		fputs(".PP\n", f);
		return;
	}
	if (word > 0) {
		change(f, at, ENTRY);
		fputs(".TP\n\\fB", f);
		put(f, line, word);
		fputs("\\fR\n", f);
		line += word;
		n -= word;
		blanks = strspn(line, " ");
	} else if (blanks > 0 && *at != ENTRY) {
		change(f, at, LITERAL);
		blanks = blanks < 4 ? blanks : 4;
	} else if (blanks == 0) {
		change(f, at, PARAGRAPH);
	}
	put(f, line + blanks, n - blanks);
	fputc('\n', f);
}

void man_text(FILE *f, const char *text)
{
	enum shape at = PARAGRAPH;

	while (*text) {
		size_t n = strcspn(text, "\n");

		put_line(f, &at, text, n);
		text += n + (text[n] == '\n');
	}
	change(f, &at, PARAGRAPH);
}

void man_example(FILE *f, const char *text)
{
	fputs(".EX\n", f);
	while (*text) {
		size_t n = strcspn(text, "\n");

		put(f, text, n);
		fputc('\n', f);
		text += n + (text[n] == '\n');
	}
	fputs(".EE\n", f);
}

void man_see_also(FILE *f, const char *names)
{
	man_section(f, "See also");
	put(f, names, strlen(names));
	fputc('\n', f);
}
