/* Any bytes at all to the codec. What it takes must come out the same when it is written and read again, and
 * must be what msgpack-c sees in the same bytes; what it refuses, it refuses with an error and a reason.
 * One input is one frame. Built by clang with libFuzzer, or with our driver by any compiler. */
#include <msgpack.h>

#include "tests/unit/proto/sample.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { MSGPACK_DEPTH = 28, SMALL = 4096 };

/* How deep arrays and maps are nested in one value that cursor_skip has passed over; no further than `most`. */
static int depth(struct cursor *c, int most)
{
	uint64_t children = 0;
	int deepest = 0;
	uint8_t first = *c->p;

	if (first >= 0x80 && first < MP_FIXARRAY) {
		children = 2 * (uint64_t)(first & 15u);
		c->p++;
	} else if (first >= MP_FIXARRAY && first < MP_FIXSTR) {
		children = first & 15u;
		c->p++;
	} else if (first >= MP_ARRAY16 && first <= 0xdf) {
		size_t width = first & 1 ? 4 : 2;

		children = be_get(c->p + 1, width) * (first >= 0xde ? 2 : 1);
		c->p += 1 + width;
	} else {
		must(cursor_skip(c) == SHEAF_OK);
		return 0;
	}
	if (most == 0)
		return 1;
	while (children-- > 0) {
		int d = depth(c, most - 1);

		if (d == most)
			return most + 1;
		deepest = d > deepest ? d : deepest;
	}
	return deepest + 1;
}

/* No byte that could be a count or a length of 32 bits, for which msgpack-c would allocate at once. */
static bool modest(const uint8_t *data, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (data[i] == MP_ARRAY32 || data[i] == 0xdf || data[i] == MP_BIN32 || data[i] == 0xc9 ||
		    data[i] == MP_STR32)
			return false;
	return n <= SMALL;
}

/* Whether msgpack-c takes the whole frame as one value. */
static bool unpack(msgpack_unpacked *tree, const uint8_t *data, size_t n)
{
	size_t at = 0;

	return msgpack_unpack_next(tree, (const char *)data, n, &at) == MSGPACK_UNPACK_SUCCESS && at == n;
}

/* The structure, on which both have to agree. True if msgpack-c has made a tree of it. */
static bool compare_structure(msgpack_unpacked *tree, const uint8_t *data, size_t n)
{
	struct cursor c = { data, data + n };
	bool whole = cursor_skip(&c) == SHEAF_OK && c.p == c.end;

	if (!whole) {
		must(c.p == data || c.p < c.end); /* an error does not move the cursor */
		must(!modest(data, n) || !unpack(tree, data, n));
		return false;
	}
	c.p = data;
	if (depth(&c, MSGPACK_DEPTH) >= MSGPACK_DEPTH)
		return false;
	must(unpack(tree, data, n));
	return true;
}

/* Packed by msgpack-c from its own tree, the frame must still mean the same. */
static void compare_values(const msgpack_object *o, const struct msg *m, struct msg_room *room)
{
	msgpack_sbuffer packed;
	msgpack_packer packer;
	const char *why;
	struct msg back;

	must(o->type == MSGPACK_OBJECT_ARRAY && o->via.array.size >= HEADER_FIELDS);
	must(o->via.array.ptr[1].via.u64 == m->h.kind && o->via.array.ptr[5].via.u64 == m->h.number);
	msgpack_sbuffer_init(&packed);
	msgpack_packer_init(&packer, &packed, msgpack_sbuffer_write);
	msgpack_pack_object(&packer, *o);
	must(msg_decode(span_of(packed.data, packed.size), room, &back, &why) == SHEAF_OK);
	must(sample_equal(m, &back));
	msgpack_sbuffer_destroy(&packed);
}

static void compare_rewritten(struct msg *m, struct msg_room *room)
{
	struct buf once, twice;
	const char *why;
	struct msg back;

	m->h.shard &= 127; /* what we write has it in one byte */
	buf_init(&once);
	buf_init(&twice);
	msg_encode(&once, m);
	must(msg_decode(buf_span(&once), room, &back, &why) == SHEAF_OK);
	must(sample_equal(m, &back));
	msg_encode(&twice, &back);
	must(span_eq(buf_span(&once), buf_span(&twice)));
	buf_fini(&once);
	buf_fini(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct msg_room *first, *second;
	msgpack_unpacked tree;
	const char *why = NULL;
	struct msg m;
	bool is_tree;

	if (first == NULL) {
		first = msg_room_new();
		second = msg_room_new();
	}
	msgpack_unpacked_init(&tree);
	is_tree = compare_structure(&tree, data, n);
	if (msg_decode(span_of(data, n), first, &m, &why) == SHEAF_OK) {
		if (is_tree)
			compare_values(&tree.data, &m, second);
		compare_rewritten(&m, second);
	} else {
		must(why != NULL);
	}
	msgpack_unpacked_destroy(&tree);
	return 0;
}
