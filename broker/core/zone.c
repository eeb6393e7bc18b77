/* Reading TZif, and looking up; see zone.h. The rule at the file's end, for the time behind its table, is read in
 * zone_rule.c. */
#include "broker/core/zone.h"

#include <stdlib.h>
#include <string.h>

#include "broker/core/civil.h"
#include "broker/core/zone_rule.h"
#include "proto/limits.h"

enum { HEAD = 44, TYPE = 6, TYPES_MOST = 256 };

struct zone {
	uint32_t n;      /* changes */
	int64_t *at;     /* owned, growing */
	int32_t *offset; /* owned: from that change on */
	int32_t first;   /* before the first change */
	bool ruled;      /* `rule` holds from the last change on */
	struct zone_rule rule;
};

static uint64_t big(const uint8_t *p, unsigned n)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

/* What a header says: how many there are of each. */
struct counts {
	uint8_t version;
	uint32_t isut, isstd, leap, time, type, chars;
};

static bool read_head(struct span s, struct counts *k)
{
	if (s.n < HEAD || memcmp(s.p, "TZif", 4) != 0)
		return false;
	k->version = s.p[4];
	k->isut = (uint32_t)big(s.p + 20, 4);
	k->isstd = (uint32_t)big(s.p + 24, 4);
	k->leap = (uint32_t)big(s.p + 28, 4);
	k->time = (uint32_t)big(s.p + 32, 4);
	k->type = (uint32_t)big(s.p + 36, 4);
	k->chars = (uint32_t)big(s.p + 40, 4);
	return k->isut <= LIMIT_ZONE_BYTES && k->isstd <= LIMIT_ZONE_BYTES && k->leap <= LIMIT_ZONE_BYTES &&
	       k->time <= LIMIT_ZONE_BYTES && k->type >= 1 && k->type <= TYPES_MOST && k->chars <= LIMIT_ZONE_BYTES;
}

/* Bytes of the block behind a header; times take `width`. */
static size_t block_bytes(const struct counts *k, unsigned width)
{
	return (size_t)k->time * (width + 1) + (size_t)k->type * TYPE + k->chars + (size_t)k->leap * (width + 4) +
	       k->isstd + k->isut;
}

static bool good_offset(int64_t offset)
{
	return offset > -ZONE_OFFSET_MOST && offset < ZONE_OFFSET_MOST;
}

/* The table: `p` is the block behind the header, whose length was checked. */
static bool read_table(struct zone *z, const uint8_t *p, const struct counts *k, unsigned width)
{
	const uint8_t *types = p + (size_t)k->time * (width + 1), *which = p + (size_t)k->time * width;

	for (uint32_t i = 0; i < k->type; i++)
		if (!good_offset((int32_t)big(types + (size_t)i * TYPE, 4)))
			return false;
	z->first = (int32_t)big(types, 4);
	z->n = k->time;
	z->at = calloc(k->time + 1u, sizeof z->at[0]);
	z->offset = calloc(k->time + 1u, sizeof z->offset[0]);
	must(z->at != NULL && z->offset != NULL);
	for (uint32_t i = 0; i < k->time; i++) {
		uint64_t v = big(p + (size_t)i * width, width);

		z->at[i] = width == 4 ? (int32_t)v : (int64_t)v;
		if (which[i] >= k->type || (i > 0 && z->at[i] <= z->at[i - 1]) || z->at[i] < -ZONE_TIME_MOST ||
		    z->at[i] > ZONE_TIME_MOST)
			return false;
		z->offset[i] = (int32_t)big(types + (size_t)which[i] * TYPE, 4);
	}
	return true;
}

/* The line behind the second block: "\nCET-1CEST,M3.5.0,M10.5.0/3\n". An empty one says that nothing is known. */
static bool read_footer(struct zone *z, struct span s)
{
	const uint8_t *end;

	if (s.n < 2 || s.p[0] != '\n')
		return false;
	end = memchr(s.p + 1, '\n', s.n - 1);
	if (end == NULL)
		return false;
	z->ruled = end > s.p + 1;
	return !z->ruled || zone_rule_parse(span_of(s.p + 1, (size_t)(end - s.p) - 1), &z->rule);
}

static bool read_file(struct zone *z, struct span s, const char **why)
{
	struct counts k;
	unsigned width = 4;

	*why = "it is no file of a time zone";
	if (s.n > LIMIT_ZONE_BYTES || !read_head(s, &k) || s.n - HEAD < block_bytes(&k, width))
		return false;
	if (k.version >= '2') { /* the first block is for readers of long ago */
		size_t skip = HEAD + block_bytes(&k, width);

		s = span_of(s.p + skip, s.n - skip);
		width = 8;
		if (!read_head(s, &k) || s.n - HEAD < block_bytes(&k, width))
			return false;
	}
	if (k.leap > 0) {
		*why = "it counts leap seconds, which the clocks of computers do not: take the zone without 'right/'";
		return false;
	}
	if (!read_table(z, s.p + HEAD, &k, width))
		return false;
	return width == 4 ||
	       read_footer(z, span_of(s.p + HEAD + block_bytes(&k, width), s.n - HEAD - block_bytes(&k, width)));
}

struct zone *zone_parse(struct span bytes, const char **why)
{
	struct zone *z = calloc(1, sizeof *z);

	must(z != NULL);
	if (read_file(z, bytes, why))
		return z;
	zone_free(z);
	return NULL;
}

void zone_free(struct zone *z)
{
	if (z == NULL)
		return;
	free(z->at);
	free(z->offset);
	free(z);
}

static bool name_byte(uint8_t b)
{
	return (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') || (b >= '0' && b <= '9') || b == '_' || b == '+' ||
	       b == '-';
}

bool zone_name_ok(struct span name)
{
	uint8_t before = '/';

	if (name.n == 0 || name.n > LIMIT_NAME)
		return false;
	for (size_t i = 0; i < name.n; i++) {
		if (!name_byte(name.p[i]) && (name.p[i] != '/' || before == '/'))
			return false;
		before = name.p[i];
	}
	return before != '/';
}

bool zone_name_is_utc(struct span name)
{
	return name.n == 0 || span_eq(name, span_str("UTC"));
}

struct zone_part zone_part(const struct zone *z, int64_t t)
{
	uint32_t low = 0, high;
	struct zone_part part = { INT64_MIN, INT64_MAX, 0 };

	if (z == NULL)
		return part;
	for (high = z->n; low < high;) { /* the changes up to t */
		uint32_t middle = low + (high - low) / 2;

		if (z->at[middle] <= t)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == z->n && z->ruled) {
		part = zone_rule_part(&z->rule, t);
		if (z->n > 0 && part.from < z->at[z->n - 1])
			part.from = z->at[z->n - 1];
		return part;
	}
	part.offset = low > 0 ? z->offset[low - 1] : z->first;
	if (low > 0)
		part.from = z->at[low - 1];
	if (low < z->n)
		part.to = z->at[low];
	return part;
}

int64_t zone_instant(const struct zone *z, int64_t local)
{
	struct zone_part part = zone_part(z, local - ZONE_OFFSET_MOST); /* the wall shows less then */

	for (;;) {
		int64_t t = local - part.offset;

		if (t < part.from)
			return part.from; /* the clocks were put past it */
		if (t < part.to)
			return t;
		part = zone_part(z, part.to);
	}
}
