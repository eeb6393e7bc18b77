/* What makes queues of the simulation fair and limited: tenants and groups of jobs, settings of queues. core_check,
 * after each step, sees that no limit is exceeded and that a group runs one job at a time; that nobody starves shows in
 * that every job ends. */
#ifndef SHEAF_TESTS_SIM_FAIR_H
#define SHEAF_TESTS_SIM_FAIR_H

#include "tests/sim/sim.h"

/* A tenant, a group, both or neither. True if there is one. */
bool fair_terms(struct world *w, struct msg_terms *t);

/* A QUEUE_SET of one or two settings; what m points to is good until the next call. */
void fair_settings(struct world *w, struct span queue, struct msg *m);

#endif
