/* The options of the NSQ edge: those of sheafd that begin with --nsq. */
#ifndef SHEAF_BROKER_CONFIG_NSQ_H
#define SHEAF_BROKER_CONFIG_NSQ_H

#include "base/options.h"
#include "broker/nsq/nsq_config.h"

/* Reads and checks them; max_message: bytes of a message that the broker takes. What is wrong goes to m. */
void config_nsq_read(struct nsq_config *c, const struct options *o, uint64_t max_message, struct mistakes *m);

/* Whether it may listen where it is told to: off this machine only with a guard. -1 with a sentence in err. */
MUST_CHECK int config_nsq_guard(const struct nsq_config *c, char err[OPTIONS_ERR]);

#endif
