/* One world under one seed: the real core, codec, and session machines with a virtual clock, a network, a disk
 * and faults. Everything that happens is a timer of the world; nothing here reads a real clock, and no address
 * takes part in a decision, so a seed gives the same run every time. */
#ifndef SHEAF_TESTS_SIM_SIM_H
#define SHEAF_TESTS_SIM_SIM_H

#include "base/buf.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/rand.h"
#include "broker/core/core.h"
#include "broker/core/log.h"
#include "proto/codec.h"

#define MS    ((uint64_t)1000) /* virtual time is in microseconds */
#define SEC   (1000 * MS)
#define NEVER UINT64_MAX

/* The names of workers with an even number, and of the others: what drains one drains all of its name. */
#define SIM_WORKER_EVEN "even"
#define SIM_WORKER_ODD  "odd"

enum { SIM_CLIENTS = 5, SIM_WORKERS = 5, SIM_QUEUES = 3, SIM_TOPIC_ACTORS = 5 };
enum { SIM_RACE_QUEUE = 2 /* where jobs are raced */, SIM_REPLICAS = 4, SIM_MOST_ATTEMPTS = 3 };

struct world;
struct broker;
struct worker_actor;
struct client_actor;
struct oracle;
struct topic_actor;
struct topic_oracle;

/* Something that happens at a time; its owner embeds it and knows what `fn` makes of `ctx`. */
struct timer {
	struct heap_item item;
	void (*fn)(void *ctx);
	void *ctx; /* borrowed */
};

/* ---- net.c: connections, each two pipes that keep their order; a reset loses what is under way ---- */

enum conn_kind { CONN_CLIENT, CONN_CONTROL, CONN_JOBS, CONN_RESULTS };

/* Takes a frame that has arrived. */
typedef void deliver_fn(void *ctx, struct span frame);

struct pipe {
	struct world *w;
	struct list frames; /* struct frame, in order */
	struct timer timer; /* when the first one arrives */
	uint64_t last_due;
	uint64_t blocked_until;       /* NEVER: there is nobody at the other end */
	const uint64_t *frozen_until; /* of whoever receives; borrowed */
	deliver_fn *deliver;          /* NULL: into the void */
	void *ctx;
};

struct conn {
	struct list link; /* in world.conns */
	enum conn_kind kind;
	uint64_t route;     /* the broker's name of it; another one after each reset. JOBS: the worker session */
	bool open;          /* the peer has it open */
	uint32_t principal; /* whose key it came with */
	uint64_t sent;      /* JOBS: the highest number that the broker gave out */
	struct pipe up;     /* to the broker */
	struct pipe down;
};

void pipe_send(struct pipe *p, struct span frame);
/* Loses what is under way. */
void pipe_cut(struct pipe *p);
/* What is sent, or under way, waits until then. */
void pipe_block(struct pipe *p, uint64_t until);

void pipe_init(struct pipe *p, struct world *w);
struct conn *conn_new(struct world *w, enum conn_kind kind);
/* The connection breaks and is made anew by itself, as ZeroMQ does: both directions lose what is under way and the
 * broker knows it by a new route. */
void conn_reset(struct world *w, struct conn *c, uint64_t down_us);
/* The peer closes it: what it had sent may still arrive, or not. */
void conn_close(struct world *w, struct conn *c);
struct conn *conn_by_route(struct world *w, enum conn_kind kind, uint64_t route);
void net_fini(struct world *w);
/* The broker is gone, or back. */
void net_broker_down(struct world *w);
void net_broker_up(struct world *w);

/* ---- disk.c: a journal in memory that tears at a crash ---- */

struct disk_block {
	uint64_t at;    /* of the block's header */
	uint32_t facts; /* bytes */
	uint8_t *p;     /* owned: the facts */
};

struct disk {
	struct world *w;
	uint64_t segment_bytes;
	struct disk_block *v; /* owned, by position */
	uint32_t n, cap;
	uint64_t head;      /* of what was appended */
	uint64_t synced;    /* position */
	uint64_t syncing;   /* position that the sync under way reaches; 0 = none is */
	uint64_t tail;      /* what was told to be trimmed */
	uint64_t disk_tail; /* what is really gone */
	struct timer sync_timer;
	struct timer trim_timer;
	uint64_t syncs, trims;
	bool slow; /* syncs take long for a while */
};

void disk_init(struct disk *d, struct world *w, uint64_t segment_bytes);
void disk_fini(struct disk *d);
void disk_append(struct disk *d, uint64_t at, const struct buf *block, uint32_t facts);
/* Bytes at a position; they must be there: a wrong trim shows here. */
struct span disk_bytes(struct disk *d, uint64_t at, uint32_t n, uint32_t crc);
void disk_trim(struct disk *d, uint64_t base);
/* The machine loses power: of what was not synced each block is there or not; recovery keeps what stands before
 * the first hole. */
void disk_crash(struct disk *d);

/* ---- broker_actor.c, broker_out.c ---- */

struct broker *broker_new(struct world *w);
void broker_free(struct broker *b);
void broker_start(struct broker *b);
void broker_crash(struct broker *b);
/* It crashes in the middle of the n-th step from now. */
void broker_doom(struct broker *b, uint64_t steps);
void broker_freeze(struct broker *b, uint64_t until);
const uint64_t *broker_frozen(const struct broker *b);
/* Frames that arrive; ctx: the struct conn. */
void broker_from_client(void *ctx, struct span frame);
void broker_from_worker(void *ctx, struct span frame);
void broker_from_results(void *ctx, struct span frame);
bool broker_up(const struct broker *b);
void broker_synced(struct broker *b); /* from disk.c */
void broker_pressure(struct broker *b, bool on);
/* Every frame has left, nothing is to be written, and the core wants no time within a second. */
bool broker_quiet(struct broker *b);
/* No job waits or runs. */
bool broker_idle(const struct broker *b);
void broker_final_check(struct broker *b);
const struct core *broker_core(const struct broker *b);
struct disk *broker_disk(struct broker *b);

/* ---- worker_actor.c, client_actor.c ---- */

struct worker_actor *worker_new_actor(struct world *w, uint32_t index);
void worker_free_actor(struct worker_actor *a);
void worker_start(struct worker_actor *a);
void worker_kill(struct worker_actor *a);
void worker_freeze(struct worker_actor *a, uint64_t until);
void worker_reset(struct worker_actor *a);       /* one of its connections breaks */
void worker_drain_actor(struct worker_actor *a); /* SIGTERM */
bool worker_alive(const struct worker_actor *a);

struct client_actor *client_new_actor(struct world *w, uint32_t index);
void client_free_actor(struct client_actor *a);
void client_start_actor(struct client_actor *a);
void client_kill(struct client_actor *a);
void client_reset(struct client_actor *a);
bool client_alive(const struct client_actor *a);
/* No more work: what is outstanding is awaited. */
void client_stop_work(struct client_actor *a);
/* Awaits a job that somebody else submitted. */
void client_await_job(struct client_actor *a, uint64_t id);
bool client_settled(const struct client_actor *a);
/* Resumes every queue, ends what limits it, and what redrives. */
void client_resume_all(struct client_actor *a);

/* ---- payloads ---- */

enum behaviour { DO_ECHO, DO_FAIL, DO_KILLED, DO_FLAKY, DO_MURDER };

/* The head of each payload: what the handler shall do. */
struct task {
	uint64_t tag; /* one per job */
	uint32_t run_ms;
	uint32_t behaviour;
};

/* The wall clock of everybody, in milliseconds. */
uint64_t world_wall(const struct world *w);

/* ---- oracle.c: a naive model of what everybody saw ---- */

struct oracle *oracle_new(struct world *w);
void oracle_free(struct oracle *o);
/* A job that somebody wants. */
struct wanted {
	uint32_t behaviour;
	uint32_t attempts; /* 0: the queue's */
	uint32_t queue;
	uint32_t priority;
	uint64_t not_before; /* wall clock: it may not run earlier; 0 = whenever */
	uint64_t ends_from;  /* wall clock: it may expire from then on; 0 = never */
	uint64_t ends_by;    /* wall clock: nor be granted then; 0 = not known that well */
	bool leased;         /* its lease has a time of its own */
	bool shared;         /* it is of a tenant or a group */
	uint32_t race;       /* replicas; 0 = it is no race */
	uint32_t key;        /* its key in its queue; 0 = none */
	uint64_t after;      /* the job that it follows, or 0 */
	bool after_any;      /* however that ends */
};
/* Returns its tag, which its payload carries. */
uint64_t oracle_post(struct oracle *o, const struct wanted *wanted);
void oracle_accepted(struct oracle *o, uint64_t tag, uint64_t id);
/* The batch is complete whose `then` job has this tag: it must be there. */
void oracle_then_due(struct oracle *o, uint64_t tag);
void oracle_refused(struct oracle *o, uint64_t tag);
/* The n jobs with the tags from `first` on are submitted together. */
void oracle_all_posted(struct oracle *o, uint64_t first, uint32_t n);
void oracle_all_accepted(struct oracle *o, uint64_t first, const uint64_t *ids, uint32_t n);
void oracle_all_refused(struct oracle *o, uint64_t first, enum sheaf_error e);
/* The tag of a job: its header `tag`, if several have its payload, else what the payload says. */
uint64_t oracle_tag(const struct msg_job_rec *r);
/* A grant has left the broker. */
void oracle_granted(struct oracle *o, uint64_t session, const struct msg_job_rec *r);
/* The core has just granted this job: nothing better may be ready in its queue. */
void oracle_in_order(struct oracle *o, const struct core *core, uint64_t id);
/* A handler has come to its end. */
void oracle_ran(struct oracle *o, uint64_t id, uint64_t token);
/* What the handler of this job returns in the run with this token. */
struct span oracle_answer(uint64_t tag, uint64_t token, uint8_t out[24]);
void oracle_result(struct oracle *o, const struct msg_result_rec *r);
/* Somebody asks for the end of this job. */
void oracle_cancel_asked(struct oracle *o, uint64_t id);
uint64_t oracle_cancels(const struct oracle *o);
void oracle_purge_asked(struct oracle *o, uint32_t queue);
void oracle_delete_asked(struct oracle *o, uint32_t queue);
/* That some dead letters of the queue are made ready again; that this one is. */
void oracle_redrive_asked(struct oracle *o, uint32_t queue);
void oracle_retry_asked(struct oracle *o, uint64_t id);
/* That some are forgotten, by a purge or by their age. */
void oracle_dead_purge_asked(struct oracle *o, uint32_t queue);
/* A job that somebody saw dead, or 0. */
uint64_t oracle_some_dead(struct oracle *o);
/* Its jobs may have a lease. */
void oracle_lease_set(struct oracle *o, uint32_t queue);
/* Around each step of the core. */
void oracle_step_begins(struct oracle *o, const struct core *core);
void oracle_step_ends(struct oracle *o, const struct core *core, const struct effects *fx);
void oracle_crashed(struct oracle *o);
/* A broker has started from its disk: everything that anybody knows must be there. */
void oracle_restarted(struct oracle *o, const struct core *core);
/* Calls fn for each accepted job whose end nobody has seen. */
void oracle_each(struct oracle *o, void (*fn)(void *ctx, uint64_t id), void *ctx);
/* Every accepted job has ended, the way it had to. */
void oracle_final(struct oracle *o);
uint64_t oracle_jobs(const struct oracle *o);
/* Whether some accepted job has no result that anybody saw. */
bool oracle_complete(const struct oracle *o);

/* ---- world.c ---- */

struct sim_totals {
	uint64_t events, steps, jobs, messages, deliveries, crashes, resets, kills, freezes, grants, moved, trims,
	    regranted;
};

struct sim_options {
	uint64_t steps; /* most events of a seed; 0 = the usual */
	bool trace;
	bool verbose;
	uint32_t check_each; /* core_check after each n-th step */
};

struct world {
	uint64_t seed;
	const struct sim_options *options;
	struct sim_totals *totals;
	struct rng rng;
	uint64_t now_us;
	uint64_t order; /* of timers that are due at the same time */
	uint64_t hash;  /* over all that happened */
	struct heap timers;
	struct list conns;
	uint64_t next_route;
	bool calm;   /* a seed without faults */
	bool faults; /* they happen now */
	uint64_t key_window_ms;
	bool small_keep; /* results are not kept for long */
	bool impatient;  /* clients that are silent are soon taken for dead */
	bool forgets;    /* results may go before their time: small_keep, or the disk has no room */
	struct timer fault_timer;
	struct broker *broker;
	struct worker_actor *workers[SIM_WORKERS];
	struct client_actor *clients[SIM_CLIENTS];
	struct oracle *oracle;
	struct topic_actor *actors[SIM_TOPIC_ACTORS];
	struct topic_oracle *topics;
	struct msg_room *room;
};

/* Runs one seed; ends the program with a message if anything is wrong. Returns the hash of what happened. */
uint64_t world_run(uint64_t seed, const struct sim_options *options, struct sim_totals *totals);

void timer_at(struct world *w, struct timer *t, uint64_t at_us);
void timer_stop(struct world *w, struct timer *t);
static inline void timer_init(struct timer *t, void (*fn)(void *ctx), void *ctx)
{
	*t = (struct timer){ .fn = fn, .ctx = ctx };
}

static inline uint64_t world_ms(const struct world *w)
{
	return w->now_us / MS;
}

/* A number from lo to hi. */
static inline uint64_t world_range(struct world *w, uint64_t lo, uint64_t hi)
{
	return lo + rng_below(&w->rng, hi - lo + 1);
}

/* True `n` times of 1000. */
static inline bool world_chance(struct world *w, uint32_t n)
{
	return rng_below(&w->rng, 1000) < n;
}

/* Notes what happens: into the hash, and on stdout with --trace. */
__attribute__((format(printf, 2, 3))) void world_note(struct world *w, const char *format, ...);

/* Something is wrong: says so, with the command that repeats it, and ends the program. */
__attribute__((format(printf, 2, 3))) _Noreturn void world_fail(struct world *w, const char *format, ...);

#endif
