/* See block.h. */
#include "broker/journal/block.h"

#include "base/crc32c.h"
#include "base/le.h"

static const uint32_t MAGIC = 0x66656853; /* "Shef" */

static uint32_t checksum(const uint8_t *p, uint32_t facts)
{
	static const uint8_t none[4];
	uint32_t crc = crc32c(0, p, 12);

	crc = crc32c(crc, none, sizeof none);
	return crc32c(crc, p + 16, LOG_BLOCK_HEADER - 16 + (size_t)facts);
}

void block_seal(uint8_t *p, const struct block *b)
{
	memset(p, 0, LOG_BLOCK_HEADER);
	le_put32(p, MAGIC);
	p[4] = BLOCK_VERSION;
	p[5] = (uint8_t)b->type;
	le_put32(p + 8, b->facts);
	le_put64(p + 16, b->epoch);
	le_put64(p + 24, b->position);
	le_put64(p + 32, b->synced);
	le_put64(p + 40, b->began);
	le_put32(p + 12, checksum(p, b->facts));
}

enum block_verdict block_open(const uint8_t *p, size_t n, uint64_t position, struct block *b)
{
	uint32_t facts;

	if (n < LOG_BLOCK_HEADER || le_get32(p) != MAGIC || le_get64(p + 24) != position)
		return BLOCK_BAD;
	facts = le_get32(p + 8);
	if (facts > n - LOG_BLOCK_HEADER || le_get32(p + 12) != checksum(p, facts))
		return BLOCK_BAD;
	if (p[4] > BLOCK_VERSION)
		return BLOCK_NEWER;
	*b = (struct block){ p[5], facts, le_get64(p + 16), position, le_get64(p + 32), le_get64(p + 40) };
	return b->type == BLOCK_FACTS || b->type == BLOCK_END ? BLOCK_GOOD : BLOCK_BAD;
}
