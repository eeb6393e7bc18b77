/* The log of `map`: a line per finished job, in the format of GNU parallel's --joblog, and what --resume learns
 * from it. A line is there whole or not at all: a torn last line is cut before more is appended. */
#ifndef SHEAF_CLI_JOBLOG_H
#define SHEAF_CLI_JOBLOG_H

#include "client/cli/out.h"

enum { JOBLOG_COMMAND = 16 * 1024 }; /* bytes of a record in the log; the rest is cut */

/* A set of record numbers, from 1. */
struct seqset {
	uint64_t *bits; /* owned */
	uint64_t n;     /* numbers below this have a bit */
};

bool seqset_has(const struct seqset *s, uint64_t seq);
/* False for a number that no input can have. */
bool seqset_add(struct seqset *s, uint64_t seq);
void seqset_fini(struct seqset *s);

struct joblog {
	struct out out;     /* lines that are not written yet */
	struct seqset seen; /* records that the log named when it was opened with `resume` */
	uint64_t n_seen;
};

/* One finished job. */
struct joblog_line {
	uint64_t seq;        /* record number, from 1 */
	uint64_t started_ms; /* wall clock */
	uint64_t run_ms;
	uint64_t sent;       /* bytes of the payload */
	uint64_t received;   /* bytes of the result */
	int exit;            /* 0 = done */
	struct span command; /* the record */
};

/* Opens FILE: emptied, or with `resume` read and continued. NULL if good; else what is wrong, valid until the
 * next call, to follow the file's name in a sentence. */
const char *joblog_open(struct joblog *l, const char *path, bool resume);
/* Appends a line to `b`, which goes to joblog_add later. */
void joblog_format(struct buf *b, const struct joblog_line *line);
/* Gathers formatted lines. */
void joblog_add(struct joblog *l, struct span lines);
/* Writes what is gathered; false once that failed (l->out.error). */
bool joblog_flush(struct joblog *l);
void joblog_close(struct joblog *l);

#endif
