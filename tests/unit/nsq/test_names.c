/* Sets of names: found, inserted, removed, compared. */
#include "broker/nsq/names.h"

#include "base/buf.h"
#include "tests/unit/base/suite.h"

static struct names set_of(const char *const *v)
{
	struct names s = { 0 };

	for (; *v != NULL; v++) {
		const char *blank = strchr(*v, ' ');

		if (blank == NULL)
			names_add(&s, span_str(*v), span_str(""));
		else
			names_add(&s, span_of(*v, (size_t)(blank - *v)), span_str(blank + 1));
	}
	names_sort(&s);
	return s;
}

static void note(struct buf *b, const char *sign, struct span name)
{
	buf_put(b, sign, 1);
	buf_put_span(b, name);
	buf_put(b, ";", 1);
}

static void on_gone(void *arg, struct span name)
{
	note(arg, "-", name);
}

static void on_came(void *arg, struct span name)
{
	note(arg, "+", name);
}

static void compared(const char *const *before, const char *const *after, const char *want)
{
	struct names b = set_of(before), a = set_of(after);
	struct buf out;

	buf_init(&out);
	names_compare(&b, &a, on_gone, on_came, &out);
	ck_assert_msg(span_eq(buf_span(&out), span_str(want)), "%.*s", (int)out.n, (const char *)out.p);
	buf_fini(&out);
	names_free(&a);
	names_free(&b);
}

#define SET(...) ((const char *const[]){ __VA_ARGS__ }) /* ends with a NULL */

START_TEST(test_comparing)
{
	compared(SET(NULL), SET(NULL), "");
	compared(SET(NULL), SET("t", "t c", NULL), "+t;+t c;");
	compared(SET("t c", "t", NULL), SET(NULL), "-t c;-t;"); /* a channel goes before its topic */
	compared(SET("a", "b", "d", NULL), SET("b", "c", "d", "e", NULL), "-a;+c;+e;");
	compared(SET("t", "t a", "t b", NULL), SET("t", "t b", "t-2", "t.c", NULL), "-t a;+t-2;+t.c;");
}
END_TEST

START_TEST(test_finding)
{
	struct names s = set_of(SET("ab", "a", "b#ephemeral", NULL));

	ck_assert(names_has(&s, span_str("a")));
	ck_assert(names_has(&s, span_of("ab-rest", 2)));
	ck_assert(names_has(&s, span_str("b#ephemeral")));
	ck_assert(!names_has(&s, span_str("b")));
	ck_assert(!names_has(&s, span_str("abc")));
	ck_assert(!names_has(&s, span_str("")));
	ck_assert(names_insert(&s, span_str("b")));
	ck_assert(!names_insert(&s, span_str("b")));
	ck_assert(names_has(&s, span_str("b")));
	names_remove(&s, span_str("a"));
	names_remove(&s, span_str("none"));
	ck_assert(!names_has(&s, span_str("a")));
	ck_assert(names_has(&s, span_str("ab")) && names_has(&s, span_str("b#ephemeral")));
	ck_assert_uint_eq(s.n, 3);
	names_free(&s);
}
END_TEST

SUITE_MAIN("names", test_comparing, test_finding)
