/* What is set on a queue: durable, in its QUEUE fact. See proto/setting.h for the list. */
#ifndef SHEAF_CORE_SETTING_H
#define SHEAF_CORE_SETTING_H

#include "broker/core/state.h"

/* The i-th setting's value, i < SETTINGS; 0 = not set. */
uint64_t setting_value(const struct queue_settings *s, uint32_t i);

/* Gives the settings their values in the order of the list; what is above `n` is not set. False if one is out of its
 * range: then nothing is changed. */
MUST_CHECK bool setting_load(struct queue_settings *s, const uint64_t *values, uint32_t n);

/* The settings of a queue that are set, as records in the step's arena. */
const struct msg_setting_rec *setting_list(struct core *c, const struct queue *q, uint32_t *n);

/* QUEUE_SET: all of it is done, or nothing. */
void setting_request(struct core *c, struct client *cl, const struct msg *m);

#endif
