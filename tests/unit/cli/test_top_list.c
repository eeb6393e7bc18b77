/* The lists of `top`: rows that come anew, their order, the selected one, rates. */
#include "client/cli/top_list.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/base/suite.h"

struct row {
	char key[TOP_KEY];
	uint64_t count;
	uint64_t age_ms;
	double rate;
};

static const struct top_column columns[] = {
	{ "NAME", TOP_TEXT, offsetof(struct row, key) },
	{ ">COUNT", TOP_COUNT, offsetof(struct row, count) },
	{ ">AGE", TOP_AGE, offsetof(struct row, age_ms) },
	{ ">RATE", TOP_RATE, offsetof(struct row, rate) },
};

static struct top_list l;

static void setup(void)
{
	top_list_init(&l, columns, 4, sizeof(struct row));
}

/* Rows "a 3 b 1": names of one letter and counts. */
static void look(const char *text)
{
	top_list_begin(&l);
	for (; *text; text += 4 - (text[3] == 0)) {
		struct row *r = top_list_add(&l);
		const struct row *before;

		r->key[0] = *text;
		r->count = (uint64_t)(text[2] - '0');
		before = top_list_before(&l, r->key);
		r->rate = top_rate(r->count, before ? before->count : 0, before ? 500 : 0);
	}
	top_list_end(&l);
}

/* The names as shown, the selected one in capitals. */
static void expect(const char *names)
{
	char got[64] = "";

	for (size_t i = 0; i < l.n; i++)
		got[i] = (char)(*(const char *)top_list_row(&l, i) - (i == l.at ? 32 : 0));
	ck_assert_str_eq(got, names);
}

START_TEST(orders)
{
	setup();
	look("a 3 b 1 c 2");
	expect("Abc");
	top_list_reverse(&l);
	expect("cbA");
	top_list_sort(&l, 1); /* numbers: the largest first */
	expect("Acb");
	top_list_reverse(&l);
	expect("bcA");
	top_list_sort(&l, -2);
	ck_assert_uint_eq(l.sort, 3); /* round the end */
	top_list_sort(&l, 1);
	expect("Abc");
	top_list_fini(&l);
}
END_TEST

START_TEST(the_selected_row_stays)
{
	setup();
	look("");
	top_list_move(&l, 1);
	expect("");
	look("b 1 c 1 d 1");
	top_list_move(&l, 1);
	expect("bCd");
	look("a 1 b 1 c 1 d 1");
	expect("abCd");
	top_list_move(&l, 9);
	expect("abcD");
	look("a 1 b 1 c 1"); /* it is gone: its neighbour */
	expect("abC");
	top_list_move(&l, -9);
	expect("Abc");
	look("");
	look("x 1");
	expect("X");
	top_list_fini(&l);
}
END_TEST

START_TEST(scrolling)
{
	setup();
	look("a 1 b 1 c 1 d 1 e 1");
	top_list_move(&l, 3);
	top_list_scroll(&l, 2);
	ck_assert_uint_eq(l.first, 2);
	top_list_move(&l, -2);
	top_list_scroll(&l, 2);
	ck_assert_uint_eq(l.first, 1);
	look("a 1 b 1");
	top_list_scroll(&l, 2);
	ck_assert_uint_eq(l.first, 0);
	top_list_scroll(&l, 0);
	top_list_fini(&l);
}
END_TEST

START_TEST(cells_and_rates)
{
	char cell[TOP_CELL];
	struct row r = { "a", 1234567, 90000, 12.34 };

	setup();
	look("a 3");
	look("a 5 b 2");
	ck_assert_double_eq(((const struct row *)top_list_row(&l, 0))->rate, 4);
	ck_assert_double_lt(((const struct row *)top_list_row(&l, 1))->rate, 0); /* new */
	look("a 1");                                                             /* counts anew */
	ck_assert_double_lt(((const struct row *)top_list_row(&l, 0))->rate, 0);
	ck_assert_str_eq(top_list_cell(&l, top_list_row(&l, 0), 3, cell), "-");
	ck_assert_str_eq(top_list_cell(&l, top_list_row(&l, 0), 2, cell), "-");
	ck_assert_str_eq(top_list_cell(&l, &r, 0, cell), "a");
	ck_assert_str_eq(top_list_cell(&l, &r, 1, cell), "1,234,567");
	ck_assert_str_eq(top_list_cell(&l, &r, 2, cell), "1m30s");
	ck_assert_str_eq(top_list_cell(&l, &r, 3, cell), "12.3");
	r.rate = 1234.5;
	ck_assert_str_eq(top_list_cell(&l, &r, 3, cell), "1234");
	top_list_fini(&l);
}
END_TEST

SUITE_MAIN("top_list", orders, the_selected_row_stays, scrolling, cells_and_rates)
