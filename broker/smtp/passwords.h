/* Passwords are looked at on threads of libuv's pool, since that is slow on purpose; a few at a time, so that the pool
 * has threads left for mails. On the edge's one thread. */
#ifndef SHEAF_SMTP_PASSWORDS_H
#define SHEAF_SMTP_PASSWORDS_H

#include <uv.h>

#include "base/list.h"
#include "broker/smtp/users.h"

enum { PASSWORDS_AT_ONCE = 2 };

typedef void (*passwords_done)(void *arg, bool right);

/* One that is waiting to be looked at, or is. */
struct password;

struct passwords {
	uv_loop_t *loop;
	const struct smtp_users *users;
	struct list waiting, working;
	uint32_t n_working;
	void (*idle)(void *arg); /* none is waiting or working any more */
	void *arg;
};

void passwords_init(struct passwords *p, uv_loop_t *loop, const struct smtp_users *users);
/* Both are copied. `done` comes once, from the loop; then, and once it is forgotten, what was returned is gone. */
struct password *passwords_check(struct passwords *p, const char *user, const char *password, passwords_done done,
                                 void *arg);
void passwords_forget(struct password *one);
bool passwords_idle(const struct passwords *p);
/* All are forgotten. `idle` comes from the loop once no thread looks at one, or at once when none does. */
void passwords_stop(struct passwords *p, void (*idle)(void *arg), void *arg);

#endif
