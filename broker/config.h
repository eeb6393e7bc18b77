/* What sheafd was told: flags over environment over file, checked. */
#ifndef SHEAF_BROKER_CONFIG_H
#define SHEAF_BROKER_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/options.h"
#include "broker/nsq/nsq_config.h"
#include "broker/smtp/smtp_config.h"
#include "proto/limits.h"

struct config {
	struct options options; /* owns the texts below */
	const char *data;
	const char *keys;                       /* directory; NULL = none */
	const char *listen, *results, *workers; /* endpoints to bind */
	char jobs_host[LIMIT_ENDPOINT];         /* host part of --jobs */
	uint16_t jobs_first, jobs_last;         /* its ports */
	uint32_t fsync_ms;                      /* as in journal_config */
	uint64_t memory, disk, segment;
	uint64_t keep_ms, keep_bytes, liveness_ms, grace_ms;
	uint64_t max_message; /* bytes of one message of a topic */
	uint32_t deliveries;
	bool edges; /* sheafd has an edge inside, which dials EDGES_AT */
	struct nsq_config nsq;
	struct smtp_config smtp;
	bool quiet, check, check_config, json, help, version;
	struct mistakes mistakes; /* all that is wrong; config_read's err is the first */
};

/* Reads and checks everything. -1 with a sentence in err. config_fini in any case. */
MUST_CHECK int config_read(struct config *c, int argc, char **argv, char err[OPTIONS_ERR]);
void config_fini(struct config *c);

/* --check-config, after config_read: reads what start-up would read beside the options, prints all that is wrong on
 * stderr, or one line that nothing is. Returns the exit status. (config_check.c) */
int config_check(struct config *c);

/* What sheafd says of itself. */
extern const struct options_page config_page;

#endif
