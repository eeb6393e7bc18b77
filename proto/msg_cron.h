/* Of the messages of msg.h those that are about schedules. */
#ifndef SHEAF_PROTO_MSG_CRON_H
#define SHEAF_PROTO_MSG_CRON_H

#include <stdint.h>

#include "base/span.h"
#include "proto/limits.h"

enum cron_missed {
	CRON_ONCE = 1, /* however many ticks were missed, their job runs once */
	CRON_SKIP = 2, /* what was missed is not made up for */
};

enum cron_flags {
	CRON_REPLACE = 1, /* whatever the schedule of this name was before */
};

/* CRON_SET: a schedule, which submits a job whenever it is due. Also how it is described. */
struct msg_cron {
	struct span name;
	struct span spec; /* five fields, or @daily and the like, or "@every 90s" */
	struct span zone; /* "Europe/Berlin"; empty = UTC */
	uint32_t missed;  /* enum cron_missed */
	/* the job, as in struct msg_submit */
	struct span queue;
	uint32_t priority;
	uint32_t attempts;
	uint64_t lease_ms;
	uint64_t backoff_ms;
	uint64_t backoff_max_ms;
	uint64_t within_ms; /* it does not begin later than so long after it was submitted; 0 = whenever */
	struct span tenant;
	struct span group;
	struct span headers;
	struct span payload; /* at most LIMIT_CRON_PAYLOAD */
};

enum cron_op {
	CRON_RM = 1,
	CRON_PAUSE = 2,
	CRON_RESUME = 3,
	CRON_NEXT = 4, /* answered by CRON_INFO with the next `times` times of that schedule, or of `spec` in `zone` */
};

struct msg_cron_op {
	struct span name; /* empty: `spec` is asked about */
	uint32_t op;      /* enum cron_op */
	uint32_t times;   /* ..LIMIT_CRON_NEXT */
	struct span spec;
	struct span zone;
};

/* A time, and how many seconds clocks in the schedule's zone are ahead of UTC then. */
struct msg_cron_time {
	uint64_t at_ms; /* wall clock; 0 = none */
	int32_t offset_s;
};

struct msg_cron_rec {
	struct msg_cron cron;
	uint32_t paused;
	struct msg_cron_time next;
	struct msg_cron_time last; /* tick whose job was submitted last */
	uint64_t last_job;         /* that job */
	uint64_t submitted;        /* jobs so far */
	uint64_t missed;           /* ticks without a job of their own */
	struct span trouble;       /* why it does not run, for people; empty if it does */
};

enum cron_did {
	CRON_LISTED = 0,
	CRON_ADDED = 1,
	CRON_REPLACED = 2,
	CRON_SAME = 3, /* it was there already, just so */
};

#endif
