/* Delivery, and what time does to what was delivered. */
#ifndef SHEAF_CORE_TOPIC_DELIVER_H
#define SHEAF_CORE_TOPIC_DELIVER_H

#include "broker/core/state.h"

/* Gives hot channels' messages to their ready consumers, as much as a step may. Gathers facts: of what samples drop. */
void deliver_slice(struct core *c);

/* What was neither settled nor touched in time is back in line; what was deferred and is due, too. Gathers facts. */
void returns_slice(struct core *c);

#endif
