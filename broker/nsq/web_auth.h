/* Who may publish over HTTP, when there is an auth server: the secret comes with each request, and what the server says
 * of it is kept for as long as it allows. */
#ifndef SHEAF_NSQ_WEB_AUTH_H
#define SHEAF_NSQ_WEB_AUTH_H

#include "base/list.h"
#include "broker/nsq/auth.h"

enum { WEB_AUTH_KEPT = 256 }; /* answers; the oldest go */

struct web_auth {
	struct auth *auth;
	uv_loop_t *loop;
	struct list kept; /* newest first */
	uint32_t n;
	struct list asked; /* questions without an answer */
};

enum web_verdict { WEB_ALLOWED, WEB_NOT_ALLOWED, WEB_AUTH_FAILED };

typedef void (*web_verdict_call)(void *arg, enum web_verdict v);

void web_auth_init(struct web_auth *a, uv_loop_t *loop, struct auth *auth);
/* Questions that go on get no verdict. */
void web_auth_fini(struct web_auth *a);

/* May whoever has this secret publish to the topic? `verdict` is called once, now or later. */
void web_auth_ask(struct web_auth *a, const struct auth_who *who, struct span topic, web_verdict_call verdict,
                  void *arg);

#endif
