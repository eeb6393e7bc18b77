/**
 * @file sheaf.h
 * libsheaf: submit jobs to a Sheaf broker and gather their results.
 *
 * A `sheaf_t` is one session with one broker. It belongs to one thread. It reconnects by itself: a
 * request that was sent before the broker went away is sent again and answered once, and awaited results
 * are asked for anew. Every call takes a deadline in milliseconds: 0 polls, SHEAF_FOREVER waits.
 *
 * Errors are values (enum sheaf_error, proto/error.h); sheaf_why() has the sentence for people.
 * Memory that a call hands out stays valid as its comment says and is never the caller's to free, but
 * for what the name `_free` goes with.
 */
#ifndef SHEAF_CLIENT_SHEAF_H
#define SHEAF_CLIENT_SHEAF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/error.h"
#include "proto/msg.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SHEAF_FOREVER        UINT64_MAX
#define SHEAF_WHY            1024
#define SHEAF_DEFAULT_BROKER "tcp://127.0.0.1:7400"

typedef struct sheaf sheaf_t;

/** How to reach a broker. Zero-initialise; NULL and 0 mean the default. */
struct sheaf_options {
	const char *broker; /**< endpoint; default: SHEAF_DEFAULT_BROKER (the CLI reads SHEAF_BROKER itself) */
	const char *keys;   /**< directory of `sheaf keygen`: speaks encrypted, as whom client.key_secret (or
	                         worker.key_secret) is; default: none, unencrypted */
	const char *
	    name; /**< shown in the broker's logs; default: "client"; 1 to 64 printable characters, no blank or comma */
};

/** What goes with a job. Fill with sheaf_policy_default() first. */
struct sheaf_policy {
	uint32_t priority; /**< 0..9, 9 first */
	uint32_t attempts; /**< how often a failing handler is tried; 0 = the queue's default */
	uint64_t lease_ms; /**< time for one run of the handler, or until its next touch; 0 = the queue's default */
	uint64_t batch;    /**< from sheaf_batch_open(); 0 = none */
	const char *const *headers; /**< "NAME=VALUE", n_headers of them */
	size_t n_headers;
	struct msg_terms terms; /**< times, key, tenant, group, what comes first; borrowed like the headers. A key and a
	                         *   race are for single jobs; whoever posts one key twice in a stream hears its
	                         *   result once, with the first tag */
	bool after_any;         /**< terms.after may have ended in any way */
};
void sheaf_policy_default(struct sheaf_policy *p);

/** Makes a session. Only options are checked here (SHEAF_E_CONFIG); the connection is made in the
 *  background. *out is to be freed with sheaf_free(). */
enum sheaf_error sheaf_new(const struct sheaf_options *o, sheaf_t **out);
/** What is wrong with an endpoint, to follow it in a sentence ("has no port"); NULL if it is good. */
const char *sheaf_bad_broker(const char *broker);
/** Whether `dir` has what options.keys needs; if not, why gets a sentence that names the file, of at most
 *  SHEAF_WHY bytes with its NUL. */
bool sheaf_good_keys(const char *dir, char why[SHEAF_WHY]);
void sheaf_free(sheaf_t *s);

/** The sentence behind the last error of this session, "" if there is none; valid until the next call. */
const char *sheaf_why(const sheaf_t *s);

/** Waits until the broker has answered hello. SHEAF_E_UNREACHABLE when `ms` ran out; SHEAF_E_DENIED when it will not
 *  have our key, or one side has keys and the other has none: then every later call says so too. */
enum sheaf_error sheaf_connect(sheaf_t *s, uint64_t ms);
/** What the broker said in its hello; NULL before it did. */
const struct msg_client_welcome *sheaf_welcome(const sheaf_t *s);
/** True when the broker has been heard within the last two beats. */
bool sheaf_connected(const sheaf_t *s);

/** Submits one job and waits until it is durable. *id is its id. */
enum sheaf_error sheaf_submit(sheaf_t *s, const char *queue, const struct sheaf_policy *p, struct span payload,
                              uint64_t ms, uint64_t *id);
/** Submits `n` jobs of one policy (any n; sent LIMIT_RECORDS at a time) and waits until all are durable.
 *  ids[0..n) are theirs. On an error *done says how many were accepted. */
enum sheaf_error sheaf_submit_many(sheaf_t *s, const char *queue, const struct sheaf_policy *p,
                                   const struct span *payloads, size_t n, uint64_t ms, uint64_t *ids, size_t *done);

/** Waits until the job has ended. *r is valid until the next call of this session; r->state says how it
 *  ended; JOB_NONE: unknown id (returns SHEAF_E_UNKNOWN), or one that is no longer kept (SHEAF_E_GONE). */
enum sheaf_error sheaf_wait(sheaf_t *s, uint64_t id, uint64_t ms, struct msg_result_rec *r);
/** The result of a job that has ended; never waits for it: SHEAF_E_NOT_FINISHED, SHEAF_E_GONE, SHEAF_E_UNKNOWN. */
enum sheaf_error sheaf_result(sheaf_t *s, uint64_t id, uint64_t ms, struct msg_result_rec *r);
/** What a job is now. *info is valid until the next call. */
enum sheaf_error sheaf_job(sheaf_t *s, uint64_t id, uint64_t ms, struct msg_job_info *info);
/** Cancels jobs; *cancelled says how many were. flags: enum cancel_flags. A single finished id gives
 *  SHEAF_E_FINISHED, a single unknown one SHEAF_E_UNKNOWN. */
enum sheaf_error sheaf_cancel(sheaf_t *s, const uint64_t *ids, size_t n, uint32_t flags, uint64_t ms,
                              uint64_t *cancelled);

/** Batches: open, submit with policy.batch, close, wait until every member has ended. */
enum sheaf_error sheaf_batch_open(sheaf_t *s, uint64_t ms, uint64_t *batch);
/** What a batch can be opened with. Zero-initialise; all of it is borrowed for the call. */
struct sheaf_batch_options {
	const char *then_queue;   /**< of a job that is submitted when the batch is complete; NULL = none */
	enum then_when then_when; /**< for which end of the batch; 0 = THEN_SUCCESS */
	struct span then_payload; /**< at most LIMIT_THEN_PAYLOAD bytes */
	const struct sheaf_policy *then_policy; /**< its priority, attempts and headers; NULL = the usual */
	uint64_t open_ms;                       /**< it expires, and has failed, if it is open for longer; 0 = 24 h */
};
/** The same with options. SHEAF_E_FULL: too many batches, or too much is to follow them. */
enum sheaf_error sheaf_batch_open_as(sheaf_t *s, const struct sheaf_batch_options *o, uint64_t ms, uint64_t *batch);
enum sheaf_error sheaf_batch_close(sheaf_t *s, uint64_t batch, uint64_t ms);
enum sheaf_error sheaf_batch(sheaf_t *s, uint64_t batch, uint64_t ms, struct msg_batch_info *info);
enum sheaf_error sheaf_batch_wait(sheaf_t *s, uint64_t batch, uint64_t ms, struct msg_batch_info *info);

/* Streams: many jobs in flight, for map, bench and programs like them.
 *
 * sheaf_post() queues jobs for submission without waiting; sheaf_next() drives the session and hands out
 * what happened. A job posted with `tag` comes back as SHEAF_ACCEPTED (durable now; id set) and, if
 * `want`, later as SHEAF_RESULT. Payloads are copied. */

enum sheaf_happened {
	SHEAF_NOTHING,  /**< the deadline passed */
	SHEAF_ACCEPTED, /**< tag, id */
	SHEAF_REFUSED,  /**< tag, error: the job was not accepted and will not be; sheaf_why() says why */
	SHEAF_RESULT    /**< tag, id, result (valid until the next call) */
};

struct sheaf_event {
	enum sheaf_happened kind;
	uint64_t tag;
	uint64_t id;
	enum sheaf_error error;
	struct msg_result_rec result;
};

/** Jobs that one SUBMIT message carries at most; 1..LIMIT_RECORDS, default 256; from then on also the messages of
 *  one PUBLISH, whose default is some thousand. Fewer go out when
 *  sheaf_next() is called with nothing more posted, so a lone job is not held up. */
void sheaf_set_batching(sheaf_t *s, uint32_t records);
/** How many more jobs may be posted now; 0 = call sheaf_next() first. Bounded by LIMIT_CLIENT_WAITS and bytes. */
size_t sheaf_room(const sheaf_t *s);
/** Queues one job; the caller saw sheaf_room() > 0. Jobs of the same queue and policy share messages. */
enum sheaf_error sheaf_post(sheaf_t *s, const char *queue, const struct sheaf_policy *p, struct span payload,
                            uint64_t tag, bool want);
/** Awaits a job that was submitted earlier (a resumed map): comes as SHEAF_RESULT with this tag. */
enum sheaf_error sheaf_await(sheaf_t *s, uint64_t id, uint64_t tag);
/** The next thing that happened, waiting up to `ms`. Errors: SHEAF_E_INTERRUPTED, SHEAF_E_DENIED, SHEAF_E_VERSION. */
enum sheaf_error sheaf_next(sheaf_t *s, uint64_t ms, struct sheaf_event *ev);
/** Posted jobs that have no result (or, without want, no answer) yet. */
size_t sheaf_outstanding(const sheaf_t *s);
/** Makes the current and all later calls return SHEAF_E_INTERRUPTED until called with false; safe in a signal handler.
 */
void sheaf_interrupt(sheaf_t *s, bool on);

/* Topics and channels: what is published to a topic goes to each of its channels, and there to one of the consumers. */

/** Publishes `n` messages (any n; sent some thousand at a time) and waits until all are durable. defer_ms: not before
 * so long from now. *first, which may be NULL, is the id of the first. On an error *done, which may be NULL, says how
 * many were published. SHEAF_E_BAD_NAME, SHEAF_E_TOO_LARGE: nothing was. */
enum sheaf_error sheaf_publish(sheaf_t *s, const char *topic, const struct span *messages, size_t n, uint64_t defer_ms,
                               uint64_t ms, uint64_t *first, size_t *done);

/** What a subscription asks for. Zero-initialise. */
struct sheaf_subscription {
	uint32_t ready;      /**< messages in hand at most; 0 = 1 */
	uint64_t bytes;      /**< and bytes on their way, about; 0 = 1 MiB */
	uint64_t timeout_ms; /**< a message that is neither settled nor touched for so long goes to somebody else; 0 =
	                        60 s */
	uint64_t since_ms;   /**< a new channel begins with what is kept since then (wall clock); 1 = with all of it */
	uint32_t sample;     /**< percent of the messages that it gets; 0 = all */
};
/** Subscribes to a channel; both are made if need be. *sub names it in what follows. After a broken connection it is
 *  made anew by itself; what was in hand comes again, and settling it then has no effect. */
enum sheaf_error sheaf_subscribe(sheaf_t *s, const char *topic, const char *channel, const struct sheaf_subscription *o,
                                 uint64_t ms, uint32_t *sub);
/** Changes `ready`: 0 = no more for now. */
enum sheaf_error sheaf_ready(sheaf_t *s, uint32_t sub, uint32_t ready);

/** A message in hand. */
struct sheaf_message {
	uint32_t sub;
	uint64_t id;
	uint32_t attempts; /**< deliveries, this one included */
	uint64_t time_ns;  /**< when it was published, wall clock */
	struct span body;  /**< valid until the next call */
	uint64_t token;    /**< of this delivery */
};
/** The next message of any subscription, waiting up to `ms`: SHEAF_E_TIMEOUT. SHEAF_E_GONE: the channel of m->sub was
 *  deleted; nothing more comes of it. */
enum sheaf_error sheaf_message(sheaf_t *s, uint64_t ms, struct sheaf_message *m);
/** What becomes of it; sent by the next call that waits, or by sheaf_settled(). Only id and token of `m` are looked at.
 * A message that is no longer in hand (its time was up) is left alone. */
enum sheaf_error sheaf_settle(sheaf_t *s, const struct sheaf_message *m, enum settle_verdict verdict,
                              uint64_t delay_ms);
/** Waits until all that was settled so far is durable. */
enum sheaf_error sheaf_settled(sheaf_t *s, uint64_t ms);
/** The subscription ends: what is in hand goes back in line, what was settled is durable when this returns. */
enum sheaf_error sheaf_unsubscribe(sheaf_t *s, uint32_t sub, uint64_t ms);

/** Creates, deletes, empties, pauses, resumes or sets a topic or (channel not empty) a channel. SHEAF_E_UNKNOWN if
 * there is none. */
enum sheaf_error sheaf_topic_op(sheaf_t *s, const struct msg_topic_op *op, uint64_t ms);
/** The topics, each followed by its channels; of one topic, or of all (NULL). */
typedef void sheaf_topic_fn(void *ctx, const struct msg_topic_rec *t);
enum sheaf_error sheaf_topics(sheaf_t *s, const char *topic, uint64_t ms, sheaf_topic_fn *each, void *ctx);

/* What people look at. `each` is called per record; spans are valid during the call. */
typedef void sheaf_queue_fn(void *ctx, const struct msg_queue_rec *q);
typedef void sheaf_running_fn(void *ctx, const struct msg_running_rec *r);
typedef void sheaf_worker_fn(void *ctx, const struct msg_worker_rec *w);
typedef void sheaf_stat_fn(void *ctx, const struct msg_stat_rec *c);
typedef void sheaf_peek_fn(void *ctx, const struct msg_peek_rec *p);

enum sheaf_error sheaf_queues(sheaf_t *s, uint64_t ms, sheaf_queue_fn *each, void *ctx);
/** SHOW, PAUSE, RESUME, PURGE, DELETE; *value: jobs purged. With `each` (SHOW): called once. */
enum sheaf_error sheaf_queue(sheaf_t *s, const char *queue, enum queue_op op, uint64_t ms, uint64_t *value,
                             sheaf_queue_fn *each, void *ctx);
/** What is set on a queue, one call of `each` per setting. See proto/setting.h. */
typedef void sheaf_setting_fn(void *ctx, const struct msg_setting_rec *setting);
enum sheaf_error sheaf_queue_settings(sheaf_t *s, const char *queue, uint64_t ms, sheaf_setting_fn *each, void *ctx);
/** Sets all of them or none; a value of 0 takes a setting back. The queue is made if it does not exist.
 *  SHEAF_E_BAD_VALUE: no such setting, or a value over its limit. */
enum sheaf_error sheaf_queue_set(sheaf_t *s, const char *queue, const struct msg_setting_rec *settings, uint32_t n,
                                 uint64_t ms);
/** The dead letters of a queue that the filter lets through (NULL: all), the oldest first; at most `most`, 0 = all. */
typedef void sheaf_dead_fn(void *ctx, const struct msg_dead_rec *d);
enum sheaf_error sheaf_dead(sheaf_t *s, const char *queue, const struct msg_dead_filter *f, uint64_t most, uint64_t ms,
                            sheaf_dead_fn *each, void *ctx);
/** Redrives or purges those (*done says how many; may be NULL), or stops what is under way. `rate`: jobs per day, for a
 *  redrive; 0 = at once. Returns when all is done; it goes on in the broker when `ms` has run out.
 *  SHEAF_E_NOT_FINISHED: another one is under way. */
enum sheaf_error sheaf_dead_op(sheaf_t *s, const char *queue, enum dead_op_kind op, const struct msg_dead_filter *f,
                               uint64_t most, uint64_t rate, uint64_t ms, uint64_t *done);
/** Makes dead jobs ready again; *retried says how many were. A single one that is not dead gives SHEAF_E_BAD_VALUE, an
 *  unknown one SHEAF_E_UNKNOWN, one that is no longer kept SHEAF_E_GONE. */
enum sheaf_error sheaf_retry(sheaf_t *s, const uint64_t *ids, size_t n, uint64_t ms, uint64_t *retried);
enum sheaf_error sheaf_peek(sheaf_t *s, const char *queue, uint32_t n, uint64_t ms, sheaf_peek_fn *each, void *ctx);
/** The jobs that run now, of one queue or (NULL) of all, with what their handlers say of them. */
enum sheaf_error sheaf_running(sheaf_t *s, const char *queue, uint64_t ms, sheaf_running_fn *each, void *ctx);
enum sheaf_error sheaf_workers(sheaf_t *s, uint64_t ms, sheaf_worker_fn *each, void *ctx);
/** Drains or resumes every worker of that name; *workers (may be NULL) says how many. SHEAF_E_UNKNOWN if none is
 *  attached, SHEAF_E_BAD_NAME if none can have the name. */
enum sheaf_error sheaf_worker(sheaf_t *s, const char *name, enum worker_op op, uint64_t ms, uint64_t *workers);
enum sheaf_error sheaf_stats(sheaf_t *s, uint64_t ms, sheaf_stat_fn *each, void *ctx);
/* Schedules: jobs that the broker submits by itself whenever they are due. */
struct sheaf_cron {
	const char *name;
	const char *spec; /**< "30 6 * * MON-FRI", "@daily", "@every 90s" */
	const char *zone; /**< "Europe/Berlin"; NULL or "" = UTC */
	bool skip;        /**< what was missed is not made up for; else it runs once */
	const char *queue;
	struct span payload; /**< at most LIMIT_CRON_PAYLOAD */
};
typedef void sheaf_cron_fn(void *ctx, const struct msg_cron_rec *r);
typedef void sheaf_time_fn(void *ctx, const struct msg_cron_time *t);

/** Makes a schedule. Of the policy, batch, delay, at, expires, key and what else is for one job are not looked at. *did
 *  says what happened; `each` may be NULL, else it gets the schedule as it is now, valid until the next call of the
 *  session. SHEAF_E_EXISTS: there is another one of this name, and `replace` is false. */
enum sheaf_error sheaf_cron_set(sheaf_t *s, const struct sheaf_cron *k, const struct sheaf_policy *p, bool replace,
                                uint64_t ms, enum cron_did *did, sheaf_cron_fn *each, void *ctx);
enum sheaf_error sheaf_crons(sheaf_t *s, uint64_t ms, sheaf_cron_fn *each, void *ctx);
/** CRON_RM, CRON_PAUSE, CRON_RESUME. */
enum sheaf_error sheaf_cron_op(sheaf_t *s, const char *name, enum cron_op op, uint64_t ms);
/** The next n times, at most LIMIT_CRON_NEXT: of the schedule `name`, or, if that is NULL, of `spec` in `zone`. */
enum sheaf_error sheaf_cron_next(sheaf_t *s, const char *name, const char *spec, const char *zone, uint32_t n,
                                 uint64_t ms, sheaf_time_fn *each, void *ctx);
/** A round trip; *us is how long it took. */
enum sheaf_error sheaf_ping(sheaf_t *s, uint64_t ms, uint64_t *us);

#ifdef __cplusplus
}
#endif

#endif
