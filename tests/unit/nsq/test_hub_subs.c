/* The hub's subscriptions against a broker of a few lines: what is in whose hands, and who hears of it. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/nsq/hub_rig.h"

static struct hub_rig rig;
static const struct hub_terms terms;
static struct hub_sub *subs[2];
static bool ends_other;

static void on_messages(void *arg, const struct hub_delivery *d)
{
	char what[32];

	ck_assert_uint_eq(d->packed.n, 5);
	ck_assert_uint_eq(d->attempts, 3);
	snprintf(what, sizeof what, "m%d", (int)d->run);
	hear(what, arg);
}

static void on_gone(void *arg, uint64_t run, uint64_t token, uint64_t mask, enum gone_why why)
{
	char what[64];

	(void)token;
	snprintf(what, sizeof what, "gone%d/%s/%d", (int)run, mask == UINT64_MAX ? "all" : "some", (int)why);
	hear(what, arg);
	if (ends_other && subs[0])
		hub_unsubscribe(&subs[0]);
	if (ends_other && subs[1])
		hub_unsubscribe(&subs[1]);
}

static void on_over(void *arg)
{
	hear("over", arg);
}

static const struct hub_calls calls = { on_messages, on_gone, on_over };

static void subscribe(int i, const char *channel, void *who)
{
	subs[i] = hub_subscribe(rig.hub, span_str("t"), span_str(channel), &terms, &calls, answer, who);
}

/* With credit, and what it takes forgotten. */
static void subscribed(int i, const char *channel, void *who)
{
	subscribe(i, channel, who);
	hub_rig_until(&rig, heard[0] != '\0');
	hub_credit(subs[i], 10, 1000);
	hub_rig_until(&rig, rig.ready == 10);
	heard[0] = '\0';
	rig.trace.n = 0;
}

START_TEST(messages_come_and_are_settled_together)
{
	subscribed(0, "c", "X");
	ck_assert_uint_eq(rig.window, 1000);
	hub_rig_deliver(&rig, 7, false);
	hub_rig_until(&rig, has_heard("X:m7 "));
	for (int i = 0; i < 64; i++)
		hub_settle(subs[0], 7, 8, UINT64_C(1) << i, SETTLE_FINISH, 0);
	hub_settle(subs[0], 8, 8, 1, SETTLE_REQUEUE, 100);
	hub_unsubscribe(&subs[0]);
	ck_assert_ptr_null(subs[0]);
	hub_rig_until(&rig, hub_idle(rig.hub));
	ck_assert_uint_eq(rig.settled, 65);
	ck_assert_uint_eq(rig.settles, 2);
	hub_rig_expect(&rig, "unsubscribe  \n");
	hub_rig_deliver(&rig, 9, false); /* nobody's */
	hub_rig_settle(&rig);
	ck_assert_str_eq(heard, "X:m7 ");
}
END_TEST

START_TEST(what_is_gone_is_told)
{
	struct msg_gone_rec v[] = { { 0, 7, 8, 1, GONE_TIMEOUT }, { 0, 0, 0, 0, GONE_DELETED } };

	subscribed(0, "c", "X");
	v[0].sub = v[1].sub = rig.sub;
	hub_rig_send(&rig, MSG_MESSAGES_GONE, 0, (struct msg){ .u.gone = { v, 2 } });
	hub_rig_until(&rig, has_heard("X:gone7/some/1 X:over "));
	hub_unsubscribe(&subs[0]);
}
END_TEST

START_TEST(after_a_loss_nothing_is_in_hand)
{
	subscribed(0, "c", "X");
	hub_rig_deliver(&rig, 7, false);
	hub_rig_until(&rig, has_heard("X:m7 "));
	hub_rig_deliver(&rig, 8, true);
	hub_rig_deliver(&rig, 9, false);
	hub_rig_until(&rig, has_heard("X:m7 X:gone0/all/1 "));
	hub_rig_settle(&rig);
	hub_rig_expect(&rig, "subscribe t c\n"); /* again, by itself; the answer is nobody's */
	hub_rig_deliver(&rig, 10, false);
	hub_rig_until(&rig, has_heard("X:m7 X:gone0/all/1 X:m10 "));
	hub_unsubscribe(&subs[0]);
}
END_TEST

START_TEST(a_loss_may_end_all_of_them)
{
	subscribed(0, "c", "X");
	subscribe(1, "d", "Y");
	hub_rig_until(&rig, has_heard("Y:ok "));
	ends_other = true;
	hub_rig_deliver(&rig, 7, false);
	hub_rig_deliver(&rig, 8, true);
	hub_rig_deliver(&rig, 9, false);
	hub_rig_until(&rig, !subs[0] && !subs[1] && hub_idle(rig.hub));
	ends_other = false;
}
END_TEST

START_TEST(who_leaves_before_the_answer_hears_none)
{
	subscribe(0, "c", "X");
	hub_rig_turn(&rig); /* asked, and answered */
	hub_unsubscribe(&subs[0]);
	hub_rig_until(&rig, hub_idle(rig.hub));
	subscribe(0, "c", "X");
	hub_unsubscribe(&subs[0]); /* before it is asked */
	hub_rig_until(&rig, hub_idle(rig.hub));
	ck_assert_str_eq(heard, "");
}
END_TEST

START_TEST(a_refused_one_is_still_to_be_left)
{
	rig.refuses = SHEAF_E_FULL;
	subscribe(0, "c", "X");
	subscribe(1, "b a d", "Y");
	hub_rig_until(&rig, strstr(heard, "X:10no ") && strstr(heard, "Y:4"));
	hub_settle(subs[1], 1, 1, 1, SETTLE_FINISH, 0);
	hub_credit(subs[1], 1, 1);
	hub_unsubscribe(&subs[0]);
	hub_unsubscribe(&subs[1]);
	hub_rig_until(&rig, hub_idle(rig.hub));
}
END_TEST

/* TOUCH after TOUCH, more than the sockets hold. */
START_TEST(what_cannot_leave_waits)
{
	subscribed(0, "c", "X");
	rig.deaf = true;
	for (uint64_t i = 0; i < 8000; i++) {
		hub_settle(subs[0], i, i, 1, SETTLE_TOUCH, 0);
		uv_run(&rig.loop, UV_RUN_NOWAIT);
	}
	ck_assert(hub_busy(rig.hub));
	ck_assert(!hub_idle(rig.hub));
	rig.deaf = false;
	hub_rig_until(&rig, rig.settled == 8000);
	ck_assert(!hub_busy(rig.hub));
	hub_unsubscribe(&subs[0]);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		messages_come_and_are_settled_together,
		what_is_gone_is_told,
		after_a_loss_nothing_is_in_hand,
		a_loss_may_end_all_of_them,
		who_leaves_before_the_answer_hears_none,
		a_refused_one_is_still_to_be_left,
		what_cannot_leave_waits,
	};

	return hub_rig_suite("hub subs", &rig, tests, sizeof tests / sizeof tests[0]);
}
