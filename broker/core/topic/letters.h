/* Dead letters of channels: a message whose attempts are spent is fetched from the log and published in the channel's
 * dead-letter topic, in the block that finishes it in its channel; without such a topic it is finished at once. */
#ifndef SHEAF_CORE_TOPIC_LETTERS_H
#define SHEAF_CORE_TOPIC_LETTERS_H

#include "broker/core/state.h"

/* The channel has another dying parcel. */
void letters_wake(struct core *c, struct channel *ch);

/* Asks for the bytes of the next ones, TOPIC_FETCHES of them at a time. Gathers facts. */
void letters_slice(struct core *c);
bool letters_pending(const struct core *c);

/* The parcel is dying no longer. */
void letters_forget(struct core *c, struct parcel *p);

#endif
