/* The table of vectors.h, each line in one piece, byte by byte, and in pieces: the answers are the same, and so is what
 * the hub is asked for. */
#include "tests/unit/base/suite.h"
#include "tests/unit/nsq/session_rig.h"
#include "tests/unit/nsq/vectors.h"

static void run(struct rig *r, const struct vector *v, size_t piece, struct buf *asked)
{
	struct buf told = { 0 };

	rig_begin(r);
	rig_feed_pieces(r, "  V2", 4, piece);
	rig_feed_pieces(r, v->in, v->n, piece);
	for (const char *p = rig_told(r); *p != '\0'; p++)
		if (*p != '\n' || p[1] != '\0')
			buf_put_u8(&told, *p == '\n' ? '|' : (uint8_t)*p);
	buf_put_u8(&told, 0);
	ck_assert_msg(strcmp((const char *)told.p, v->told) == 0, "%s, by %zu:\n%s\nnot\n%s", v->name, piece,
	              (const char *)told.p, v->told);
	buf_put_span(asked, span_str(rig_asked(r)));
	buf_put_u8(asked, 0);
	if (!session_closing(r->s)) { /* and it still serves */
		FEED(r, "FOO\n");
		ck_assert_str_eq(rig_told(r), "E_INVALID invalid command FOO\nx\n");
	}
	ck_assert_uint_eq(session_wants(r->s), 0);
	rig_end(r);
	buf_fini(&told);
}

START_TEST(test_table)
{
	struct rig r;

	rig_init(&r);
	for (int i = 0; i < VECTORS; i++) {
		struct buf first = { 0 }, again = { 0 };

		run(&r, &vectors[i], 1 << 20, &first);
		for (size_t piece = 1; piece <= 7; piece += 2) {
			buf_clear(&again);
			run(&r, &vectors[i], piece, &again);
			ck_assert_str_eq((const char *)first.p, (const char *)again.p);
		}
		buf_fini(&first);
		buf_fini(&again);
	}
	rig_fini(&r);
}
END_TEST

static void magic(struct rig *r, const char *text, const char *told)
{
	for (size_t piece = 1; piece <= 4; piece += 3) {
		rig_begin(r);
		rig_feed_pieces(r, text, strlen(text), piece);
		ck_assert_str_eq(rig_told(r), told);
		rig_end(r);
	}
}

START_TEST(test_magic)
{
	struct rig r;

	rig_init(&r);
	magic(&r, "  V2", "");
	magic(&r, "  V1", "E_BAD_PROTOCOL\nx\n");
	magic(&r, "GET / HTTP/1.1\r\n", "E_BAD_PROTOCOL\nx\n");
	magic(&r, "  V", "");
	rig_fini(&r);
}
END_TEST

/* A line may have 16 KiB with its end; what is longer ends the connection without a word. */
START_TEST(test_lines)
{
	static const size_t sizes[] = { 16000, 16383, 16384, 17000 };
	struct rig r;

	rig_init(&r);
	for (int i = 0; i < 4; i++) {
		for (size_t piece = 1; piece < 40000; piece *= 199) {
			char *line = malloc(sizes[i] + 1);

			ck_assert_ptr_nonnull(line);
			memset(line, 'x', sizes[i]);
			memcpy(line, "FOO ", 4);
			line[sizes[i]] = '\n';
			rig_begin(&r);
			FEED(&r, "  V2");
			rig_feed_pieces(&r, line, sizes[i] + 1, piece);
			ck_assert_str_eq(rig_told(&r),
			                 sizes[i] + 1 <= SESSION_LINE ? "E_INVALID invalid command FOO\nx\n" : "x\n");
			rig_end(&r);
			free(line);
		}
	}
	rig_fini(&r);
}
END_TEST

SUITE_MAIN("session_table", test_table, test_magic, test_lines)
