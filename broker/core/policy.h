/* Policies: what many jobs of a submit share and the index should not repeat: headers, lease time, backoff, tenant,
 * group and topic. Equal ones are kept once, with a count of the jobs that refer to them. */
#ifndef SHEAF_CORE_POLICY_H
#define SHEAF_CORE_POLICY_H

#include "broker/core/state.h"

/* What a policy is made of; see struct msg_submit. */
struct policy_words {
	struct span headers;
	uint64_t lease_ms;
	uint64_t backoff_ms;
	uint64_t backoff_max_ms;
	struct queue *queue; /* looked at if there is a tenant or a group */
	struct span tenant, group;
	struct span topic; /* where the results go */
};

/* The index of this policy with `refs` more references; NO_INDEX for the empty one. */
uint32_t policy_intern(struct core *c, const struct policy_words *words, uint32_t refs);

/* One reference more to one that has some. NO_INDEX is fine. */
void policy_retain(struct core *c, uint32_t index);

/* Gives one reference back. NO_INDEX is fine. */
void policy_release(struct core *c, uint32_t index);

/* The policy's parts; the empty ones for NO_INDEX. */
struct span policy_headers(const struct core *c, uint32_t index);
uint64_t policy_lease(const struct core *c, uint32_t index);
uint64_t policy_backoff(const struct core *c, uint32_t index);
struct span policy_tenant(const struct core *c, uint32_t index);
struct span policy_group(const struct core *c, uint32_t index);
struct span policy_topic(const struct core *c, uint32_t index);
uint64_t policy_backoff_max(const struct core *c, uint32_t index);

void policy_fini(struct core *c);

/* How many there are. */
uint32_t policy_count(const struct core *c);

/* Whether there is room for n more, whose words have so many bytes in all. */
bool policy_room(const struct core *c, uint32_t n, uint64_t words);

#endif
