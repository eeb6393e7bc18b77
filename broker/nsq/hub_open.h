/* The life of a hub; what it is for stands in hub.h. */
#ifndef SHEAF_NSQ_HUB_OPEN_H
#define SHEAF_NSQ_HUB_OPEN_H

#include <uv.h>

#include "broker/nsq/hub.h"

/* Connects to the broker at this inproc:// endpoint of the context, in the loop. NULL: there is no socket left.
 *
 * What is handed in during a turn of the loop leaves at the turn's end: once before the loop sleeps, once after it has
 * read. What is handed in between keeps the loop awake, so it does not matter in which order handles were started. */
MUST_CHECK struct hub *hub_open(uv_loop_t *loop, void *zmq_context, const char *endpoint);

/* Whether the broker has taken and answered all that was handed in. */
bool hub_idle(const struct hub *h);

/* Says goodbye to the broker and frees it; all subscriptions are gone already, and no answer comes any more. `closed`
 * is called when the loop has nothing of it any more. */
void hub_close(struct hub **h, void (*closed)(void *arg), void *arg);

#endif
