/* The history of a job: its attempts, oldest first, as bytes. A job that still lives has them in its side; in the
 * log they stand before what a job that ended leaves behind:
 *
 *	[length u16][history][error][result]
 *
 * One attempt is [started_ms u64][run_ms u32][exit i16][verdict u8][error length u16][name length u8][name][error],
 * little-endian. At most LIMIT_HISTORY attempts in LIMIT_HISTORY_BYTES are kept: the oldest go first. */
#ifndef SHEAF_CORE_HISTORY_H
#define SHEAF_CORE_HISTORY_H

#include "base/buf.h"
#include "broker/core/state.h"

/* Appends the length and `old` with one attempt more (none if its verdict is 0). */
void history_write(struct buf *out, struct span old, const struct attempt *a);

/* Adds an attempt to what the side keeps. */
void history_add(struct side *s, const struct attempt *a);

/* Makes the side's history these bytes. */
void history_set(struct side *s, struct span bytes);

static inline struct span history_of(const struct side *s)
{
	return s != NULL ? span_of(s->history, s->history_n) : (struct span){ 0 };
}

/* Takes the next attempt off *rest. False at the end, and on what is no history of ours. */
bool history_next(struct span *rest, struct msg_attempt_rec *r);

/* The attempts in v, at most LIMIT_HISTORY; how many. The texts point into `history`. */
uint32_t history_read(struct span history, struct msg_attempt_rec *v);

/* The parts of what an ended job left in the log. False if the bytes are not of this shape. */
MUST_CHECK bool history_split(struct span stored, uint32_t error_length, struct span *history, struct span *error,
                              struct span *result);

/* Fills in error and result of an FX_RESULT from what its job left; gone if the bytes are not of this shape. */
void history_result(struct span stored, uint32_t error_length, struct msg_result_rec *r);

/* Fills in error and history of an FX_JOB; v has room for LIMIT_HISTORY attempts. */
void history_info(struct span stored, uint32_t error_length, struct msg_job_info *i, struct msg_attempt_rec *v);

#endif
