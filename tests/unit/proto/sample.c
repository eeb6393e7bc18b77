/* See sample.h. */
#include "tests/unit/proto/sample.h"

#include <stdlib.h>

enum { SAMPLE_BYTES = 1 << 22, SAMPLE_LIST = 40, SAMPLE_SPAN = 400 };

void sample_init(struct sample *s, uint64_t seed)
{
	*s = (struct sample){ .bytes = malloc(SAMPLE_BYTES) };
	must(s->bytes != NULL);
	rng_seed(&s->rng, seed);
}

void sample_fini(struct sample *s)
{
	free(s->bytes);
	s->bytes = NULL;
}

static uint8_t *take(struct sample *s, size_t n)
{
	uint8_t *p = s->bytes + s->used;

	must(n <= SAMPLE_BYTES - s->used);
	s->used += (n + 15) & ~(size_t)15;
	return p;
}

/* A number in [min, max], as often small as large, often at an edge. */
static uint64_t number(struct sample *s, uint64_t min, uint64_t max)
{
	uint64_t v = rng_next(&s->rng) >> rng_below(&s->rng, 64);

	if (rng_below(&s->rng, 8) == 0)
		return rng_below(&s->rng, 2) ? min : max;
	if (max - min == UINT64_MAX)
		return v;
	return min + v % (max - min + 1);
}

static size_t length(struct sample *s, size_t min, size_t max)
{
	return number(s, min, max < SAMPLE_SPAN ? max : SAMPLE_SPAN);
}

static struct span text(struct sample *s, size_t n, const char *letters)
{
	uint8_t *p = take(s, n);
	size_t choice = strlen(letters);

	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)letters[rng_below(&s->rng, choice)];
	return span_of(p, n);
}

static struct span binary(struct sample *s, size_t n)
{
	uint8_t *p = take(s, n);

	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)rng_next(&s->rng);
	return span_of(p, n);
}

static struct span headers(struct sample *s)
{
	uint8_t *p = take(s, 8 * 16);
	size_t n = 0;

	for (uint64_t left = rng_below(&s->rng, 8); left > 0; left--) {
		memcpy(p + n, "Na_me-9=va=lue", 15);
		p[n + rng_below(&s->rng, 7)] = (uint8_t)('a' + rng_below(&s->rng, 26));
		n += 15;
	}
	return span_of(p, n);
}

/* What a field has at least; an optional one says something if the sample is to be whole. */
static uint64_t least(const struct sample *s, const struct field *f)
{
	return f->optional && s->whole && f->min == 0 ? 1 : f->min;
}

static void fill_fields(struct sample *s, const struct field *f, uint32_t n, uint8_t *base);

static void fill_list(struct sample *s, const struct field *f, uint8_t *base)
{
	uint32_t n = (uint32_t)number(s, least(s, f), f->max < SAMPLE_LIST ? f->max : SAMPLE_LIST);
	uint8_t *v = take(s, (size_t)n * f->record->size);

	for (uint32_t i = 0; i < n; i++) {
		memset(v + (size_t)i * f->record->size, 0, f->record->size);
		fill_fields(s, f->record->fields, f->record->n, v + (size_t)i * f->record->size);
	}
	memcpy(base + f->at, &v, sizeof v);
	memcpy(base + f->count_at, &n, sizeof n);
}

static struct span make_span(struct sample *s, const struct field *f)
{
	switch (f->type) {
	case FIELD_QUEUE:
		return text(s, length(s, 1, f->max), "abcxyz0123456789");
	case FIELD_NAME:
		return text(s, length(s, least(s, f), f->max), "!abcXYZ.~{}");
	case FIELD_TOPIC:
		return text(s, length(s, least(s, f), f->max), "abcXYZ019._-");
	case FIELD_TEXT:
		return text(s, length(s, least(s, f), f->max), "tcp://*:7 ");
	case FIELD_HEADERS:
		return headers(s);
	default:
		return binary(s, length(s, least(s, f), f->max));
	}
}

static void fill_number(struct sample *s, const struct field *f, uint8_t *to)
{
	uint64_t v = number(s, least(s, f), f->max);
	uint32_t narrow = (uint32_t)v;

	if (f->type == FIELD_I32)
		narrow = (uint32_t)(0 - number(s, 0, UINT32_MAX));
	if (f->type == FIELD_U32 || f->type == FIELD_I32)
		memcpy(to, &narrow, sizeof narrow);
	else
		memcpy(to, &v, sizeof v);
}

static void fill_field(struct sample *s, const struct field *f, uint8_t *base)
{
	struct span span;

	switch (f->type) {
	case FIELD_U32:
	case FIELD_U64:
	case FIELD_WIDE:
	case FIELD_I32:
		fill_number(s, f, base + f->at);
		return;
	case FIELD_STATES:
		for (size_t i = 0; i < JOB_STATES; i++) {
			uint64_t v = number(s, 0, UINT64_MAX);

			memcpy(base + f->at + i * sizeof v, &v, sizeof v);
		}
		return;
	case FIELD_RECORD:
		fill_fields(s, f->record->fields, f->record->n, base + f->at);
		return;
	case FIELD_LIST:
		fill_list(s, f, base);
		return;
	default:
		span = make_span(s, f);
		memcpy(base + f->at, &span, sizeof span);
	}
}

static void fill_fields(struct sample *s, const struct field *f, uint32_t n, uint8_t *base)
{
	for (uint32_t i = 0; i < n; i++)
		fill_field(s, &f[i], base);
}

/* The rules between fields, which the tables do not have. */
static void mend(struct msg *m, struct msg_range *lost, struct msg_all_part *parts)
{
	for (uint32_t i = 0; m->h.kind == MSG_SUBMIT_ALL && i < m->u.submit_all.n; i++) {
		parts[i].same %= i + 1;
		if (parts[i].same != 0)
			parts[i].payload.n = 0;
	}
	if (m->h.kind == MSG_CLIENT_HELLO)
		m->u.client_hello.version_min = 1;
	if (m->h.kind == MSG_WORKER_HELLO)
		m->u.worker_hello.version_min = 1;
	if (m->h.kind == MSG_QUEUE_OP && m->u.queue_op.op == QUEUE_PEEK)
		m->u.queue_op.arg %= LIMIT_PEEKED + 1;
	for (uint32_t i = 0; m->h.kind == MSG_BEAT && i < m->u.beat.n_lost; i++)
		if (lost[i].first > lost[i].last)
			lost[i].last = lost[i].first;
}

void sample_make(struct sample *s, uint32_t kind)
{
	const struct layout *layout = fields_of(kind);
	struct msg *m = &s->m;

	must(layout != NULL);
	s->used = 0;
	*m = (struct msg){ .h = { .version = PROTO_VERSION_MAX,
		                  .kind = kind,
		                  .shard = (uint32_t)number(s, 0, 127),
		                  .epoch = number(s, 0, UINT64_MAX),
		                  .session = number(s, 0, UINT64_MAX),
		                  .number = number(s, 0, UINT64_MAX) } };
	fill_fields(s, layout->fields, layout->n, (uint8_t *)m);
	mend(m, (struct msg_range *)(uintptr_t)m->u.beat.lost, (struct msg_all_part *)(uintptr_t)m->u.submit_all.v);
}

uint32_t sample_next_kind(uint32_t kind)
{
	while (++kind < LAYOUT_KINDS)
		if (fields_of(kind) != NULL)
			return kind;
	return 0;
}

static bool equal_fields(const struct field *f, uint32_t n, const uint8_t *a, const uint8_t *b);

static bool equal_list(const struct field *f, const uint8_t *a, const uint8_t *b)
{
	const uint8_t *va, *vb;
	uint32_t na, nb;

	memcpy(&va, a + f->at, sizeof va);
	memcpy(&vb, b + f->at, sizeof vb);
	memcpy(&na, a + f->count_at, sizeof na);
	memcpy(&nb, b + f->count_at, sizeof nb);
	if (na != nb)
		return false;
	for (uint32_t i = 0; i < na; i++) {
		size_t at = (size_t)i * f->record->size;

		if (!equal_fields(f->record->fields, f->record->n, va + at, vb + at))
			return false;
	}
	return true;
}

static bool equal_field(const struct field *f, const uint8_t *a, const uint8_t *b)
{
	struct span sa, sb;

	switch (f->type) {
	case FIELD_U32:
	case FIELD_I32:
		return memcmp(a + f->at, b + f->at, sizeof(uint32_t)) == 0;
	case FIELD_U64:
	case FIELD_WIDE:
		return memcmp(a + f->at, b + f->at, sizeof(uint64_t)) == 0;
	case FIELD_STATES:
		return memcmp(a + f->at, b + f->at, JOB_STATES * sizeof(uint64_t)) == 0;
	case FIELD_RECORD:
		return equal_fields(f->record->fields, f->record->n, a + f->at, b + f->at);
	case FIELD_LIST:
		return equal_list(f, a, b);
	default:
		memcpy(&sa, a + f->at, sizeof sa);
		memcpy(&sb, b + f->at, sizeof sb);
		return span_eq(sa, sb);
	}
}

static bool equal_fields(const struct field *f, uint32_t n, const uint8_t *a, const uint8_t *b)
{
	for (uint32_t i = 0; i < n; i++)
		if (!equal_field(&f[i], a, b))
			return false;
	return true;
}

bool sample_equal(const struct msg *a, const struct msg *b)
{
	const struct layout *layout = fields_of(a->h.kind);

	return layout != NULL && a->h.version == b->h.version && a->h.kind == b->h.kind && a->h.shard == b->h.shard &&
	       a->h.epoch == b->h.epoch && a->h.session == b->h.session && a->h.number == b->h.number &&
	       equal_fields(layout->fields, layout->n, (const uint8_t *)a, (const uint8_t *)b);
}
