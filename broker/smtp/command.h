/* The lines of SMTP's commands: verbs, and the parameters of MAIL and RCPT. Pure. */
#ifndef SHEAF_SMTP_COMMAND_H
#define SHEAF_SMTP_COMMAND_H

#include "base/must.h"
#include "base/span.h"

enum smtp_verb {
	VERB_UNKNOWN,
	VERB_HELO,
	VERB_EHLO,
	VERB_LHLO,
	VERB_MAIL,
	VERB_RCPT,
	VERB_DATA,
	VERB_BDAT,
	VERB_RSET,
	VERB_NOOP,
	VERB_VRFY,
	VERB_EXPN,
	VERB_HELP,
	VERB_QUIT,
	VERB_AUTH,
	VERB_STARTTLS,
	VERB_HTTP,  /* one of HTTP's */
	VERB_PROXY, /* a PROXY header, from one who is not trusted with it */
	VERBS
};

/* Splits a line without its end: the verb, in any case, and what comes behind it without blanks around it. */
enum smtp_verb smtp_verb(struct span line, struct span *argument);

/* Text behind "FROM:" or "TO:", in any case, and blanks; false: it is not there. */
bool smtp_after(struct span *rest, const char *word);

enum smtp_parameter_kind { PARAMETER_END, PARAMETER_THERE, PARAMETER_BAD };
/* KEYWORD or KEYWORD=VALUE (RFC 5321, 4.1.2). */
struct smtp_parameter {
	struct span name;
	struct span value; /* .p is NULL: there is no '=' */
};
/* Takes the next one off *rest, which begins with a blank or is empty. */
MUST_CHECK enum smtp_parameter_kind smtp_parameter(struct span *rest, struct smtp_parameter *p);

/* Whether a span is this word, in any case. The word is in upper case. */
bool smtp_is(struct span s, const char *word);
/* Digits and nothing else, one at least; UINT64_MAX if it is more than that. */
MUST_CHECK bool smtp_number(struct span s, uint64_t *v);
/* RFC 3461's xtext, one byte at least. */
bool smtp_xtext(struct span s);

/* The word up to a blank is taken off *rest, and the blanks behind it. */
struct span smtp_word(struct span *rest);

#endif
