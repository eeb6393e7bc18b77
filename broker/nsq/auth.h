/* Authorisation by an auth server, NSQ's way: a secret goes to it over HTTP, and what it answers is a list of what the
 * secret may do, good for some seconds. What regular expressions in it may be: auth_regex.h. */
#ifndef SHEAF_NSQ_AUTH_H
#define SHEAF_NSQ_AUTH_H

#include <uv.h>

#include "base/must.h"
#include "base/span.h"

#define LIMIT_AUTH_ANSWER  (256 * 1024) /* bytes of an auth server's answer */
#define LIMIT_AUTH_GRANTS  256          /* authorisations in it */
#define LIMIT_AUTH_REGEXES 1024         /* of channels, in all of them */
#define LIMIT_AUTH_SECRET  4096         /* bytes of a secret; a longer one is not asked about */

/* What a secret may do: an answer of the auth server. Never changes; free with auth_grants_free. */
struct auth_grants;

/* Reads an answer's body. NULL, with why in *why, if it is no good answer. An empty list of authorisations is one. */
MUST_CHECK struct auth_grants *auth_grants_read(struct span json, const char **why);
void auth_grants_free(struct auth_grants *g);

uint32_t auth_grants_count(const struct auth_grants *g); /* permission_count */
uint64_t auth_grants_ttl_s(const struct auth_grants *g);
struct span auth_grants_identity(const struct auth_grants *g);
struct span auth_grants_identity_url(const struct auth_grants *g);

/* May it subscribe to the channel, or, with an empty channel, publish to the topic? */
bool auth_grants_allow(const struct auth_grants *g, struct span topic, struct span channel);

/* Whose secret it is. */
struct auth_who {
	struct span secret;
	struct span remote_ip;   /* without port */
	struct span common_name; /* of the client's certificate, or empty */
	bool tls;
};

struct fetch;
struct auth;
struct auth_query;

struct auth_options {
	const char *const *servers; /* HOST:PORT or a URL with its path; borrowed for ever */
	uint32_t n_servers;         /* 0: there is no authorisation */
	bool post;                  /* ask by POST with a JSON body, not by GET */
	uint64_t connect_ms;        /* NSQ's defaults are 2,000 and 5,000 */
	uint64_t answer_ms;
};

struct auth *auth_open(struct fetch *f, const struct auth_options *options);
void auth_close(struct auth *a);

static inline bool auth_enabled(const struct auth *a)
{
	return a != NULL;
}

/* The answer; NULL if no server gave a good one. Whoever asked owns it. */
typedef void (*auth_answer)(void *arg, struct auth_grants *grants);

/* Asks each server in turn, from a random one on, until one gives a good answer. `who` is copied. `answer` is called
 * once, later, never from within. */
struct auth_query *auth_ask(struct auth *a, const struct auth_who *who, auth_answer answer, void *arg);

/* The answer is not called any more. */
void auth_cancel(struct auth_query *q);

#endif
