/* The regular expressions of auth servers. NSQ's are RE2's, ours run on POSIX's extended ones (regcomp). As all that is
 * asked is whether a name matches somewhere, most of RE2 can be said in POSIX's words: classes (\d \w \s, in brackets
 * too), groups that capture nothing, non-greedy repeats, \A and \z. What cannot is refused, and with it the answer that
 * holds it: flags such as (?i), \pN, \x41, \Q..\E, and counted repeats whose counts multiply to more than 1,000. */
#ifndef SHEAF_NSQ_AUTH_REGEX_H
#define SHEAF_NSQ_AUTH_REGEX_H

#include <regex.h>

#include "base/must.h"
#include "base/span.h"

enum { LIMIT_REGEX = 512 }; /* bytes of one */

/* Compiles it; the caller calls regfree. False: it is not one, or none of ours. */
MUST_CHECK bool auth_regex(regex_t *out, struct span pattern);

#endif
