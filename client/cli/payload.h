/* The payload of submit and run: the argument, or the exact bytes of stdin. */
#ifndef SHEAF_CLI_PAYLOAD_H
#define SHEAF_CLI_PAYLOAD_H

#include "client/cli/common.h"

/* Where the bytes of stdin are kept; the payload borrows from it or from the argument. */
struct payload {
	struct buf stdin_bytes;
	struct span bytes;
};

/* Gets the payload and opens the session: what is too large is found before that if it can be, and an unreachable
 * broker before somebody has typed. `word` is the PAYLOAD argument, or NULL. 0, or an exit status after a sentence;
 * payload_fini in any case. */
MUST_CHECK int payload_open(struct cli *c, struct payload *p, const char *word);
void payload_fini(struct payload *p);

#endif
