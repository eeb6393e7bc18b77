/* Manual pages in roff, from the texts that --help prints. One page after the other goes to a stream. */
#ifndef SHEAF_BASE_MAN_H
#define SHEAF_BASE_MAN_H

#include <stdio.h>

/* Title and NAME: `line` is a phrase. */
void man_begin(FILE *f, const char *name, int section, const char *line);
void man_section(FILE *f, const char *title);
/* The program's name and what stands behind it: WORDS in capitals are places, other words are typed as they are. */
void man_synopsis(FILE *f, const char *name, const char *args);
/* Lines of text, as they are laid out for a terminal: filled paragraphs with empty lines between; "word  what it is"
 * (at least two blanks, indented lines go on with it) as an entry; what else is indented stays as it is. */
void man_text(FILE *f, const char *text);
/* An entry: a term and a phrase. */
void man_entry(FILE *f, const char *term, const char *phrase);
/* Lines that can be typed. */
void man_example(FILE *f, const char *text);
/* "one(1), two(8)". */
void man_see_also(FILE *f, const char *names);

#endif
