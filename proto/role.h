/* Roles: what the key of a client or worker may be used for. With keys, the broker asks role_needs() of every message
 * before the core sees it. PROTOCOL.md, "Keys and roles", has the same table for people. */
#ifndef SHEAF_PROTO_ROLE_H
#define SHEAF_PROTO_ROLE_H

#include "base/must.h"
#include "proto/msg.h"

/* One bit each, so that a set of roles is their sum. */
enum role {
	ROLE_NONE = 0,
	ROLE_SUBMIT = 1, /* hands jobs in, and sees to them */
	ROLE_WORK = 2,   /* runs jobs */
	ROLE_READ = 4,   /* looks at everything, changes nothing */
	ROLE_ADMIN = 8   /* all of it */
};

enum { ROLE_LIST = 64 }; /* bytes that hold any list of roles as text */

/* "submit", "work", "read", "admin"; "none". */
const char *role_name(enum role r);

/* The role of that name; ROLE_NONE if there is none. */
enum role role_find(struct span name);

/* The roles that may send this message, as a set; 0 for what only the broker sends. */
uint32_t role_needs(const struct msg *m);

/* Whether an edge, a front end inside of the broker, may send this: it speaks for others, who publish and subscribe. */
bool role_edge_may(const struct msg *m);

/* A set of roles in words: "read or admin". Returns `to`. */
const char *role_list(uint32_t set, char to[ROLE_LIST]);

#endif
