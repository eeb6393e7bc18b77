/* What the tests of SUBMIT_ALL have in common: client 1, and parts. To be included once in a test. */
#ifndef SHEAF_TESTS_UNIT_CORE_ALL_RIG_H
#define SHEAF_TESTS_UNIT_CORE_ALL_RIG_H

#include "tests/unit/core/rig.h"

static struct rig rig;
static struct msg_all_part parts[LIMIT_ALL_PARTS];
static uint32_t n_parts;

static inline void setup(void)
{
	rig_init(&rig);
	rig_client(&rig, 1);
	n_parts = 0;
}

static inline void teardown(void)
{
	rig_fini(&rig);
}

/* One more part of the next request: a new queue is made for it, its priority is 4. */
static inline struct msg_all_part *part(const char *queue, const char *payload)
{
	struct msg_all_part *p = &parts[n_parts++];

	*p = (struct msg_all_part){
		.queue = span_str(queue), .flags = ALL_CREATE, .priority = 4, .payload = span_str(payload)
	};
	return p;
}

/* The same with the payload of the n-th one. */
static inline struct msg_all_part *share(const char *queue, uint32_t n)
{
	struct msg_all_part *p = part(queue, "");

	p->same = n;
	return p;
}

static inline void again(uint64_t number)
{
	rig_request(&rig, 1, number, MSG_SUBMIT_ALL, (struct msg){ .u.submit_all = { .v = parts, .n = n_parts } });
}

static inline void send(uint64_t number)
{
	again(number);
	n_parts = 0;
}

/* What the core counts in all. */
static inline uint64_t jobs(void)
{
	struct core_totals t;

	core_totals(rig.core, &t);
	return t.submitted;
}

#endif
