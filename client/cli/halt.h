/* When `sheaf map` stops before its input ends: the words of GNU parallel's --halt, WHEN[,WHY=N or WHY=N%]. Pure. */
#ifndef SHEAF_CLI_HALT_H
#define SHEAF_CLI_HALT_H

#include <stdbool.h>
#include <stdint.h>

enum halt_when {
	HALT_NEVER,
	HALT_SOON, /* nothing new starts, what runs is waited for */
	HALT_NOW   /* what runs is cancelled too */
};

enum halt_why { HALT_FAIL, HALT_SUCCESS, HALT_DONE };

struct halt {
	enum halt_when when;
	enum halt_why why;
	uint64_t count; /* jobs, or percent */
	bool percent;
};

/* How far a map has come. */
struct halt_state {
	uint64_t done;   /* jobs that are done */
	uint64_t failed; /* jobs that failed */
	uint64_t read;   /* records of the input so far */
	bool all_read;
};

/* Without WHY it is fail=1. False if the text says nothing of the kind. */
bool halt_parse(const char *text, struct halt *h);
/* A percentage is of the records that have been read; it is judged once there are 100, or no more. */
bool halt_due(const struct halt *h, const struct halt_state *s);

#endif
