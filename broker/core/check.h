/* Parts of core_check that have a file of their own. */
#ifndef SHEAF_CORE_CHECK_H
#define SHEAF_CORE_CHECK_H

#include "broker/core/state.h"

/* Walks a queue's tenants, groups and lines. Returns the jobs that stand in line. */
uint64_t check_lines(const struct core *c, const struct queue *q);

/* A job that keeps its group from going on is counted there, and is the only one. */
void check_held(const struct core *c, const struct job *j);

/* Batches and their members, jobs and what they follow. */
void check_join(const struct core *c);

/* Topics, channels and consumers. Returns the bytes of the log that messages need. */
uint64_t check_topics(const struct core *c);

#endif
