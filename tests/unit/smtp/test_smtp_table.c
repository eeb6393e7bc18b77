/* The dialogues of vectors.h, each in one piece, byte by byte, and in pieces: replies and mails are the same. */
#include "tests/unit/base/suite.h"
#include "tests/unit/smtp/vectors.h"

static void run(struct rig *r, const struct vector *v, size_t piece)
{
	const char *got;

	rig_begin(r, v->flags);
	ck_assert_str_eq(rig_codes(r), "220");
	rig_feed(r, v->in, v->n, piece);
	if (!smtp_session_closing(r->s))
		ck_assert_msg(r->in.n == 0, "%s, by %zu: %zu bytes are left", v->name, piece, r->in.n);
	got = rig_codes(r);
	ck_assert_msg(strcmp(got, v->codes) == 0, "%s, by %zu:\n%s\nnot\n%s", v->name, piece, got, v->codes);
	got = rig_mails(r);
	ck_assert_msg(strcmp(got, v->mails) == 0, "%s, by %zu: mails\n%s\nnot\n%s", v->name, piece, got, v->mails);
	rig_end(r);
}

START_TEST(test_table)
{
	static const size_t pieces[] = { SIZE_MAX, 1, 2, 3, 5, 7, 11, 50 };
	struct rig r;

	rig_init(&r);
	for (int i = 0; i < VECTORS; i++)
		for (size_t k = 0; k < sizeof pieces / sizeof pieces[0]; k++)
			run(&r, &vectors[i], pieces[k]);
	rig_fini(&r);
}
END_TEST

SUITE_MAIN("smtp_table", test_table)
