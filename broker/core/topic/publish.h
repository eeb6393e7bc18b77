/* Publishing: how messages become runs. */
#ifndef SHEAF_CORE_TOPIC_PUBLISH_H
#define SHEAF_CORE_TOPIC_PUBLISH_H

#include "broker/core/topic/fact.h"

/* A run that the step's block is to hold. */
struct coming {
	struct topic *topic;
	uint64_t number;
	uint64_t at; /* of its packed bytes, counted from the first fact */
	uint32_t length, crc;
	uint8_t count;
	uint64_t due_ms;
	uint32_t overhead;
};

/* Writes one MESSAGES_PUT fact with n runs of one topic, whose packed bytes stand one behind the other: numbers them,
 * and fills in what is not known of them yet, and what the head says by their topic. */
void publish_write(struct core *c, const struct fact_messages *head, struct coming *v, uint32_t n,
                   const uint8_t *packed);

/* The block is placed, its first fact at `base`: the runs are there. */
void publish_apply(struct core *c, const struct coming *v, uint32_t n, uint64_t base);

#endif
