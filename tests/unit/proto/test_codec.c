/* The codec as a whole: every kind there and back, cut off anywhere, said in other widths, said with more
 * fields, built record by record, patched. */
#include <stdlib.h>

#include "tests/unit/base/suite.h"
#include "tests/unit/proto/sample.h"

enum { ROUNDS = 40 };

static struct msg_room *room;
static struct buf out;

static void setup(uint64_t seed, struct sample *s)
{
	room = msg_room_new();
	buf_init(&out);
	sample_init(s, seed);
}

static void teardown(struct sample *s)
{
	sample_fini(s);
	buf_fini(&out);
	msg_room_free(room);
}

/* Decodes from memory of just that size, so that a sanitizer sees every byte read behind it. */
static enum sheaf_error decode_tight(const uint8_t *p, size_t n, struct msg *m)
{
	static uint8_t *last;
	const char *why = NULL;
	enum sheaf_error e;

	free(last);
	last = malloc(n ? n : 1);
	if (n)
		memcpy(last, p, n);
	e = msg_decode(span_of(last, n), room, m, &why);
	ck_assert_msg(e == SHEAF_OK || why != NULL, "an error says why");
	return e;
}

START_TEST(test_round_trip)
{
	struct sample s;
	struct msg m;

	setup(1, &s);
	for (uint32_t kind = sample_next_kind(0); kind; kind = sample_next_kind(kind)) {
		for (int i = 0; i < ROUNDS; i++) {
			enum sheaf_error e;

			sample_make(&s, kind);
			buf_clear(&out);
			msg_encode(&out, &s.m);
			e = decode_tight(out.p, out.n, &m);
			ck_assert_msg(e == SHEAF_OK, "kind %u: %s", kind, sheaf_error_name(e));
			ck_assert_msg(sample_equal(&s.m, &m), "kind %u differs", kind);
		}
	}
	teardown(&s);
}
END_TEST

START_TEST(test_cut_off)
{
	struct sample s;
	struct msg m;

	setup(2, &s);
	for (uint32_t kind = sample_next_kind(0); kind; kind = sample_next_kind(kind)) {
		for (int i = 0; i < 5; i++) {
			sample_make(&s, kind);
			buf_clear(&out);
			msg_encode(&out, &s.m);
			for (size_t n = 0; n < out.n; n += 1 + n / 200)
				ck_assert_int_eq(decode_tight(out.p, n, &m), SHEAF_E_MALFORMED);
			buf_put_u8(&out, 0);
			ck_assert_int_eq(decode_tight(out.p, out.n, &m), SHEAF_E_MALFORMED);
		}
	}
	teardown(&s);
}
END_TEST

/* Writes what `c` holds in other words: other widths for numbers, lengths and counts, str for bin and the
 * reverse, and additional fields behind those of a body or record. */
struct retell {
	struct rng rng;
	struct cursor c;
	struct buf *out;
	uint32_t kind;
	bool more;
	uint32_t seconds; /* arrays at depth 2 so far */
};

static void big_endian(struct buf *b, uint64_t v, int width)
{
	while (width-- > 0)
		buf_put_u8(b, (uint8_t)(v >> (8 * width)));
}

static void retell_number(struct retell *r, int64_t v, bool negative)
{
	uint64_t u = (uint64_t)v;
	int least = 0; /* log2 of the bytes needed */
	int i;

	if (negative) {
		while (least < 3 && v < -((int64_t)1 << ((8 << least) - 1)))
			least++;
	} else {
		while (least < 3 && u >> (8 << least) != 0)
			least++;
	}
	i = least + (int)rng_below(&r->rng, (uint64_t)(4 - least));
	if (negative || (rng_below(&r->rng, 2) && i > least)) {
		buf_put_u8(r->out, (uint8_t)(MP_INT8 + i));
	} else {
		buf_put_u8(r->out, (uint8_t)(MP_UINT8 + i));
	}
	big_endian(r->out, u, 1 << i);
}

static void retell_bytes(struct retell *r, struct span s)
{
	int least = s.n < 256 ? 0 : s.n < 65536 ? 1 : 2;
	int i = least + (int)rng_below(&r->rng, (uint64_t)(3 - least));

	buf_put_u8(r->out, (uint8_t)((rng_below(&r->rng, 2) ? MP_BIN8 : MP_STR8) + i));
	big_endian(r->out, s.n, 1 << i);
	buf_put_span(r->out, s);
}

static void retell_value(struct retell *r, int depth);

static void retell_array(struct retell *r, uint32_t n, int depth)
{
	/* bodies at 1, lists at 2, records at 3, states at 4; JOB_INFO begins with a record at 2 */
	bool record = depth != 2 || (r->kind == MSG_JOB_INFO && r->seconds++ == 0);
	uint32_t more = r->more && record ? (uint32_t)rng_below(&r->rng, 4) : 0;
	bool wide = rng_below(&r->rng, 2);

	buf_put_u8(r->out, wide ? MP_ARRAY32 : MP_ARRAY16);
	big_endian(r->out, n + more, wide ? 4 : 2);
	for (uint32_t i = 0; i < n; i++)
		retell_value(r, depth);
	for (uint32_t i = 0; i < more; i++) {
		/* {nil: [1, "a", 1.0 (32 bits), ext 8 of a byte, true]}, then the like in other widths */
		static const uint8_t odd[] = { 0x81, 0xc0, 0x95, 0x01, 0xa1, 'a',  0xca, 0x3f,
			                       0x80, 0,    0,    0xc7, 0x01, 0x05, 0xff, 0xc3 };
		static const uint8_t other[] = { 0xde, 0, 1, 0xd0, 0xff, 0xdd, 0, 0, 0, 2, 0xd8, 1, 2,    3, 4,
			                         5,    6, 7, 8,    9,    1,    2, 3, 4, 5, 6,    7, 0xd9, 0 };
		if (rng_below(&r->rng, 2))
			buf_put(r->out, odd, sizeof odd);
		else
			buf_put(r->out, other, sizeof other);
	}
}

static void retell_value(struct retell *r, int depth)
{
	uint64_t bits;
	struct span s;
	bool negative;
	uint32_t n;

	if (cursor_number(&r->c, &bits, &negative) == SHEAF_OK)
		retell_number(r, (int64_t)bits, negative);
	else if (cursor_bytes(&r->c, &s) == SHEAF_OK)
		retell_bytes(r, s);
	else if (cursor_array(&r->c, &n) == SHEAF_OK)
		retell_array(r, n, depth + 1);
	else
		ck_abort_msg("neither number, bytes nor array");
}

static void retold(bool more, uint64_t seed)
{
	struct sample s;
	struct buf other;
	struct msg m;

	setup(seed, &s);
	buf_init(&other);
	for (uint32_t kind = sample_next_kind(0); kind; kind = sample_next_kind(kind)) {
		for (int i = 0; i < ROUNDS; i++) {
			struct retell r = { .out = &other, .kind = kind, .more = more };
			enum sheaf_error e;

			rng_seed(&r.rng, (uint64_t)i);
			s.whole = more; /* what is added stands behind all that is known */
			sample_make(&s, kind);
			buf_clear(&out);
			buf_clear(&other);
			msg_encode(&out, &s.m);
			r.c = (struct cursor){ out.p, out.p + out.n };
			retell_value(&r, 0);
			e = decode_tight(other.p, other.n, &m);
			ck_assert_msg(e == SHEAF_OK, "kind %u: %s", kind, sheaf_error_name(e));
			ck_assert_msg(sample_equal(&s.m, &m), "kind %u differs", kind);
			for (size_t n = 0; n < other.n; n += 1 + n / 50)
				ck_assert_int_ne(decode_tight(other.p, n, &m), SHEAF_OK);
		}
	}
	buf_fini(&other);
	teardown(&s);
}

START_TEST(test_widths)
{
	retold(false, 3);
}
END_TEST

START_TEST(test_more_fields)
{
	retold(true, 4);
}
END_TEST

static void put_records(struct msg_writer *w, const struct msg *m)
{
	for (uint32_t i = 0; m->h.kind == MSG_JOBS && i < m->u.jobs.n; i++)
		msg_put_job(w, &m->u.jobs.v[i]);
	for (uint32_t i = 0; m->h.kind == MSG_OUTCOMES && i < m->u.outcomes.n; i++)
		msg_put_outcome(w, &m->u.outcomes.v[i]);
	for (uint32_t i = 0; m->h.kind == MSG_RESULTS && i < m->u.results.n; i++)
		msg_put_result(w, &m->u.results.v[i]);
	for (uint32_t i = 0; m->h.kind == MSG_ACCEPTED && i < m->u.accepted.n; i++)
		msg_put_accepted(w, &m->u.accepted.v[i]);
}

START_TEST(test_record_by_record)
{
	static const uint32_t kinds[] = { MSG_JOBS, MSG_OUTCOMES, MSG_RESULTS, MSG_ACCEPTED };
	struct sample s;
	struct msg m;

	setup(5, &s);
	for (int i = 0; i < ROUNDS; i++) {
		for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
			struct msg_writer w;
			size_t start;

			sample_make(&s, kinds[k]);
			start = out.n; /* messages may follow each other in one buffer */
			msg_begin(&w, &out, &s.m.h, kinds[k] == MSG_RESULTS ? s.m.u.results.answer : 0);
			put_records(&w, &s.m);
			msg_end(&w);
			ck_assert_int_eq(decode_tight(out.p + start, out.n - start, &m), SHEAF_OK);
			ck_assert(sample_equal(&s.m, &m));
		}
	}
	teardown(&s);
}
END_TEST

START_TEST(test_full_messages)
{
	struct msg_header h = { PROTO_VERSION_MAX, MSG_RESULTS, 0, 1, 2, 3 };
	struct msg_result_rec r = { .id = 1, .state = JOB_DONE };
	uint8_t *payload = calloc(1, LIMIT_PAYLOAD);
	struct msg_writer w;
	struct sample s;
	struct msg m;

	setup(6, &s);
	msg_begin(&w, &out, &h, 0);
	while (msg_fits(&w, 0))
		msg_put_result(&w, &r);
	msg_end(&w);
	ck_assert_uint_eq(w.n, LIMIT_RECORDS);
	ck_assert_int_eq(decode_tight(out.p, out.n, &m), SHEAF_OK);
	ck_assert_uint_eq(m.u.results.n, LIMIT_RECORDS);

	buf_clear(&out);
	r.result = span_of(payload, LIMIT_PAYLOAD);
	r.error = span_of(payload, LIMIT_ERROR);
	msg_begin(&w, &out, &h, 0);
	while (msg_fits(&w, r.result.n + r.error.n))
		msg_put_result(&w, &r);
	msg_end(&w);
	ck_assert_uint_eq(w.n, 1);
	ck_assert_int_eq(decode_tight(out.p, out.n, &m), SHEAF_OK);
	free(payload);
	teardown(&s);
}
END_TEST

START_TEST(test_patch)
{
	struct sample s;
	struct msg m;

	setup(7, &s);
	for (uint32_t kind = sample_next_kind(0); kind; kind = sample_next_kind(kind)) {
		sample_make(&s, kind);
		buf_clear(&out);
		msg_encode(&out, &s.m);
		msg_patch(out.p, out.n, 5, UINT64_MAX, 300);
		s.m.h.epoch = 5;
		s.m.h.session = UINT64_MAX;
		s.m.h.number = 300;
		ck_assert_int_eq(decode_tight(out.p, out.n, &m), SHEAF_OK);
		ck_assert(sample_equal(&s.m, &m));
	}
	teardown(&s);
}
END_TEST

START_TEST(test_header_survives)
{
	/* a body that is none, a kind that is none, a version that is none: the header is known all the same */
	static const uint8_t bad_body[] = { 0x97, 1, MSG_JOB_GET, 0, 7, 8, 9, 0xc0 };
	static const uint8_t bad_kind[] = { 0x96, 1, 127, 0, 7, 8, 9 };
	static const uint8_t bad_version[] = { 0x97, 2, MSG_JOB_GET, 0, 7, 8, 9, 1 };
	static const uint8_t half[] = { 0x97, 1, MSG_JOB_GET, 0, 7, 8, 0xc0, 1 };
	static const uint8_t greedy[] = { 0x97, 1, MSG_STATS, 0, 7, 8, 9, 0xdd, 0xff, 0xff, 0xff, 0xff };
	struct sample s;
	struct msg m;

	setup(8, &s);
	ck_assert_int_eq(decode_tight(bad_body, sizeof bad_body, &m), SHEAF_E_MALFORMED);
	ck_assert(m.h.kind == MSG_JOB_GET && m.h.epoch == 7 && m.h.session == 8 && m.h.number == 9);
	ck_assert_int_eq(decode_tight(bad_kind, sizeof bad_kind, &m), SHEAF_E_UNSUPPORTED);
	ck_assert(m.h.kind == 127 && m.h.number == 9);
	ck_assert_int_eq(decode_tight(bad_version, sizeof bad_version, &m), SHEAF_E_VERSION);
	ck_assert(m.h.version == 2 && m.h.number == 9);
	ck_assert_int_eq(decode_tight(half, sizeof half, &m), SHEAF_E_MALFORMED);
	ck_assert(m.h.session == 8 && m.h.number == 0);
	ck_assert_int_eq(decode_tight(greedy, sizeof greedy, &m), SHEAF_E_MALFORMED);
	ck_assert_int_eq(decode_tight(NULL, 0, &m), SHEAF_E_MALFORMED);
	teardown(&s);
}
END_TEST

SUITE_MAIN("codec", test_round_trip, test_cut_off, test_widths, test_more_fields, test_record_by_record,
           test_full_messages, test_patch, test_header_survives)
