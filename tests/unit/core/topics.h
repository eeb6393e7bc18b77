/* Topics on the rig: what clients say about them. */
#ifndef SHEAF_TESTS_UNIT_CORE_TOPICS_H
#define SHEAF_TESTS_UNIT_CORE_TOPICS_H

#include "tests/unit/core/rig.h"

/* Publishes the words, each a message, with one PUBLISH. */
void topics_pub(struct rig *r, unsigned client, uint64_t number, const char *topic, const char *words);
void topics_defer(struct rig *r, unsigned client, uint64_t number, const char *topic, const char *words, uint64_t ms);
/* n messages of so many bytes, all alike. */
void topics_pub_n(struct rig *r, unsigned client, uint64_t number, const char *topic, uint32_t n, uint32_t size);
/* With its own packed bytes. */
void topics_pub_raw(struct rig *r, unsigned client, uint64_t number, const char *topic, uint32_t count,
                    struct span packed);

/* The client's first subscription to topic and channel with this credit, and a window that does not matter; in
 * silence but for what is delivered. */
void topics_sub(struct rig *r, unsigned client, const char *topic, const char *channel, uint32_t ready);
void topics_subscribe(struct rig *r, unsigned client, uint64_t number, const char *topic, const char *channel,
                      struct msg_subscribe s);
void topics_unsub(struct rig *r, unsigned client, uint64_t number, uint32_t sub);
void topics_credit(struct rig *r, unsigned client, uint32_t sub, uint32_t ready, uint64_t bytes);

/* token: its low half. */
void topics_settle(struct rig *r, unsigned client, uint64_t run, uint64_t token, uint64_t mask,
                   enum settle_verdict verdict, uint64_t delay_ms);
void topics_fin(struct rig *r, unsigned client, uint64_t run, uint64_t token, uint64_t mask);
void topics_req(struct rig *r, unsigned client, uint64_t run, uint64_t token, uint64_t mask, uint64_t delay_ms);

/* channel "": the topic. */
void topics_op(struct rig *r, unsigned client, uint64_t number, enum topic_op op, const char *topic,
               const char *channel);
void topics_set(struct rig *r, unsigned client, uint64_t number, const char *topic, const char *channel,
                struct msg_topic_op o);
/* All topics, as client 9. */
void topics_list(struct rig *r);

#endif
