/* Builds journals, spoils their files at random, opens them again, and holds what comes back against a model:
 * what is intact is replayed unless nothing shows that it had been synced; nothing else is ever replayed; damage
 * is reported. What is wrong is named; the directory stays for a look. */
#include <ftw.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "tests/fuzz/driver.h"
#include "tests/fuzz/journal/model.h"

struct run {
	struct model m;
	struct journal *j;
	struct buf block;
	uint64_t head;
	uint64_t epoch;
};

static struct run run;

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static void wait_synced(uint64_t position)
{
	while (journal_synced(run.j) < position) {
		struct pollfd p = { .fd = journal_fd(run.j), .events = POLLIN };
		struct journal_status s;

		journal_status(run.j, &s);
		must(!s.failed);
		poll(&p, 1, 100);
		journal_woken(run.j);
	}
}

static void append_one(void)
{
	struct rng *rng = &run.m.rng;
	uint32_t n = (uint32_t)(rng_below(rng, 6) ? rng_below(rng, 2500) : rng_below(rng, 30000));
	uint64_t at = log_place(run.head, SEGMENT, n), bytes = log_block_bytes(n);

	buf_clear(&run.block);
	memset(buf_room(&run.block, bytes), 0, bytes);
	run.block.n = bytes;
	for (uint64_t i = 0; i < n; i++) /* runs of the same byte: some look like headers' zeros */
		run.block.p[LOG_BLOCK_HEADER + i] =
		    i % 64 ? run.block.p[LOG_BLOCK_HEADER + i - 1] : (uint8_t)rng_next(rng);
	journal_append(run.j, at, &run.block, n);
	model_add(&run.m, at, &run.block, n);
	run.head = at + bytes;
}

/* One life of a broker. */
static void live(void)
{
	struct rng *rng = &run.m.rng;
	uint64_t count = rng_below(rng, 60), each = 1 + rng_below(rng, 12);

	for (uint64_t i = 0; i < count && run.m.n + 1 < BLOCKS_MAX; i++) {
		append_one();
		if (i % each == 0)
			journal_commit(run.j);
		if (i % each == 0 && rng_below(rng, 2))
			wait_synced(run.head);
	}
	journal_commit(run.j);
	wait_synced(run.head);
	if (rng_below(rng, 4) == 0 && run.head >= 2 * SEGMENT) {
		uint64_t base = (run.head / SEGMENT - rng_below(rng, 2)) * SEGMENT;

		journal_trim(run.j, base);
		model_trim(&run.m, base);
	}
}

static const char *open_and_judge(bool read_only)
{
	struct journal_config config = { .dir = run.m.dir,
		                         .segment_bytes = SEGMENT,
		                         .memory_bytes = 1 << 20,
		                         .fsync_ms = FSYNC_NEVER,
		                         .buffer_bytes = 8 << 20,
		                         .read_only = read_only };
	static struct model saved;
	struct journal_found found;
	static char err[512];
	const char *why;

	model_look(&run.m);
	if (journal_open(&config, model_replay, &run.m, &found, &run.j, err) != 0)
		return err;
	saved = run.m;
	why = model_judge(&run.m, &found);
	if (read_only) { /* the judgement counts, but nothing was cut */
		run.m = saved;
		journal_close(run.j);
		return why;
	}
	run.head = found.head;
	run.epoch = rng_below(&run.m.rng, 4) ? run.epoch + 1 : 1; /* the caller may have lost count */
	if (why == NULL && journal_start(run.j, run.epoch, err) != 0)
		return err;
	return why;
}

static const char *one(struct rng *r)
{
	static char said[800];
	const char *why = NULL, *tmp = getenv("TMPDIR");
	uint64_t lives;

	run.m.n = 0;
	run.epoch = 0;
	run.m.rng = *r;
	snprintf(run.m.dir, sizeof run.m.dir, "%.40s/sheaf-fuzz-XXXXXX", tmp != NULL ? tmp : "/tmp");
	must(mkdtemp(run.m.dir) != NULL);
	lives = 1 + rng_below(&run.m.rng, 6);
	while (why == NULL && lives-- > 0) {
		uint64_t blows = rng_below(&run.m.rng, 3) ? 1 + rng_below(&run.m.rng, 4) : rng_below(&run.m.rng, 30);

		why = open_and_judge(false);
		if (why == NULL)
			live();
		journal_close(run.j);
		while (why == NULL && blows-- > 0)
			spoil(&run.m);
		if (why == NULL && rng_below(&run.m.rng, 3) == 0)
			why = open_and_judge(true);
	}
	if (why == NULL) {
		why = open_and_judge(false);
		journal_close(run.j);
	}
	if (why == NULL) {
		nftw(run.m.dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
		return NULL;
	}
	snprintf(said, sizeof said, "%.500s; see %s", why, run.m.dir);
	return said;
}

static void begin(void)
{
	log_setup("fuzz_journal", LOG_ERROR + 1); /* damage is what we are here for */
	buf_init(&run.block);
}

static const char *end(void)
{
	buf_fini(&run.block);
	return NULL;
}

const struct fuzzer fuzzer = { .name = "fuzz_journal", .begin = begin, .end = end, .one = one };
