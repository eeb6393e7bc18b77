/* Feeds a core with logs of facts about topics that no broker wrote: in any order, of which parts are lost, with bytes
 * that were changed. A replay takes a log or refuses it; what it takes keeps every invariant, goes on living for a
 * while and can be replayed again with what that wrote. */
#include "base/crc32c.h"
#include "broker/core/core.h"
#include "broker/core/topic/fact.h"
#include "tests/fuzz/driver.h"

enum { BLOCKS = 64, TOPICS = 4, CHANNELS = 6, RUNS = 40, WALL = 1000000 };

/* A block of the log. */
struct block {
	uint64_t at;
	struct buf facts;
};

static struct block blocks[2 * BLOCKS];
static uint32_t n_blocks;
static struct rng rng;
static struct effects fx;
static uint64_t taken;

static uint64_t below(uint64_t n)
{
	return rng_below(&rng, n);
}

static struct span some_name(void)
{
	static const char *const names[] = { "a", "b", "c", "dead", "x#ephemeral" };

	return span_str(names[below(50) == 0 ? 4 : below(4)]);
}

static void put_messages(struct buf *b)
{
	struct fact_messages f = { .topic = (uint16_t)below(TOPICS),
		                   .flags = (uint8_t)(below(3) == 0 ? FACT_MOVED : 0),
		                   .count = 1 + (uint32_t)below(3),
		                   .session = below(3),
		                   .number = below(20),
		                   .floor = below(10),
		                   .time_ms = WALL - below(5000),
		                   .due_ms = below(3) == 0 ? WALL - 2000 + below(4000) : 0 };
	size_t begun = fact_begin(b, FACT_MESSAGES_PUT);
	uint64_t number = 1 + below(RUNS);

	if (below(30) == 0)
		f.flags |= FACT_EPHEMERAL;
	if (below(200) != 0) { /* else a run of two topics, which is refused */
		number = number / TOPICS * TOPICS + f.topic + 1;
		f.count = 1;
	}
	fact_put_messages(b, &f);
	for (uint32_t i = 0; i < f.count; i++) {
		uint8_t packed[5 * RUN_MESSAGES] = { 0 };
		uint8_t count = (uint8_t)(1 + (number + i) % RUN_MESSAGES);

		for (uint32_t k = 0; k < count; k++)
			packed[5 * k + 3] = 1;
		fact_put_run_rec(b, &(struct fact_run_rec){ number + i, count, crc32c(0, packed, 5u * count),
		                                            span_of(packed, 5u * count) });
	}
	fact_end(b, begun);
}

static void put_done(struct buf *b)
{
	size_t begun = fact_begin(b, FACT_MESSAGES_DONE);
	uint32_t n = 1 + (uint32_t)below(4);

	fact_put_count(b, (uint8_t)below(2), n);
	for (uint32_t i = 0; i < n; i++)
		fact_put_done_rec(b, &(struct fact_done_rec){ (uint16_t)below(CHANNELS), 1 + below(RUNS),
		                                              below(3) ? rng_next(&rng) | 1 : UINT64_MAX });
	fact_end(b, begun);
}

static void put_back(struct buf *b)
{
	size_t begun = fact_begin(b, FACT_MESSAGES_BACK);
	uint32_t n = 1 + (uint32_t)below(4);

	fact_put_count(b, (uint8_t)below(2), n);
	for (uint32_t i = 0; i < n; i++)
		fact_put_parcel_rec(b, &(struct fact_parcel_rec){ .channel = (uint16_t)below(CHANNELS),
		                                                  .run = 1 + below(RUNS),
		                                                  .mask = rng_next(&rng) | 1,
		                                                  .attempts = (uint32_t)below(5),
		                                                  .due_ms = below(2) ? WALL - 1000 + below(3000) : 0,
		                                                  .timed_out = below(2) });
	fact_end(b, begun);
}

static void put_one(struct buf *b)
{
	struct fact_topic t = { .index = (uint16_t)below(TOPICS),
		                .paused = below(3) == 0,
		                .flows = below(2),
		                .name = some_name(),
		                .passed = below(RUNS),
		                .passed_n = below(500),
		                .keep_ms = below(3) ? 0 : below(5000),
		                .keep_bytes = below(3) ? 0 : below(1000),
		                .messages = below(1000) };
	struct fact_channel ch = { .index = (uint16_t)below(CHANNELS),
		                   .topic = (uint16_t)below(TOPICS),
		                   .paused = below(3) == 0,
		                   .ordered = below(3) == 0,
		                   .name = some_name(),
		                   .dead = below(2) ? some_name() : span_str(""),
		                   .start = below(RUNS / 2),
		                   .attempts = (uint32_t)(below(2) ? 0 : 1 + below(3)) };
	struct fact_dropped d = { (uint16_t)below(TOPICS), 1 + below(RUNS / 2), 0 };
	uint64_t what = below(100);

	d.to = d.from + below(10);
	if (what < 40)
		put_messages(b);
	else if (what < 60)
		put_done(b);
	else if (what < 72)
		put_back(b);
	else if (what < 82)
		fact_put_topic(b, &t);
	else if (what < 93)
		fact_put_channel(b, &ch);
	else if (what < 95)
		fact_put_u64(b, FACT_CHANNEL_GONE, below(CHANNELS));
	else if (what < 96)
		fact_put_u64(b, FACT_TOPIC_GONE, below(TOPICS));
	else if (what < 98)
		fact_put_dropped(b, &d);
	else
		fact_put_meta(b,
		              &(struct fact_meta){ 1 + below(3), 1 + below(100), WALL - below(1000), 1 + below(RUNS) });
}

/* A byte that the block's CRC would have shown: it must do no harm all the same. */
static void spoil(struct buf *b)
{
	if (b->n > 0 && below(4) == 0)
		b->p[below(b->n)] ^= (uint8_t)(1u << below(8));
}

/* Appends the block to the log. Returns the new head. */
static uint64_t add(uint64_t head, struct span facts)
{
	struct block *b = &blocks[n_blocks++];

	must(n_blocks <= 2 * BLOCKS);
	b->at = log_place(head, DEFAULT_SEGMENT, facts.n);
	buf_clear(&b->facts);
	buf_put_span(&b->facts, facts);
	return b->at + log_block_bytes(facts.n);
}

static struct core *core_fresh(void)
{
	struct core_config config;

	core_config_default(&config);
	return core_new(&config);
}

/* True if the log is taken. */
static bool replay(struct core *c)
{
	const char *why;

	for (uint32_t i = 0; i < n_blocks; i++)
		if (!core_replay(c, blocks[i].at, buf_span(&blocks[i].facts), &why))
			return false;
	return true;
}

/* What the step has written. */
static uint64_t keep(uint64_t head)
{
	if (fx.facts == 0)
		return head;
	must(fx.block_at == log_place(head, DEFAULT_SEGMENT, fx.facts) && n_blocks < 2 * BLOCKS);
	return add(head, span_of(fx.block.p + LOG_BLOCK_HEADER, fx.facts));
}

/* Starts and lives. Returns the head. */
static uint64_t live(struct core *c, uint64_t head)
{
	struct now now = { 1000, WALL };

	core_start(c, now, 0, head, &fx);
	head = keep(head);
	core_check(c);
	for (int i = 0; i < 12; i++) {
		now.mono_ms += 300;
		now.wall_ms += 300;
		core_step(c, now, &(struct event){ .kind = EV_TICK }, &fx);
		head = keep(head);
		core_check(c);
	}
	return head;
}

static const char *one(struct rng *r)
{
	uint64_t head = 0, n = 1 + rng_below(r, BLOCKS / 2);
	bool spoilt = rng_below(r, 8) == 0;
	static struct buf facts;
	struct core *c;

	rng = *r;
	n_blocks = 0;
	for (uint64_t i = 0; i < n; i++) {
		buf_clear(&facts);
		for (uint64_t k = 1 + below(6); k > 0; k--)
			put_one(&facts);
		if (spoilt)
			spoil(&facts);
		head = add(head, buf_span(&facts));
	}
	c = core_fresh();
	if (!replay(c)) {
		core_free(c);
		return NULL;
	}
	taken++;
	head = live(c, head);
	core_free(c);
	c = core_fresh();
	must(replay(c));
	(void)live(c, head);
	core_free(c);
	return NULL;
}

static void begin(void)
{
	effects_init(&fx);
}

static const char *end(void)
{
	for (uint32_t i = 0; i < 2 * BLOCKS; i++)
		buf_fini(&blocks[i].facts);
	effects_fini(&fx);
	return taken > 0 ? NULL : "none of the logs was taken";
}

const struct fuzzer fuzzer = { .name = "fuzz_facts", .begin = begin, .end = end, .one = one };
