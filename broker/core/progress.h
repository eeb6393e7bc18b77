/* What the handlers of running jobs say of their progress. */
#ifndef SHEAF_CORE_PROGRESS_H
#define SHEAF_CORE_PROGRESS_H

#include "broker/core/state.h"

/* PROGRESS of an attached worker: each record is a sign of life of the handler that runs the job (a touch), and says
 * how far it is. A record whose lease is not this worker's counts for nothing. */
void beat_progress(struct core *c, struct worker *w, const struct msg *m);

/* The lease is over: gives back what it remembered of its progress. */
void progress_forget(struct lease *l);

/* Writes it into what people see of a running job; the text is in the step's arena. */
void progress_describe(struct core *c, const struct lease *l, struct msg_job_info *i);

#endif
