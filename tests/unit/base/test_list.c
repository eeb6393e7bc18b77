/* The intrusive list: order, removal from the middle, and what an unlinked node looks like. */
#include "base/list.h"

#include "tests/unit/base/suite.h"

struct letter {
	char c;
	struct list at;
};

static void expect(const struct list *head, const char *text)
{
	const struct list *n = head->next;

	for (; *text; text++, n = n->next) {
		ck_assert_ptr_ne(n, head);
		ck_assert_int_eq(list_item(n, struct letter, at)->c, *text);
		ck_assert_ptr_eq(n->next->prev, n);
	}
	ck_assert_ptr_eq(n, head);
}

START_TEST(test_order)
{
	struct letter v[5] = { { .c = 'a' }, { .c = 'b' }, { .c = 'c' }, { .c = 'd' }, { .c = 'e' } };
	struct list head;

	list_init(&head);
	ck_assert(list_empty(&head));
	for (int i = 0; i < 4; i++)
		list_push_back(&head, &v[i].at);
	list_push_front(&head, &v[4].at);
	expect(&head, "eabcd");
	list_remove(&v[1].at);
	expect(&head, "eacd");
	list_remove(&v[4].at);
	list_remove(&v[3].at);
	expect(&head, "ac");
	list_remove(&v[0].at);
	list_remove(&v[2].at);
	ck_assert(list_empty(&head));
}
END_TEST

START_TEST(test_removed_twice)
{
	struct letter a = { .c = 'a' };
	struct list head;

	list_init(&head);
	list_push_back(&head, &a.at);
	list_remove(&a.at);
	ck_assert(list_empty(&a.at)); /* points at itself, so a second removal does no harm */
	list_remove(&a.at);
	ck_assert(list_empty(&head));
}
END_TEST

SUITE_MAIN("list", test_order, test_removed_twice)
