/* jobs.QUEUE: what is published there is submitted to the queue, so that whoever can publish can start jobs. */
#ifndef SHEAF_CORE_TOPIC_GATEWAY_H
#define SHEAF_CORE_TOPIC_GATEWAY_H

#include "broker/core/state.h"

/* Whether the topic is such a door. */
bool gateway_topic(struct span topic);

/* PUBLISH to one: each message is a job of the queue's defaults, delayed if the publish is deferred. */
void gateway_publish(struct core *c, struct client *cl, const struct msg *m);

#endif
