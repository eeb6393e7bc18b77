/* Consumers: clients' subscriptions. What one may have now says its credit; a channel's consumers with credit take
 * turns. */
#ifndef SHEAF_CORE_TOPIC_CONSUMER_H
#define SHEAF_CORE_TOPIC_CONSUMER_H

#include "broker/core/state.h"

/* Its credit, or what it holds, has changed: it is among its channel's ready ones or not. */
void consumer_look(struct core *c, struct consumer *cn);

/* The subscription is over: nothing more is delivered, and what it holds goes back in line, some in a step. If it was
 * the last one of an ephemeral channel, that ends. */
void consumer_leave(struct core *c, struct consumer *cn);

/* Goes on with those that have left. Gathers facts. */
void consumer_slice(struct core *c);

/* Whoever is freed holds nothing. */
void consumer_free(struct core *c, struct consumer *cn);

#endif
