/* The hot records against msgpack-c, at random: what we write it reads with the same values, and what it
 * packs, in whatever width it sees fit, we read with the same values. */
#include <msgpack.h>
#include <stdio.h>

#include "tests/unit/base/suite.h"
#include "tests/unit/proto/sample.h"

enum { ROUNDS = 300 };

static uint64_t number(const msgpack_object *o)
{
	ck_assert(o->type == MSGPACK_OBJECT_POSITIVE_INTEGER || o->type == MSGPACK_OBJECT_NEGATIVE_INTEGER);
	return o->via.u64;
}

static struct span bytes(const msgpack_object *o)
{
	ck_assert_int_eq(o->type, MSGPACK_OBJECT_BIN);
	return span_of(o->via.bin.ptr, o->via.bin.size);
}

static const msgpack_object *record(const msgpack_object *list, uint32_t i, uint32_t fields)
{
	const msgpack_object *o = &list->via.array.ptr[i];

	ck_assert(o->type == MSGPACK_OBJECT_ARRAY && o->via.array.size == fields);
	return o->via.array.ptr;
}

static void same_job(const msgpack_object *o, const struct msg_job_rec *r)
{
	ck_assert(number(&o[0]) == r->id && number(&o[1]) == r->token && number(&o[2]) == r->attempt);
	ck_assert(number(&o[3]) == r->queue && number(&o[4]) == r->lease_ms);
	ck_assert(span_eq(bytes(&o[5]), r->headers) && span_eq(bytes(&o[6]), r->payload));
}

static void same_outcome(const msgpack_object *o, const struct msg_outcome_rec *r)
{
	ck_assert(number(&o[0]) == r->id && number(&o[1]) == r->token && number(&o[2]) == r->verdict);
	ck_assert((int64_t)number(&o[3]) == r->exit && number(&o[4]) == r->run_ms);
	ck_assert(span_eq(bytes(&o[5]), r->error) && span_eq(bytes(&o[6]), r->result));
}

static void same_result(const msgpack_object *o, const struct msg_result_rec *r)
{
	ck_assert(number(&o[0]) == r->id && number(&o[1]) == r->state && number(&o[2]) == r->attempt);
	ck_assert((int64_t)number(&o[3]) == r->exit && number(&o[4]) == r->gone);
	ck_assert(number(&o[5]) == r->submitted_ms && number(&o[6]) == r->started_ms);
	ck_assert(number(&o[7]) == r->finished_ms);
	ck_assert(span_eq(bytes(&o[8]), r->error) && span_eq(bytes(&o[9]), r->result));
}

static void same_accepted(const msgpack_object *o, const struct msg_accepted_rec *r)
{
	ck_assert(number(&o[0]) == r->number && number(&o[1]) == r->first && number(&o[2]) == r->count);
}

static void same_records(const msgpack_object *body, const struct msg *m)
{
	const msgpack_object *list = &body[m->h.kind == MSG_RESULTS ? 1 : m->h.kind == MSG_SUBMIT ? 8 : 0];

	for (uint32_t i = 0; i < list->via.array.size; i++) {
		if (m->h.kind == MSG_JOBS)
			same_job(record(list, i, m->u.jobs.v[i].expires_ms ? 8 : 7), &m->u.jobs.v[i]);
		else if (m->h.kind == MSG_OUTCOMES)
			same_outcome(record(list, i, 7), &m->u.outcomes.v[i]);
		else if (m->h.kind == MSG_RESULTS)
			same_result(record(list, i, 10), &m->u.results.v[i]);
		else if (m->h.kind == MSG_ACCEPTED)
			same_accepted(record(list, i, 3), &m->u.accepted.v[i]);
		else
			ck_assert(span_eq(bytes(&list->via.array.ptr[i]), m->u.submit.payloads[i]));
	}
}

START_TEST(test_hot_records)
{
	static const uint32_t kinds[] = { MSG_JOBS, MSG_OUTCOMES, MSG_RESULTS, MSG_ACCEPTED, MSG_SUBMIT };
	struct sample s;
	struct buf out;

	sample_init(&s, 1);
	buf_init(&out);
	for (int i = 0; i < ROUNDS; i++) {
		for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
			msgpack_unpacked tree;
			size_t at = 0;

			sample_make(&s, kinds[k]);
			buf_clear(&out);
			msg_encode(&out, &s.m);
			msgpack_unpacked_init(&tree);
			ck_assert_int_eq(msgpack_unpack_next(&tree, (const char *)out.p, out.n, &at),
			                 MSGPACK_UNPACK_SUCCESS);
			ck_assert_uint_eq(at, out.n);
			same_records(tree.data.via.array.ptr + HEADER_FIELDS, &s.m);
			msgpack_unpacked_destroy(&tree);
		}
	}
	buf_fini(&out);
	sample_fini(&s);
}
END_TEST

/* Through msgpack-c's unpacker and packer, which writes the shortest forms: the same message. */
START_TEST(test_repacked)
{
	struct msg_room *room = msg_room_new();
	struct sample s;
	struct buf out;

	sample_init(&s, 2);
	buf_init(&out);
	for (uint32_t kind = sample_next_kind(0); kind; kind = sample_next_kind(kind)) {
		for (int i = 0; i < ROUNDS / 10; i++) {
			msgpack_unpacked tree;
			msgpack_sbuffer packed;
			msgpack_packer packer;
			const char *why = "-";
			enum sheaf_error e;
			size_t at = 0;
			struct msg m;

			sample_make(&s, kind);
			buf_clear(&out);
			msg_encode(&out, &s.m);
			msgpack_unpacked_init(&tree);
			msgpack_sbuffer_init(&packed);
			msgpack_packer_init(&packer, &packed, msgpack_sbuffer_write);
			ck_assert_int_eq(msgpack_unpack_next(&tree, (const char *)out.p, out.n, &at),
			                 MSGPACK_UNPACK_SUCCESS);
			msgpack_pack_object(&packer, tree.data);
			e = msg_decode(span_of(packed.data, packed.size), room, &m, &why);
			ck_assert_msg(e == SHEAF_OK, "kind %u: %s", kind, why);
			ck_assert_msg(sample_equal(&s.m, &m), "kind %u differs", kind);
			msgpack_sbuffer_destroy(&packed);
			msgpack_unpacked_destroy(&tree);
		}
	}
	buf_fini(&out);
	sample_fini(&s);
	msg_room_free(room);
}
END_TEST

SUITE_MAIN("msgpack", test_hot_records, test_repacked)
