/* What a worker and a process of --pipe say to each other: a JSON object a line. docs/handlers.md has it for people. */
#ifndef SHEAF_WORKER_TALK_H
#define SHEAF_WORKER_TALK_H

#include "worker/handler.h"
#include "worker/report.h"

enum { TALK_LINE = 32 << 20 }; /* bytes of an answer: a result of 16 MiB, with what JSON or base64 makes of it */

/* Appends the line that asks for this job to be run, newline included. */
void talk_request(struct buf *out, const struct job_run *run);

enum talk { TALK_BAD, TALK_REPORT, TALK_DONE, TALK_FAILED };

struct talk_answer {
	int32_t exit;
	bool bye; /* the process ends now: the next job is for another */
	struct report report;
	char why[96]; /* TALK_BAD: what is wrong, without a word of what was said */
};

/* Reads a line that is about the job `id`. Result and error text are put in place of what the buffers have. */
MUST_CHECK enum talk talk_read(struct span line, uint64_t id, struct talk_answer *a, struct buf *result,
                               struct buf *error);

#endif
