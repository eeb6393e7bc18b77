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
void seqset_drop(struct seqset *s, uint64_t seq);
void seqset_fini(struct seqset *s);

/* What the lines that a log has are for. */
enum joblog_use {
	JOBLOG_NEW,           /* nothing: it is emptied */
	JOBLOG_RESUME,        /* every record that it names is to be skipped */
	JOBLOG_RESUME_FAILED, /* only those whose last line says that they did not fail */
	JOBLOG_RETRY          /* those that failed are to be run again, from what the log has of them */
};

struct joblog {
	struct out out;     /* lines that are not written yet */
	struct seqset seen; /* records to skip; with JOBLOG_RETRY: to run again */
	uint64_t n_seen;
	int again_fd; /* JOBLOG_RETRY: the log from its beginning, to be read up to `end`; else -1 */
	uint64_t end; /* bytes of whole lines when it was opened */
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

/* Opens FILE: emptied, or read and continued. NULL if good; else what is wrong, valid until the next call, to follow
 * the file's name in a sentence. */
const char *joblog_open(struct joblog *l, const char *path, enum joblog_use use);
/* Reads a line, without its newline: `seq`, `sent`, `exit` (a signal counts as an exit status) and `command` as it
 * stands there. False if it is none. */
bool joblog_parse(struct span line, struct joblog_line *out);
/* Appends the record that a line's command stands for. False if the log has less than the whole of it. */
bool joblog_record(struct buf *b, const struct joblog_line *line);
/* Appends a line to `b`, which goes to joblog_add later. */
void joblog_format(struct buf *b, const struct joblog_line *line);
/* Gathers formatted lines. */
void joblog_add(struct joblog *l, struct span lines);
/* Writes what is gathered; false once that failed (l->out.error). */
bool joblog_flush(struct joblog *l);
void joblog_close(struct joblog *l);

#endif
