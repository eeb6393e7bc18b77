/* What the commands about topics share. */
#ifndef SHEAF_CLI_TOPIC_H
#define SHEAF_CLI_TOPIC_H

#include "client/cli/common.h"

/* Checks a topic's or channel's name (`what`): false after a sentence. */
MUST_CHECK bool topic_name_good(const char *name, const char *what);

/* --since: "all", so long ago, or a time; 0 without it. False after a sentence. */
MUST_CHECK bool topic_since(const struct cli *c, uint64_t *since_ms);

/* `sheaf topic NAME set KEY=VALUE…`: reads the words into *op. 0, or an exit status after a sentence. (topic_set.c) */
MUST_CHECK int topic_set_words(const struct cli *c, struct msg_topic_op *op);

/* How the messages of `sheaf sub` end: printed, or handed to commands. */
struct sub {
	struct cli *c;
	const char *topic;
	char channel[LIMIT_NAME + 1];
	uint32_t sub;
	uint64_t left;  /* messages to be taken still; UINT64_MAX without -n */
	uint32_t ready; /* as the broker was told */
	bool stopping;  /* takes no more */
	int status;
};

/* Takes no more: what is in hand is finished, then `status` is the command's. */
void sub_stop(struct sub *s, int status);
/* One message was taken: with -n, what may still come shrinks. */
void sub_took(struct sub *s);
/* Hands messages to --exec's command until it is stopped. (sub_exec.c) */
void sub_exec(struct sub *s);

#endif
