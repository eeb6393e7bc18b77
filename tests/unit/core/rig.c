/* See rig.h. */
#include "tests/unit/core/rig.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/core/trace.h"
#include "tests/unit/core/zonefile.h"

#define SEGMENT (64 * KIB)

static void carry_out(struct rig *r)
{
	for (uint32_t i = 0; i < r->fx.n; i++) {
		const struct effect *e = &r->fx.v[i];

		if (e->kind == FX_APPEND) {
			struct rig_block *b = &r->blocks[r->n_blocks++];

			ck_assert(i == 0 && r->n_blocks < RIG_BLOCKS);
			*b = (struct rig_block){ r->fx.block_at, r->fx.facts, malloc(r->fx.facts) };
			ck_assert_ptr_nonnull(b->p);
			memcpy(b->p, r->fx.block.p + LOG_BLOCK_HEADER, r->fx.facts);
		}
		if (e->kind == FX_NONCE)
			r->nonce = e->number;
		if (e->kind == FX_ZONE) {
			ck_assert_uint_lt(r->n_zones, RIG_ZONES);
			snprintf(r->zones[r->n_zones++], LIMIT_NAME + 1, "%s", e->u.zone);
		}
		if (e->kind == FX_FETCH) {
			ck_assert_uint_lt(r->n_fetches, RIG_FETCHES);
			r->fetches[r->n_fetches++] = (struct rig_fetch){ e->number, e->u.mask, e->stored };
		}
		if (e->kind == FX_MOVE)
			r->move = e->u.position + 1;
		if (e->kind == FX_TRIM)
			r->tail = e->u.position;
		if (!r->quiet)
			trace_effect(r, e);
	}
	core_check(r->core);
}

/* What the shell does: reads the zones that the core wants. */
static void read_zones(struct rig *r)
{
	for (uint32_t i = 0; i < r->n_zones; i++) {
		struct event ev = { .kind = EV_ZONE, .text = span_str(r->zones[i]), .flag = true };
		char path[200];
		struct buf b;

		buf_init(&b);
		snprintf(path, sizeof path, "%s/%s", ZONES, r->zones[i]);
		ev.flag = r->no_zones || !zonefile_read(path, &b);
		ev.facts = ev.flag ? span_str("there is none") : buf_span(&b);
		core_step(r->core, r->now, &ev, &r->fx);
		carry_out(r);
		buf_fini(&b);
	}
	r->n_zones = 0;
}

struct span rig_bytes(const struct rig *r, const struct log_bytes *at)
{
	for (uint32_t i = 0; i < r->n_blocks; i++) {
		const struct rig_block *b = &r->blocks[i];

		if (at->position >= b->at + LOG_BLOCK_HEADER &&
		    at->position + at->length <= b->at + LOG_BLOCK_HEADER + b->facts)
			return span_of(b->p + (at->position - b->at - LOG_BLOCK_HEADER), at->length);
	}
	ck_abort_msg("bytes that the log does not hold");
}

/* The same: hands in the messages that the core wants, one packed message each. */
static void fetch(struct rig *r)
{
	struct rig_fetch v[RIG_FETCHES];
	uint32_t n = r->n_fetches;

	memcpy(v, r->fetches, sizeof v);
	r->n_fetches = 0;
	for (uint32_t i = 0; i < n; i++) {
		struct event ev = { .kind = EV_FETCHED, .session = v[i].token, .flag = r->bad_reads };
		struct span all = rig_bytes(r, &v[i].stored);
		uint32_t place = (uint32_t)__builtin_ctzll(v[i].mask), size = 0;

		for (uint32_t k = 0; k <= place; k++) {
			all = k > 0 ? span_of(all.p + 4 + size, all.n - 4 - size) : all;
			size = (uint32_t)all.p[2] << 8 | all.p[3];
		}
		ev.facts = span_of(all.p, 4 + size);
		core_step(r->core, r->now, &ev, &r->fx);
		carry_out(r);
	}
}

void rig_init(struct rig *r)
{
	*r = (struct rig){ .now = { 1000, RIG_WALL_MS }, .held_state = HELD_RUNNING };
	core_config_default(&r->config);
	r->config.segment_bytes = SEGMENT;
	buf_init(&r->trace);
	effects_init(&r->fx);
	r->core = core_new(&r->config);
	core_start(r->core, r->now, 0, 0, &r->fx);
	carry_out(r);
}

void rig_fini(struct rig *r)
{
	core_free(r->core);
	effects_fini(&r->fx);
	buf_fini(&r->trace);
	for (uint32_t i = 0; i < r->n_blocks; i++)
		free(r->blocks[i].p);
}

void rig_expect(struct rig *r, const char *trace)
{
	buf_put_u8(&r->trace, 0);
	ck_assert_str_eq((const char *)r->trace.p, trace);
	buf_clear(&r->trace);
}

void rig_forget(struct rig *r)
{
	buf_clear(&r->trace);
}

bool rig_has(const struct rig *r, const char *text)
{
	return r->trace.n > 0 && memmem(r->trace.p, r->trace.n, text, strlen(text)) != NULL;
}

void rig_step(struct rig *r, const struct event *ev)
{
	core_step(r->core, r->now, ev, &r->fx);
	carry_out(r);
	read_zones(r);
	fetch(r);
	/* the end of the shell's turn: what the core wants done at once */
	for (int i = 0; i < 1000 && core_deadline(r->core) == 0; i++) {
		core_step(r->core, r->now, &(struct event){ .kind = EV_TICK }, &r->fx);
		carry_out(r);
		fetch(r);
	}
}

void rig_pass(struct rig *r, uint64_t ms)
{
	uint64_t end = r->now.mono_ms + ms;

	for (int i = 0; i < 100000; i++) {
		uint64_t at = core_deadline(r->core);

		if (at > end)
			break;
		if (at > r->now.mono_ms) {
			r->now.wall_ms += at - r->now.mono_ms;
			r->now.mono_ms = at;
		}
		rig_step(r, &(struct event){ .kind = EV_TICK });
	}
	r->now.wall_ms += end - r->now.mono_ms;
	r->now.mono_ms = end;
}

void rig_restart(struct rig *r, bool trimmed)
{
	uint64_t tail = trimmed ? r->tail : 0, head = 0;
	const char *why = "";
	uint32_t n = r->n_blocks;

	core_free(r->core);
	r->core = core_new(&r->config);
	for (uint32_t i = 0; i < n; i++) {
		const struct rig_block *b = &r->blocks[i];

		head = b->at + log_block_bytes(b->facts);
		if (b->at >= tail)
			ck_assert_msg(core_replay(r->core, b->at, span_of(b->p, b->facts), &why), "%s", why);
	}
	memset(r->results, 0, sizeof r->results);
	r->move = 0;
	core_start(r->core, r->now, tail, head, &r->fx);
	carry_out(r);
	read_zones(r);
}

void rig_keep_blocks(struct rig *r, uint32_t n)
{
	while (r->n_blocks > n)
		free(r->blocks[--r->n_blocks].p);
}

void rig_scan(struct rig *r)
{
	uint64_t base = r->move - 1;
	uint32_t n = r->n_blocks;

	ck_assert_uint_ne(r->move, 0);
	r->move = 0;
	for (uint32_t i = 0; i < n; i++)
		if (r->blocks[i].at / SEGMENT == base / SEGMENT)
			rig_step(r, &(struct event){ .kind = EV_MOVE,
			                             .position = r->blocks[i].at,
			                             .facts = span_of(r->blocks[i].p, r->blocks[i].facts) });
	rig_step(r, &(struct event){ .kind = EV_MOVED, .position = base });
}

void rig_describe(struct rig *r)
{
	struct core_totals t;
	char line[160];

	rig_client(r, 9);
	rig_request(r, 9, 1000000 + r->now.mono_ms, MSG_QUEUE_LIST, (struct msg){ 0 });
	core_totals(r->core, &t);
	snprintf(line, sizeof line, "batches=%llu\n", (unsigned long long)t.batches);
	buf_put_span(&r->trace, span_str(line));
}

int rig_suite(const char *name, void (*setup)(void), void (*teardown)(void), const TTest *const *tests, size_t n)
{
	Suite *s = suite_create(name);
	TCase *t = tcase_create(name);
	SRunner *runner;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, setup, teardown);
	for (size_t i = 0; i < n; i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
