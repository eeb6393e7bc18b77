/* See model.h. */
#include "tests/fuzz/journal/model.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/le.h"

void model_add(struct model *m, uint64_t at, const struct buf *block, uint32_t n)
{
	must(m->n < BLOCKS_MAX);
	m->v[m->n++] = (struct made){ .fate = LIVE,
		                      .at = at,
		                      .epoch = le_get64(block->p + 16),
		                      .synced = le_get64(block->p + 32),
		                      .began = le_get64(block->p + 40),
		                      .n = n,
		                      .crc = crc32c(0, block->p, LOG_BLOCK_HEADER + (size_t)n) };
}

void model_look(struct model *m)
{
	static uint8_t p[SEGMENT];
	uint64_t number = UINT64_MAX;
	ssize_t got = -1;

	for (uint32_t i = 0; i < m->n; i++) {
		struct made *b = &m->v[i];
		uint64_t at = b->at % SEGMENT, end = at + LOG_BLOCK_HEADER + b->n;

		if (b->at / SEGMENT != number) {
			char path[256];
			int fd;

			number = b->at / SEGMENT;
			spoil_path(m, path, number);
			fd = open(path, O_RDONLY | O_CLOEXEC);
			memset(p, 0, sizeof p); /* a file that was cut counts as zeros from there on */
			got = fd < 0 ? -1 : pread(fd, p, sizeof p, 0);
			if (fd >= 0)
				close(fd);
		}
		b->intact = got >= 0 && crc32c(0, p + at, end - at) == b->crc;
		b->given = 0;
	}
	m->last = 0;
	m->wrong = false;
}

bool model_replay(void *ctx, uint64_t position, struct span facts, const char **why)
{
	struct model *m = ctx;
	bool known = false;

	(void)why;
	for (uint32_t i = 0; i < m->n; i++) {
		struct made *b = &m->v[i];

		/* the header stands before the facts */
		if (b->at == position && b->n == facts.n && b->intact &&
		    crc32c(0, facts.p - LOG_BLOCK_HEADER, LOG_BLOCK_HEADER + facts.n) == b->crc) {
			b->given++;
			known = true;
			break;
		}
	}
	if (!known || (m->last != 0 && position <= m->last))
		m->wrong = true;
	m->last = position;
	return true;
}

/* Something intact shows that this block was cut before. */
static bool known_dead(const struct model *m, const struct made *dead)
{
	for (uint32_t i = 0; i < m->n; i++)
		if (m->v[i].fate == LIVE && m->v[i].intact && m->v[i].epoch > dead->epoch && m->v[i].began <= dead->at)
			return true;
	return false;
}

/* Something intact shows that the log went on behind its new head. */
static bool wrongly_cut(const struct model *m, uint64_t head)
{
	if (head % SEGMENT == 0)
		head += LOG_SEGMENT_HEADER; /* where the first block goes */
	for (uint32_t i = 0; i < m->n; i++)
		if (m->v[i].fate == LIVE && m->v[i].intact && m->v[i].at >= head && m->v[i].synced > head)
			return true;
	return false;
}

const char *model_judge(struct model *m, const struct journal_found *found)
{
	bool lost = false;

	if (m->wrong)
		return "a replayed block was never appended, or is out of order";
	if (wrongly_cut(m, found->head))
		return "the log was cut although a block behind the cut shows that it was synced";
	for (uint32_t i = 0; i < m->n; i++) {
		struct made *b = &m->v[i];

		if (b->given > 1)
			return "a block was replayed twice";
		if (b->fate == LIVE && b->intact && !b->given && b->at < found->head)
			return "an intact block was not replayed";
		if (b->fate == DEAD && b->given && known_dead(m, b))
			return "a block that was cut came back";
		if (b->fate == LIVE && !b->given && b->at < found->head && b->at >= found->tail)
			lost = true;
	}
	if (lost && found->damaged == 0)
		return "damage was not reported";
	for (uint32_t i = 0; i < m->n; i++)
		m->v[i].fate = m->v[i].given ? LIVE : DEAD;
	return NULL;
}

void model_trim(struct model *m, uint64_t base)
{
	for (uint32_t i = 0; i < m->n; i++)
		if (m->v[i].at < base && m->v[i].fate == LIVE)
			m->v[i].fate = TRIMMED;
}
