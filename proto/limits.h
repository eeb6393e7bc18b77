/* Every bound of the system, by name. Static asserts relate those that must agree. A limit that people
 * meet is named in the error that they get; see proto/PROTOCOL.md, "Limits". */
#ifndef SHEAF_PROTO_LIMITS_H
#define SHEAF_PROTO_LIMITS_H

#include <assert.h>
#include <stdint.h>

#define KIB ((uint64_t)1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

/* protocol */
#define PROTO_VERSION_MIN 1
#define PROTO_VERSION_MAX 1

/* one job */
#define LIMIT_PAYLOAD      (16 * MIB) /* bytes of one payload, or of one result */
#define LIMIT_QUEUE_NAME   56         /* bytes of a queue's name: [a-z0-9][a-z0-9._-]{0,55} */
#define LIMIT_NAME         64         /* bytes of any other name: worker, client, topic, channel */
#define LIMIT_HEADERS      64         /* headers of one job */
#define LIMIT_HEADER_BYTES (8 * KIB)  /* all headers of one job, encoded */
#define LIMIT_ERROR        4096       /* bytes of error text kept with a failed job */
#define LIMIT_PRIORITY     9          /* 0 to 9, 9 first */
#define LIMIT_ATTEMPTS     200        /* attempts that a job may ask for */
#define LIMIT_DELIVERIES   100        /* deliveries that may be configured; DEFAULT_DELIVERIES unless told */

#define LIMIT_DELAY_MS      (UINT64_C(3653) * 24 * 3600 * 1000) /* any time that a job may ask for: ten years */
#define LIMIT_HISTORY       16                                  /* attempts that are kept of a job, the last ones */
#define LIMIT_HISTORY_BYTES 2048                                /* bytes of these */
#define LIMIT_HISTORY_ERROR 256                                 /* bytes of error text of each */
#define LIMIT_KEY           256                                 /* bytes of an idempotency key */
#define LIMIT_AFTER         64                                  /* jobs and batches that a job may follow */
#define LIMIT_REPLICAS      16                                  /* of a race */

/* topics and channels */
#define LIMIT_PUBLISH          65536                              /* messages of one publish */
#define LIMIT_PUBLISH_BYTES    (16 * MIB)                         /* of these, packed */
#define LIMIT_RUN_BYTES        (256 * KIB)                        /* a run takes no more messages then */
#define LIMIT_DEFER_MS         (UINT64_C(366) * 24 * 3600 * 1000) /* of a publish or a requeue */
#define LIMIT_MESSAGE_MS       (24 * 3600 * 1000)                 /* a message's timeout */
#define LIMIT_READY            65536                              /* messages in one consumer's hands */
#define LIMIT_TOPICS           10000
#define LIMIT_TOPIC_CHANNELS   256      /* of one topic */
#define LIMIT_CHANNELS         60000    /* of all */
#define LIMIT_CONSUMERS        65536    /* of all channels */
#define LIMIT_MESSAGE_ATTEMPTS 60000    /* that may be set on a channel */
#define LIMIT_TOPIC_ROWS       1024     /* topics and channels in one answer */
#define LIMIT_EPHEMERAL_DEPTH  10000    /* messages that an ephemeral channel holds */
#define LIMIT_RUNS             64000000 /* runs in the index */
#define LIMIT_PARCELS          16000000 /* what consumers hold, what came back, what is deferred */

/* the NSQ edge */
#define LIMIT_NSQ_CONNECTIONS 65536      /* of clients */
#define LIMIT_NSQ_BODY        (64 * MIB) /* bytes of a command's body that may be configured */
#define DEFAULT_NSQ_BODY      (5 * MIB)

/* jobs that are accepted together */
#define LIMIT_ALL_PARTS 100           /* jobs of one SUBMIT_ALL */
#define LIMIT_ALL_BYTES LIMIT_PAYLOAD /* of all their distinct payloads */

/* mail */
#define LIMIT_MAIL             (LIMIT_PAYLOAD - 8 * KIB) /* bytes of one: the lines put before it fit a payload too */
#define LIMIT_MAIL_RCPTS       100                       /* recipients of one */
#define LIMIT_MAIL_LOCAL       64                        /* bytes of a local part (RFC 5321, 4.5.3.1) */
#define LIMIT_MAIL_DOMAIN      255
#define LIMIT_MAIL_PATH        256         /* of a path, its <> included */
#define LIMIT_MAIL_HEADERS     (100 * KIB) /* of all headers of a mail */
#define LIMIT_MAIL_HEADER      998         /* of a header's value that is looked at */
#define LIMIT_MAIL_HEADER_LINE (8 * KIB)   /* of a header that is gathered, all its lines */
#define LIMIT_MAIL_RECEIVED    50          /* Received lines: a loop */
#define LIMIT_MAIL_USER        255         /* bytes of who authenticates */
#define LIMIT_MAIL_PASSWORD    1024
#define LIMIT_MAIL_SESSIONS    65536
#define LIMIT_MIME_PARTS       1000 /* of a mail that is read as MIME, containers included; beyond that it stays raw */
#define LIMIT_MIME_DEPTH       64   /* of parts in parts */
#define LIMIT_MIME_LINES       16000000 /* of its text, each as often as it has containers around it */
#define LIMIT_MIME_PARAMETERS  100      /* of a Content field */

/* schedules */
#define LIMIT_CRONS        1000
#define LIMIT_CRON_SPEC    256        /* bytes of what says when it is due */
#define LIMIT_CRON_PAYLOAD (4 * KIB)  /* bytes of its jobs' payload */
#define LIMIT_CRON_NEXT    100        /* times that one answer names */
#define LIMIT_ZONE_BYTES   (64 * KIB) /* of a file of a time zone */

/* one message */
#define LIMIT_RECORDS    1024       /* jobs, results or ids in one message */
#define LIMIT_MESSAGE    (17 * MIB) /* bytes of one message: a full payload and what surrounds it */
#define LIMIT_ENDPOINT   256        /* bytes of an endpoint's text */
#define LIMIT_TEXT       1024       /* bytes of any other text */
#define LIMIT_LISTED     256        /* queues, workers or counters in one answer; ask for more after the last */
#define LIMIT_PEEKED     32         /* jobs that one peek shows */
#define LIMIT_PEEK_BYTES (4 * KIB)  /* bytes of each payload that a peek shows */

/* one worker session */
#define LIMIT_SLOTS           1024  /* slots of a worker */
#define LIMIT_WORKER_QUEUES   64    /* queues that a worker serves */
#define LIMIT_WINDOW_JOBS     16384 /* jobs in a worker's hands */
#define LIMIT_WINDOW_BYTES    (256 * MIB)
#define LIMIT_HELD            32768      /* jobs that a hello can name: running, waiting, finished */
#define LIMIT_QUANTUM         64         /* jobs granted to a worker at a time */
#define LIMIT_LOST_RANGES     64         /* gaps that a beat can name */
#define LIMIT_UNSETTLED_BYTES (64 * MIB) /* results a worker keeps until they are durable; then no more jobs */
#define LIMIT_PROGRESS_TEXT   256        /* bytes of what a running job says of its progress */
#define PERCENT_UNKNOWN       255        /* how far it is, when it has not said so */

/* one client session */
#define LIMIT_CLIENT_WAITS    65536 /* jobs whose results one client awaits at a time */
#define LIMIT_CLIENT_REQUESTS 512   /* requests of one client that are not answered yet, and answers kept */

/* one broker */
#define LIMIT_QUEUES       10000
#define LIMIT_WORKERS      4096
#define LIMIT_CLIENTS      8192
#define LIMIT_KEYS         1024      /* keys that a broker admits */
#define LIMIT_PRINCIPALS   16384     /* keys that it has admitted since its start */
#define LIMIT_BATCHES      100000    /* batches that are kept, open ones included */
#define LIMIT_POLICIES     16000000  /* distinct sets of headers among the live jobs */
#define LIMIT_POLICY_BYTES (8 * GIB) /* of memory for these */
#define LIMIT_TENANTS_AWAY                                                                                             \
	4096 /* tenants without jobs that are remembered, for they have had more than their share                      \
	      */
#define LIMIT_THEN_PAYLOAD (64 * KIB) /* of the job that follows a batch */
#define LIMIT_THEN_ALL     (16 * MIB) /* payloads and headers of all jobs that are to follow batches */
#define LIMIT_AFTER_ALL    4000000    /* pairs of a job and one that it follows */
#define LIMIT_QUEUE_KEYS   1000000    /* idempotency keys remembered in one queue */
#define LIMIT_ALL_KEYS     4000000    /* and in all queues together */
#define LIMIT_DEAD         1000000    /* dead letters of a queue; at so many it takes no more jobs */

/* one queue's settings */
#define LIMIT_SETTINGS    64                          /* settings in one message */
#define LIMIT_CONCURRENCY 1000000                     /* jobs in workers' hands */
#define LIMIT_RATE        ((uint64_t)1000000 * 86400) /* jobs per day: a million a second */
#define LIMIT_BURST       1000000                     /* jobs */
#define LIMIT_KEEP_BYTES  (1024 * GIB)

/* defaults */
#define DEFAULT_PRIORITY           4
#define DEFAULT_ATTEMPTS           1
#define DEFAULT_BACKOFF_MAX_MS     (3600 * 1000) /* the pause before another attempt doubles up to this */
#define DEFAULT_DELIVERIES         5
#define DEFAULT_KEEP_MS            (3600 * 1000) /* how long results are kept */
#define DEFAULT_KEEP_BYTES         (256 * MIB)   /* results kept per queue, each charged with RESULT_OVERHEAD */
#define DEFAULT_KEEP_ALL_BYTES     (1 * GIB)     /* results kept in all queues together */
#define RESULT_OVERHEAD            512    /* of a kept result: its place in the index, what it pins in the journal */
#define DEFAULT_BEAT_MS            500    /* a worker's heartbeat, and a client's ping */
#define DEFAULT_LIVENESS_MS        2500   /* silence after which a worker is lost: its jobs move within 3 s */
#define DEFAULT_CLIENT_LIVENESS_MS 15000  /* silence after which a client's waits are dropped */
#define DEFAULT_SESSION_KEEP_MS    600000 /* how long a silent client's answers are kept for its retries */
#define DEFAULT_BATCH_OPEN_MS      (24 * 3600 * 1000) /* how long a batch may stay open */
#define DEFAULT_KEY_WINDOW_MS      (24 * 3600 * 1000) /* how long an idempotency key is remembered */
#define DEFAULT_MESSAGE_MAX        MIB                /* bytes of one message of a topic */
#define DEFAULT_MESSAGE_MS         60000              /* a message's timeout in a consumer's hands */
#define DEFAULT_MESSAGE_MOST_MS    (15 * 60 * 1000)   /* and with all touches */
#define DEFAULT_MEMORY             (512 * MIB)        /* payload cache */
#define DEFAULT_SEGMENT            (64 * MIB)
#define DEFAULT_STARVE_MS          30000 /* wait after which a lower priority gets a grant now and then */
#define LEASE_FACT_MS              1000  /* a lease older than this is journaled */
#define STALL_MS                   500   /* a gap in the loop beyond this moves every deadline by it */

/* one step of the core */
#define STEP_EFFECTS 8192 /* effects that one step may cause */
#define STEP_WORK    1024 /* jobs that one slice of long work touches */
#define STEP_PUTS    256  /* jobs that the core itself submits in one step */

static_assert(LIMIT_PAYLOAD + LIMIT_HEADER_BYTES + LIMIT_ERROR + 64 * KIB <= LIMIT_MESSAGE,
              "a full job fits a message");
static_assert(LIMIT_MESSAGE + MIB <= DEFAULT_SEGMENT, "a full message fits a segment");
static_assert(LIMIT_PUBLISH_BYTES + 64 * KIB <= LIMIT_MESSAGE, "a full publish fits a message");
static_assert(LIMIT_TOPIC_CHANNELS < LIMIT_TOPIC_ROWS, "a topic with all its channels fits an answer");
static_assert(LIMIT_QUEUE_NAME + sizeof "results." - 1 <= LIMIT_NAME, "results.QUEUE is a topic's name");
static_assert(LIMIT_ALL_BYTES + LIMIT_ALL_PARTS * (LIMIT_HEADER_BYTES + LIMIT_KEY + 256) <= LIMIT_MESSAGE,
              "full parts fit a message");
static_assert(LIMIT_MAIL_RCPTS <= LIMIT_ALL_PARTS, "a mail's jobs fit one request");
static_assert(LIMIT_WINDOW_JOBS <= LIMIT_HELD, "a hello can name all that a worker holds");
static_assert(4 * LIMIT_RECORDS <= STEP_EFFECTS && 2 * STEP_WORK <= STEP_EFFECTS, "a step's effects have room");
static_assert(DEFAULT_LIVENESS_MS + DEFAULT_BEAT_MS <= 3000, "a dead worker's jobs are handed on within 3 s");
static_assert(LIMIT_ATTEMPTS < 255 && LIMIT_DELIVERIES < 255, "counts of a job fit a byte");

#endif
