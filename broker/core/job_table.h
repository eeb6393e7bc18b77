/* The index of jobs: a radix tree over ids with pages of 32 jobs as leaves. Ids are dense and grow, so a
 * page is found once for many jobs; the tree grows and shrinks by single nodes, never by a rehash, and
 * is walked in the order of ids. A job's address does not change while it is in the table. */
#ifndef SHEAF_CORE_JOB_TABLE_H
#define SHEAF_CORE_JOB_TABLE_H

#include "broker/core/state.h"

void job_table_init(struct job_table *t);
void job_table_fini(struct job_table *t);

/* The job with this id, or NULL. */
struct job *job_find(struct job_table *t, uint64_t id);

/* A zeroed job with this id, which is not in the table yet. */
struct job *job_make(struct job_table *t, uint64_t id);

/* Takes the job out; its memory is gone. */
void job_drop(struct job_table *t, struct job *j);

/* The job with the lowest id that is at least `id`, or NULL. */
struct job *job_next(struct job_table *t, uint64_t id);

#endif
