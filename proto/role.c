/* See role.h. There is no default in these switches: a kind without a row does not compile. */
#include "proto/role.h"

#include <stddef.h>

#include "base/text.h"

enum {
	ADMIN = ROLE_ADMIN,
	SUBMIT = ROLE_SUBMIT | ROLE_ADMIN,
	WORK = ROLE_WORK | ROLE_ADMIN,
	READ = ROLE_READ | ROLE_ADMIN,
	SUBMIT_OR_READ = ROLE_SUBMIT | ROLE_READ | ROLE_ADMIN,
	ANY = ROLE_SUBMIT | ROLE_WORK | ROLE_READ | ROLE_ADMIN,
	BROKER = 0 /* nobody sends it but the broker */
};

static const struct {
	enum role role;
	const char *name;
} names[] = {
	{ ROLE_SUBMIT, "submit" },
	{ ROLE_WORK, "work" },
	{ ROLE_READ, "read" },
	{ ROLE_ADMIN, "admin" },
};

enum { ROLES = sizeof names / sizeof names[0] };

const char *role_name(enum role r)
{
	for (int i = 0; i < ROLES; i++)
		if (names[i].role == r)
			return names[i].name;
	return "none";
}

enum role role_find(struct span name)
{
	for (int i = 0; i < ROLES; i++)
		if (span_eq(name, span_str(names[i].name)))
			return names[i].role;
	return ROLE_NONE;
}

static uint32_t queue_op_needs(enum queue_op op)
{
	switch (op) {
	case QUEUE_SHOW: /* a mail ingress, say, has to know whether there is one */
		return SUBMIT_OR_READ;
	case QUEUE_PEEK:
		return READ;
	case QUEUE_PAUSE:
	case QUEUE_RESUME:
	case QUEUE_PURGE:
	case QUEUE_DELETE:
	case QUEUE_DRAIN:
		return ADMIN;
	}
	return ADMIN;
}

/* What nobody sends but the broker. */
/* clang-format off */
#define FROM_BROKER(X) \
	X(CLIENT_WELCOME) X(ACCEPTED) X(RESULTS) X(REPLY) X(PONG) X(JOB_INFO) X(QUEUE_INFO) X(WORKER_INFO) \
	X(STATS_INFO) X(PEEKED) X(BATCH_INFO) X(JOBS_INFO) X(CRON_INFO) X(DEAD_INFO) X(WORKER_WELCOME) \
	X(BEAT_ANSWER) X(SETTLED) X(RECALL) X(REVOKE) X(NO_SESSION) X(JOBS_WELCOME) X(JOBS) X(MESSAGES) \
	X(TOPICS_INFO) X(MESSAGES_GONE) X(ALL_ACCEPTED)
/* clang-format on */

#define CASE(kind_) case MSG_##kind_:

uint32_t role_needs(const struct msg *m)
{
	switch ((enum msg_kind)m->h.kind) {
	case MSG_CLIENT_HELLO:
	case MSG_PING:
	case MSG_CLIENT_BYE:
		return ANY;
	case MSG_SUBMIT:
	case MSG_SUBMIT_ALL:
	case MSG_CANCEL:
	case MSG_RETRY:
	case MSG_BATCH_OPEN:
	case MSG_BATCH_CLOSE:
	case MSG_PUBLISH:
		return SUBMIT;
	case MSG_WAIT:
	case MSG_RESULT_GET:
	case MSG_JOB_GET:
	case MSG_JOB_LIST:
	case MSG_BATCH_GET:
	case MSG_SUBSCRIBE:
	case MSG_CREDIT:
	case MSG_SETTLE:
	case MSG_UNSUBSCRIBE:
	case MSG_TOPIC_LIST:
		return SUBMIT_OR_READ;
	case MSG_QUEUE_LIST:
	case MSG_WORKER_LIST:
	case MSG_DEAD_LIST:
	case MSG_STATS:
	case MSG_CRON_LIST:
		return READ;
	case MSG_WORKER_OP:
	case MSG_QUEUE_SET:
	case MSG_CRON_SET:
	case MSG_DEAD_OP:
	case MSG_TOPIC_OP:
		return ADMIN;
	case MSG_CRON_OP:
		return m->u.cron_op.op == CRON_NEXT ? READ : ADMIN;
	case MSG_QUEUE_OP:
		return queue_op_needs((enum queue_op)m->u.queue_op.op);
	case MSG_WORKER_HELLO:
	case MSG_WORKER_READY:
	case MSG_BEAT:
	case MSG_RETURN:
	case MSG_PROGRESS:
	case MSG_WORKER_BYE:
	case MSG_OUTCOMES:
		return WORK;
		FROM_BROKER(CASE)
		return BROKER;
	}
	return BROKER;
}

bool role_edge_may(const struct msg *m)
{
	return m->h.kind == MSG_TOPIC_OP || (role_needs(m) & (ROLE_SUBMIT | ROLE_READ)) != 0;
}

const char *role_list(uint32_t set, char to[ROLE_LIST])
{
	size_t n = 0;
	uint32_t left = set;

	to[0] = '\0';
	for (int i = 0; i < ROLES; i++) {
		if (!(set & names[i].role))
			continue;
		left &= ~(uint32_t)names[i].role;
		n += text_format(to + n, ROLE_LIST - n, "%s%s", n == 0 ? "" : left == 0 ? " or " : ", ", names[i].name);
	}
	if (n == 0)
		text_format(to, ROLE_LIST, "nobody");
	return to;
}
