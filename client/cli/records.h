/* Cuts an input into records: lines, or what stands before each NUL. Reads 1 MiB at a time and keeps no
 * more than that and one record, so an input of any size will do. */
#ifndef SHEAF_CLI_RECORDS_H
#define SHEAF_CLI_RECORDS_H

#include "base/span.h"

enum records_got {
	RECORDS_ONE,      /* a record, without its terminator */
	RECORDS_WAIT,     /* nothing more has come yet, or a signal came in between */
	RECORDS_END,      /* the input has ended */
	RECORDS_TOO_LONG, /* a record is longer than `most` */
	RECORDS_FAILED    /* reading failed: see error */
};

struct records {
	int fd;             /* borrowed */
	uint8_t terminator; /* '\n' or 0 */
	bool ended;         /* read to the end */
	bool regular;       /* a file: never makes us wait, and its size is known */
	int error;          /* errno of the read that failed */
	size_t most;        /* bytes of the longest record that is taken */
	uint8_t *p;         /* owned */
	size_t cap;         /* bytes of p */
	size_t from, to;    /* what has been read and not been handed out */
	size_t looked;      /* no terminator stands in [from, looked) */
	uint64_t taken;     /* bytes handed out, terminators included */
	uint64_t size;      /* bytes that the file has from where we began; 0 = unknown */
};

void records_init(struct records *r, int fd, uint8_t terminator, size_t most);
void records_fini(struct records *r);
/* The next record; *record is valid until the next call. Waits for input only if `wait`. */
enum records_got records_next(struct records *r, bool wait, struct span *record);
/* Waits for input, at most so long; a signal ends it too. */
void records_wait(const struct records *r, uint64_t ms);

enum {
	INPUT_WAIT_MS = 10,  /* how long to look at one of two things that are awaited, the input and the broker */
	INPUT_IDLE_MS = 200, /* when only input is awaited: the session wants to be driven now and then */
};

#endif
