/* What clients ask of dead letters: DEAD_LIST, DEAD_OP, RETRY. */
#ifndef SHEAF_CORE_DEAD_CLIENT_H
#define SHEAF_CORE_DEAD_CLIENT_H

#include "broker/core/state.h"

/* A page of them; looks at STEP_WORK at most. */
void dead_list_request(struct core *c, struct client *cl, const struct msg *m);

/* Begins a redrive or a purge, or ends the one under way. */
void dead_op_request(struct core *c, struct client *cl, const struct msg *m);

/* Redrives single ones, by id. */
void dead_retry_request(struct core *c, struct client *cl, const struct msg *m);

#endif
