/* Who may authenticate: a file of lines NAME:HASH, the hash as crypt(3) makes it. */
#ifndef SHEAF_SMTP_USERS_H
#define SHEAF_SMTP_USERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/must.h"

enum { USERS_ERR = 512, LIMIT_USERS = 10000 };

struct smtp_users;

/* NULL with a sentence that names file, line and what is wrong (a hash that crypt(3) does not know, an unsafe one such
 * as DES, a file that others may read, a name twice). Empty lines and those that begin with # say nothing. */
MUST_CHECK struct smtp_users *users_read(const char *path, char err[USERS_ERR]);
void users_free(struct smtp_users *u); /* NULL is fine */
uint32_t users_count(const struct smtp_users *u);
bool users_has(const struct smtp_users *u, const char *name);
/* Whether the password is this user's. Slow on purpose: for a thread of the pool, any number at a time. An unknown user
 * takes as long as a wrong password. */
bool users_check(const struct smtp_users *u, const char *name, const char *password);

#endif
