/* What one step gathers before its facts are placed: the structs; turn.h has what is done with them. */
#ifndef SHEAF_CORE_TURN_PARTS_H
#define SHEAF_CORE_TURN_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"
#include "proto/limits.h"
#include "proto/msg.h"

struct job;
struct queue;

/* One delivery of a job, as its history keeps it. */
struct attempt {
	struct span worker; /* its name */
	uint64_t started_ms;
	uint32_t run_ms;
	int32_t exit;
	uint8_t verdict;   /* enum verdict; 0 = no attempt to speak of */
	struct span error; /* cut to LIMIT_HISTORY_ERROR when it is kept */
};

/* A job that ends in this step; see turn.h. */
struct ending {
	struct job *job;
	enum job_state state;
	int32_t exit;
	uint8_t used; /* attempts used, this one included */
	uint64_t run_ms;
	struct span error;
	struct span result;
	struct attempt attempt; /* the last one, if it ends by one */
};

/* A running job that goes back to ready, or delayed, in this step. */
struct handback {
	struct job *job;
	bool counted;  /* an attempt was used up */
	bool delivery; /* a delivery was lost */
	uint64_t due;  /* wall clock: delayed until then; 0 = ready at once */
	struct attempt attempt;
};

/* A job that is put in this step; see put.h. */
struct putting {
	uint64_t id;
	uint64_t at; /* of its payload, counted from the first fact */
	uint32_t length, crc, overhead, sharers;
	uint64_t due;     /* wall clock: delayed until then; 0 = not */
	uint64_t expires; /* wall clock; 0 = never */
	uint32_t policy;  /* index; holds a reference */
	uint16_t queue;   /* index */
	uint8_t priority;
	uint8_t attempts;
};

/* What one step gathers before its facts are placed; see turn.h. */
struct turn {
	uint64_t bytes;                                         /* of facts that the endings and handbacks will take */
	bool placed;                                            /* the step's block has its place: no more facts */
	uint64_t base;                                          /* then: the position of the first fact's head */
	struct ending endings[2 * (STEP_WORK + LIMIT_RECORDS)]; /* a replica may end its race */
	uint32_t n_endings;
	struct handback backs[STEP_WORK + LIMIT_RECORDS];
	uint32_t n_backs;
	struct putting puts[STEP_PUTS];
	uint32_t n_puts;
	struct job *redrives[STEP_WORK + LIMIT_RECORDS]; /* dead letters that are ready again */
	uint32_t n_redrives;
	struct job *forgets[STEP_WORK + LIMIT_RECORDS]; /* dead letters that go */
	uint32_t n_forgets;
	struct queue *dead; /* whose dead letters had a slice */
	uint32_t n_parked;  /* replicas */
};

#endif
