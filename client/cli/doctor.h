/* One run of `sheaf doctor`: what it has found, said line by line. The broker and the machine are looked at in files
 * of their own. */
#ifndef SHEAF_CLI_DOCTOR_H
#define SHEAF_CLI_DOCTOR_H

#include "client/cli/common.h"

enum finding { FINDING_OK, FINDING_WARN, FINDING_FAIL };

struct doctor {
	struct cli *c;
	uint32_t warned, failed;
};

/* Says one finding about `check`. `advice`: what to do, or NULL. */
__attribute__((format(printf, 5, 6))) void doctor_say(struct doctor *d, enum finding f, const char *check,
                                                      const char *advice, const char *format, ...);

/* The directory of --keys, if there is one. False if it is of no use. (doctor_local.c) */
bool doctor_keys(struct doctor *d);
/* What runs here: limits, library, clock, environment. (doctor_local.c) */
void doctor_local(struct doctor *d);
/* The broker and what it says of itself; the session is made, not connected. (doctor_broker.c) */
void doctor_broker(struct doctor *d);

/* Whether a variable SHEAF_… may be meant for one of the programs; NULL if it may, else the one that comes near
 * ("SHEAF_BROKER"), or "". */
const char *doctor_variable(const char *name);

#endif
