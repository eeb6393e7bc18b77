/* The broker as a process: it starts from its disk, steps the core, freezes, crashes at any step. */
#include "tests/sim/broker_actor.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/topics.h"

#define SEGMENT (64 * KIB)

static void tick(void *ctx);
static void restart(void *ctx);
static void scan_next(void *ctx);
static void self_deliver(void *ctx, struct span frame);

struct broker *broker_new(struct world *w)
{
	struct broker *b = calloc(1, sizeof *b);

	must(b != NULL);
	b->w = w;
	b->room = msg_room_new();
	disk_init(&b->disk, w, SEGMENT);
	effects_init(&b->fx);
	timer_init(&b->tick, tick, b);
	timer_init(&b->restart, restart, b);
	timer_init(&b->scan, scan_next, b);
	list_init(&b->outbox);
	pipe_init(&b->self, w);
	b->self.deliver = self_deliver;
	b->self.ctx = b;
	b->self.frozen_until = &b->frozen_until;
	b->disk_cap = !w->calm && world_chance(w, 100) ? 24 * SEGMENT : 0;
	w->forgets |= b->disk_cap > 0;
	return b;
}

void broker_free(struct broker *b)
{
	pipe_cut(&b->self);
	broker_drop_outbox(b);
	core_free(b->core);
	effects_fini(&b->fx);
	disk_fini(&b->disk);
	msg_room_free(b->room);
	free(b);
}

bool broker_up(const struct broker *b)
{
	return b->state == BROKER_UP;
}

const uint64_t *broker_frozen(const struct broker *b)
{
	return &b->frozen_until;
}

const struct core *broker_core(const struct broker *b)
{
	return b->core;
}

struct disk *broker_disk(struct broker *b)
{
	return &b->disk;
}

static struct now now(const struct broker *b)
{
	return (struct now){ world_ms(b->w), world_wall(b->w) };
}

static void set_tick(struct broker *b)
{
	struct world *w = b->w;
	uint64_t ms = core_deadline(b->core), at;

	if (b->state != BROKER_UP)
		return;
	if (ms == UINT64_MAX) {
		timer_stop(w, &b->tick);
		return;
	}
	at = ms * MS > w->now_us + 20 ? ms * MS : w->now_us + 20;
	timer_at(w, &b->tick, at > b->frozen_until ? at : b->frozen_until + 3 * MS);
}

/* The log stays within its bound whenever the mover thinks that it is done. */
static void check_disk(struct broker *b)
{
	struct core_totals t;
	uint64_t used = b->disk.head - b->disk.tail;

	if (core_deadline(b->core) == 0 || b->scanning || b->trims_out > 0)
		return;
	core_totals(b->core, &t);
	if (used > 3 * t.live_bytes + 4 * SEGMENT)
		world_fail(b->w, "the log has %llu bytes for %llu live ones", (unsigned long long)used,
		           (unsigned long long)t.live_bytes);
}

static void check(struct broker *b, bool now_too)
{
	uint32_t each = b->w->options->check_each;

	b->steps++;
	b->w->totals->steps++;
	if (now_too || b->steps % each == 0) {
		core_check(b->core);
		check_disk(b);
	}
}

static void step(struct broker *b, const struct event *ev)
{
	oracle_step_begins(b->w->oracle, b->core);
	core_step(b->core, now(b), ev, &b->fx);
	oracle_step_ends(b->w->oracle, b->core, &b->fx);
	if (b->crash_in > 0 && --b->crash_in == 0) {
		/* in the middle: the facts may have reached the journal's memory, nothing has left */
		if (b->fx.n > 0 && b->fx.v[0].kind == FX_APPEND && world_chance(b->w, 500))
			disk_append(&b->disk, b->fx.block_at, &b->fx.block, b->fx.facts);
		broker_crash(b);
		return;
	}
	broker_carry_out(b);
	check(b, false);
	broker_flush(b);
	set_tick(b);
}

static void tick(void *ctx)
{
	struct broker *b = ctx;

	step(b, &(struct event){ .kind = EV_TICK });
}

/* ---- what arrives ---- */

/* Now and then somebody with another key has overheard a message and says the same: he gets a refusal, and nothing
 * comes of it. Hellos are not his to repeat: a session that nobody has yet is whoever's names it first. */
static void usurp(struct broker *b, struct event ev)
{
	enum { USURPER = 999 };
	uint32_t kind = ev.msg->h.kind;

	if (kind == MSG_CLIENT_HELLO || kind == MSG_WORKER_HELLO || !world_chance(b->w, 10))
		return;
	ev.principal = USURPER;
	ev.peer = USURPER;
	core_step(b->core, now(b), &ev, &b->fx);
	for (uint32_t i = 0; i < b->fx.n; i++) {
		const struct effect *e = &b->fx.v[i];
		bool refusal = (e->kind == FX_REPLY || e->kind == FX_CONTROL) && e->peer == USURPER &&
		               (e->u.msg->h.kind == MSG_NO_SESSION ||
		                (e->u.msg->h.kind == MSG_REPLY && e->u.msg->u.reply.error != SHEAF_OK));

		if (!refusal && e->kind != FX_LOG)
			world_fail(b->w, "a message of kind %u with another's key had effect %u", kind, e->kind);
	}
}

static void take_frame(struct conn *c, struct span frame, enum event_kind kind)
{
	struct world *w = c->up.w;
	struct broker *b = w->broker;
	struct event ev = { .kind = kind, .peer = c->route, .principal = c->principal };
	const char *why = "";
	struct msg m;

	if (b->state != BROKER_UP)
		world_fail(w, "a frame for a broker that is down");
	ev.error = msg_decode(frame, w->room, &m, &why);
	ev.msg = &m;
	world_note(w, "broker gets kind=%u session=%llx number=%llu bytes=%zu%s", m.h.kind,
	           (unsigned long long)m.h.session, (unsigned long long)m.h.number, frame.n,
	           ev.error != SHEAF_OK ? " malformed" : "");
	if (ev.error != SHEAF_OK) {
		if (kind == EV_OUTCOMES)
			return; /* the shell logs it: there is no way back */
		ev.kind = EV_MALFORMED;
		ev.from_worker = kind == EV_WORKER;
		ev.text = span_str(why);
	} else {
		usurp(b, ev);
	}
	step(b, &ev);
}

void broker_from_client(void *ctx, struct span frame)
{
	take_frame(ctx, frame, EV_CLIENT);
}

void broker_from_worker(void *ctx, struct span frame)
{
	take_frame(ctx, frame, EV_WORKER);
}

void broker_from_results(void *ctx, struct span frame)
{
	take_frame(ctx, frame, EV_OUTCOMES);
}

void broker_self(struct broker *b, enum self_kind kind, uint64_t session)
{
	struct self_note note = { kind, session };

	pipe_send(&b->self, span_of(&note, sizeof note));
}

static void self_deliver(void *ctx, struct span frame)
{
	struct broker *b = ctx;
	struct self_note note;
	struct event ev = { 0 };
	char endpoint[64];

	memcpy(&note, frame.p, sizeof note);
	ev.session = note.session;
	ev.flag = note.session != 0;
	switch ((enum self_kind)note.kind) {
	case SELF_SOCKET:
		ev.kind = EV_SOCKET;
		snprintf(endpoint, sizeof endpoint, "tcp://sim:%llu", (unsigned long long)note.session);
		if (!b->w->faults || !world_chance(b->w, 20))
			ev.text = span_str(endpoint);
		break;
	case SELF_UNREACHABLE:
		ev.kind = EV_UNREACHABLE;
		break;
	case SELF_PRESSURE:
		ev.kind = EV_PRESSURE;
		break;
	case SELF_SPACE:
		ev.kind = EV_SPACE;
		break;
	case SELF_FETCHED:
		ev.kind = EV_FETCHED;
		ev.flag = false;
		ev.facts = span_of(frame.p + sizeof note, frame.n - sizeof note);
		break;
	}
	world_note(b->w, "broker notes %llu %llx", (unsigned long long)note.kind, (unsigned long long)note.session);
	step(b, &ev);
}

void broker_pressure(struct broker *b, bool on)
{
	if (b->state == BROKER_UP && b->pressed != on) {
		b->pressed = on;
		bool space = world_chance(b->w, 300);

		b->w->forgets |= on && space;
		broker_self(b, space ? SELF_SPACE : SELF_PRESSURE, on);
		if (!on) { /* whichever it was */
			broker_self(b, SELF_PRESSURE, 0);
			broker_self(b, SELF_SPACE, 0);
		}
	}
}

/* Hands the core the next block of the segment that it wants moved. */
static void scan_next(void *ctx)
{
	struct broker *b = ctx;
	uint64_t end = b->scan_base + SEGMENT;
	uint32_t i = 0;

	if (b->frozen_until > b->w->now_us) {
		timer_at(b->w, &b->scan, b->frozen_until);
		return;
	}
	while (i < b->disk.n && b->disk.v[i].at < b->scan_at)
		i++;
	if (i < b->disk.n && b->disk.v[i].at < end) {
		struct disk_block *block = &b->disk.v[i];

		b->scan_at = block->at + 1;
		timer_at(b->w, &b->scan, b->w->now_us + (b->w->calm ? 50 : world_range(b->w, 10, MS)));
		step(b, &(struct event){
			    .kind = EV_MOVE, .position = block->at, .facts = span_of(block->p, block->facts) });
		return;
	}
	b->scanning = false;
	b->w->totals->moved++;
	step(b, &(struct event){ .kind = EV_MOVED, .position = b->scan_base });
}

void broker_synced(struct broker *b)
{
	if (b->state == BROKER_STARTING && b->disk.synced >= b->ready_at) {
		b->state = BROKER_UP;
		world_note(b->w, "broker ready epoch=%llu", (unsigned long long)core_epoch(b->core));
		net_broker_up(b->w);
		broker_flush(b);
		set_tick(b);
	} else if (b->state == BROKER_UP) {
		broker_flush(b); /* what waited for this may leave */
	}
}

/* ---- life and death ---- */

static void configure(struct broker *b, struct core_config *config)
{
	core_config_default(config);
	config->segment_bytes = SEGMENT;
	config->seed = rng_next(&b->w->rng);
	config->disk_cap = b->disk_cap;
	config->key_window_ms = b->w->key_window_ms;
	if (b->w->impatient)
		config->client_liveness_ms = 2500;
	config->results = "tcp://sim:results";
	config->workers = "tcp://sim:workers";
	config->software = "sim";
	if (b->w->small_keep) {
		config->keep_bytes = 20 * KIB;
		config->keep_ms = 5000;
	}
}

void broker_start(struct broker *b)
{
	struct core_config config;
	const char *why = "";

	configure(b, &config);
	b->core = core_new(&config);
	for (uint32_t i = 0; i < b->disk.n; i++)
		if (!core_replay(b->core, b->disk.v[i].at, span_of(b->disk.v[i].p, b->disk.v[i].facts), &why))
			world_fail(b->w, "replay of the block at %llu: %s", (unsigned long long)b->disk.v[i].at, why);
	b->state = BROKER_STARTING;
	b->pressed = false;
	core_start(b->core, now(b), b->disk.tail, b->disk.head, &b->fx);
	b->ready_at = b->fx.head;
	broker_carry_out(b);
	check(b, true);
	oracle_restarted(b->w->oracle, b->core);
}

static void restart(void *ctx)
{
	broker_start(ctx);
}

void broker_crash(struct broker *b)
{
	struct world *w = b->w;

	if (b->state == BROKER_DOWN)
		return;
	world_note(w, "broker crashes");
	w->totals->crashes++;
	oracle_crashed(w->oracle);
	topics_crashed(w->topics);
	if (b->state == BROKER_UP)
		net_broker_down(w);
	b->state = BROKER_DOWN;
	b->crash_in = 0;
	b->frozen_until = 0;
	b->scanning = false;
	timer_stop(w, &b->tick);
	timer_stop(w, &b->scan);
	pipe_cut(&b->self);
	broker_drop_outbox(b);
	core_free(b->core);
	b->core = NULL;
	disk_crash(&b->disk);
	timer_at(w, &b->restart,
	         w->now_us + (world_chance(w, 700) ? world_range(w, MS, 200 * MS) : world_range(w, MS, 6 * SEC)));
}

void broker_doom(struct broker *b, uint64_t steps)
{
	if (b->state == BROKER_UP)
		b->crash_in = steps;
}

void broker_freeze(struct broker *b, uint64_t until)
{
	if (b->state != BROKER_UP)
		return;
	b->frozen_until = until;
	set_tick(b);
}

bool broker_quiet(struct broker *b)
{
	return b->state == BROKER_UP && list_empty(&b->outbox) && b->disk.synced == b->disk.head && !b->scanning &&
	       core_deadline(b->core) > world_ms(b->w) + 500;
}

bool broker_idle(const struct broker *b)
{
	struct core_totals t;

	core_totals(b->core, &t);
	return t.jobs[JOB_READY] + t.jobs[JOB_RUNNING] + t.jobs[JOB_DELAYED] + t.jobs[JOB_BLOCKED] == 0;
}

void broker_final_check(struct broker *b)
{
	struct core_totals t;

	core_check(b->core);
	check_disk(b);
	core_totals(b->core, &t);
	if (t.jobs[JOB_READY] + t.jobs[JOB_RUNNING] > 0)
		world_fail(b->w, "%llu jobs are ready and %llu run at the end", (unsigned long long)t.jobs[JOB_READY],
		           (unsigned long long)t.jobs[JOB_RUNNING]);
}
