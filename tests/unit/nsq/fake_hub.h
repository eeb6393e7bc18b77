/* A hub without a broker: topics and channels in memory, answers from the loop. For tests of what stands on hub.h. */
#ifndef SHEAF_TESTS_UNIT_NSQ_FAKE_HUB_H
#define SHEAF_TESTS_UNIT_NSQ_FAKE_HUB_H

#include <uv.h>

#include "broker/nsq/hub.h"

struct hub *fake_hub_new(uv_loop_t *loop);
/* The loop has to turn once more before it is closed. */
void fake_hub_free(struct hub *h);

/* What it answers to publishes from now on. */
void fake_hub_refuse(struct hub *h, enum sheaf_error e);
/* From now on it answers nothing; has anything been asked since? Any thread. */
void fake_hub_hold(struct hub *h);
bool fake_hub_waits(struct hub *h);
void fake_hub_connect(struct hub *h, bool connected);

#endif
