/* See admit.h. */
#include "broker/core/admit.h"

#include "broker/core/dead.h"
#include "broker/core/key.h"
#include "broker/core/policy.h"
#include "broker/core/trim.h"

static const struct refusal none = { SHEAF_OK, "" };

struct refusal admit_bytes(const struct core *c, uint64_t bytes)
{
	if (c->draining && !c->inside) /* an edge drains by itself: what it has begun to take it brings */
		return (struct refusal){ SHEAF_E_DRAINING, "the broker is going down; it will be back" };
	if (c->pressure)
		return (struct refusal){ SHEAF_E_BUSY, "the journal is behind; send it again" };
	if (bytes > log_group_max(c->config.segment_bytes) / 3)
		return (struct refusal){ SHEAF_E_TOO_LARGE,
			                 "the jobs of one submit do not fit a segment of the journal" };
	if (trim_full(c, bytes))
		return (struct refusal){ SHEAF_E_FULL, c->trim.no_space ? "the broker's disk is full"
			                                                : "the broker's disk cap is reached" };
	return none;
}

struct refusal admit_queue(struct core *c, const struct queue *q)
{
	const char *full = dead_full(c, q);

	if (q != NULL && q->draining)
		return (struct refusal){ SHEAF_E_CLOSED,
			                 "the queue is being drained: 'sheaf queue NAME resume' opens it again" };
	return full != NULL ? (struct refusal){ SHEAF_E_FULL, full } : none;
}

struct refusal admit_policies(const struct core *c, uint32_t n, uint64_t bytes)
{
	if (bytes == 0 || policy_room(c, n, bytes))
		return none;
	return (struct refusal){ SHEAF_E_FULL,
		                 "too many distinct sets of headers, tenant, group and topic among the live jobs" };
}

struct refusal admit_key(const struct core *c, const struct queue *q, uint32_t here, uint32_t all)
{
	if (key_room(c, q, here, all))
		return none;
	return (struct refusal){ SHEAF_E_FULL, "as many idempotency keys are remembered as can be" };
}
