/* One run of `sheaf map`, shared by the file that feeds it, the one that deals with what comes back, and the one
 * that ends it early. */
#ifndef SHEAF_CLI_MAP_H
#define SHEAF_CLI_MAP_H

#include "client/cli/common.h"
#include "client/cli/halt.h"
#include "client/cli/joblog.h"
#include "client/cli/progress.h"
#include "client/cli/records.h"
#include "client/cli/reorder.h"

/* A job in flight. Its place in map.jobs is the tag that the session knows it by. */
struct map_job {
	uint64_t seq;      /* its record's number, from 1 */
	uint64_t turn;     /* its place in the order of the input, from 1; as seq unless records run again */
	uint64_t id;       /* 0 = not in flight, or not accepted yet */
	uint64_t size;     /* bytes of the payload */
	bool cancelled;    /* its cancellation has been asked for */
	uint32_t next;     /* free: the next free one */
	struct buf record; /* if the map keeps records: a copy, as far as a log has it */
};

struct map {
	struct cli *c;
	struct sheaf_policy policy;
	struct records in;
	struct map_job *jobs; /* owned; `cap` of them */
	uint32_t cap;         /* jobs in flight, at most */
	uint32_t n_jobs;      /* in flight */
	uint64_t bytes;       /* of their payloads */
	uint32_t free;        /* the first free one; cap = none */
	uint64_t seq;         /* of the record read last */
	uint64_t turn;        /* and its place */
	bool ended;           /* no more is read */
	bool dry;             /* stdin has nothing for now */
	bool ordered;
	bool stopping;         /* what is in flight is being cancelled, */
	uint32_t cancel_flags; /* with these */
	struct halt halt;
	bool halted;
	bool logs;
	bool keeps;       /* copies of the records, for log or tags */
	bool retrying;    /* `in` is the log */
	struct buf again; /* the record at hand, from the log */
	bool log_failed;  /* and it has been said */
	enum joblog_use use;
	struct joblog log;
	struct reorder order; /* outputs and log lines that are not due yet */
	struct buf output;    /* of the result at hand */
	struct buf line;      /* its line in the log */
	struct progress progress;
	uint64_t looked_ms;         /* when the running jobs were looked at, UINT64_MAX: no more */
	uint64_t telling, percents; /* of those that said how far they are */
	uint64_t done, failed, cancelled, skipped;
	int status; /* why reading ended early; EXIT_DONE if it did not */
};

/* Nothing more is read; the first reason counts. */
void map_end(struct map *m, int status);
/* Writes stdout, then the log: what the log names has been written. False when that failed; map_end was called. */
bool map_flush(struct map *m);

/* Asks how far the running jobs are, at most once a second, if there is a line of progress to say it. (map_progress.c)
 */
void map_look(struct map *m);

/* What became of a job: takes it out of flight, writes its result or its error. (map_result.c) */
void map_result(struct map *m, uint32_t at, const struct msg_result_rec *r);
void map_refused(struct map *m, uint32_t at, enum sheaf_error e);
/* Sends m->output and m->line on: now, or when it is their turn. */
void map_deliver(struct map *m, uint64_t turn);

/* Stops, if --halt says so by now. (map_stop.c) */
void map_halt(struct map *m);
/* From now on cancels what is in flight, as the flags of sheaf_cancel say. */
void map_stop(struct map *m, uint32_t flags);
MUST_CHECK enum sheaf_error map_cancel(struct map *m, uint32_t flags, uint64_t ms, uint64_t *cancelled);
/* Says how far it came, and how to go on. */
void map_say_how_to_resume(const struct map *m);

#endif
