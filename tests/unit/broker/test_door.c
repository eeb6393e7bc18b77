/* The door with real sockets: who gets in where, whose message it is, and what a reload changes. */
#include "broker/door.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "keys/curve.h"
#include "keys/make.h"
#include "tests/unit/base/suite.h"
#include "tests/unit/keys/folder.h"

enum { LONG_MS = 10000, SHORT_MS = 300 };

static void *context, *outside;
static struct door *door;
static char err[KEYS_ERR];
static uint32_t dismissed[16], n_dismissed;

static void begin(void)
{
	folder_make();
	ck_assert_int_eq(keys_make(folder, err), 0);
	ck_assert_int_eq(keys_add(folder, "web", ROLE_SUBMIT, err), 0);
	context = zmq_ctx_new();
	outside = zmq_ctx_new();
	door = door_new(context, folder, err);
	ck_assert_msg(door != NULL, "%s", err);
	n_dismissed = 0;
}

static void end(void)
{
	zmq_ctx_term(outside);
	door_free(door);
	zmq_ctx_term(context);
	folder_remove();
}

static void *guarded(int type, enum door_domain domain, uint32_t principal, char at[256])
{
	void *s = zmq_socket(context, type);
	size_t n = 256;
	int none = 0;

	zmq_setsockopt(s, ZMQ_LINGER, &none, sizeof none);
	ck_assert(door_guard(door, s, domain, principal));
	ck_assert_int_eq(zmq_bind(s, "tcp://127.0.0.1:*"), 0);
	ck_assert_int_eq(zmq_getsockopt(s, ZMQ_LAST_ENDPOINT, at, &n), 0);
	return s;
}

/* A peer with the keys of FOLDER/DIR, or without any. */
static void *peer(int type, const char *dir, enum keys_who who, const char *at)
{
	void *s = zmq_socket(outside, type);
	struct keys_own own;
	int none = 0;

	zmq_setsockopt(s, ZMQ_LINGER, &none, sizeof none);
	if (dir != NULL) {
		ck_assert_msg(keys_own_read(folder_path(dir), who, &own, err) == 0, "%s", err);
		ck_assert(curve_connect(s, &own));
	}
	ck_assert_int_eq(zmq_connect(s, at), 0);
	return s;
}

/* Waits for a message on `socket` while the door answers; false if none comes in that time. */
static bool comes(void *socket, zmq_msg_t *frame, int ms)
{
	for (int waited = 0; waited < ms; waited += 10) {
		zmq_pollitem_t items[] = { { door_socket(door), 0, ZMQ_POLLIN, 0 }, { socket, 0, ZMQ_POLLIN, 0 } };

		zmq_poll(items, 2, 10);
		door_answer(door, 1);
		if (zmq_msg_recv(frame, socket, ZMQ_DONTWAIT) < 0)
			continue;
		while (zmq_msg_more(frame))
			ck_assert_int_ge(zmq_msg_recv(frame, socket, 0), 0);
		return true;
	}
	return false;
}

/* The principal of the peer with these keys, as its message tells; 0 if it does not get in. */
static uint32_t enters(const char *dir, enum keys_who who)
{
	char at[256];
	void *s = guarded(ZMQ_ROUTER, DOOR_CLIENTS, 0, at), *p = peer(ZMQ_DEALER, dir, who, at);
	uint32_t principal = 0;
	zmq_msg_t frame;

	zmq_msg_init(&frame);
	zmq_send(p, "hello", 5, 0);
	if (comes(s, &frame, dir != NULL ? LONG_MS : SHORT_MS)) {
		principal = door_principal(door, &frame);
		ck_assert_uint_gt(principal, 0);
	}
	zmq_msg_close(&frame);
	zmq_close(p);
	zmq_close(s);
	return principal;
}

static const char *refuses(uint32_t principal, enum msg_kind kind)
{
	struct msg m = { .h.kind = (uint32_t)kind };

	return door_refuses(door, principal, &m, 1);
}

static void note(void *ctx, uint32_t principal)
{
	(void)ctx;
	dismissed[n_dismissed++] = principal;
}

START_TEST(test_principals)
{
	uint32_t client, worker, web;

	begin();
	client = enters(".", KEYS_CLIENT);
	worker = enters(".", KEYS_WORKER);
	web = enters("web", KEYS_CLIENT);
	ck_assert(client != worker && worker != web && client != web);
	ck_assert_uint_eq(enters("web", KEYS_CLIENT), web);
	ck_assert_ptr_null(refuses(client, MSG_WORKER_HELLO));
	ck_assert_ptr_null(refuses(worker, MSG_WORKER_HELLO));
	ck_assert_ptr_null(refuses(web, MSG_SUBMIT));
	has(refuses(web, MSG_STATS), "the role of the key 'web' is submit, and this needs read or admin");
	has(refuses(worker, MSG_SUBMIT), "work");
	has(refuses(0, MSG_SUBMIT), "not known");
	has(refuses(99, MSG_SUBMIT), "not known");
	ck_assert_uint_eq(enters(NULL, KEYS_CLIENT), 0);
	end();
}
END_TEST

START_TEST(test_strangers)
{
	char at[256], other[FOLDER_PATH];
	void *s, *p;
	zmq_msg_t frame;

	begin();
	snprintf(other, sizeof other, "%s", folder_path("other"));
	ck_assert_int_eq(keys_make(other, err), 0);
	unlink(folder_path("other/broker.key"));
	ck_assert_int_eq(link(folder_path("broker.key"), folder_path("other/broker.key")), 0);
	s = guarded(ZMQ_ROUTER, DOOR_CLIENTS, 0, at);
	p = peer(ZMQ_DEALER, "other", KEYS_CLIENT, at);
	zmq_send(p, "hello", 5, 0);
	zmq_msg_init(&frame);
	ck_assert(!comes(s, &frame, SHORT_MS));
	zmq_close(p);
	zmq_close(s);
	end();
}
END_TEST

/* Whether a PULL with these keys gets what is pushed for `principal`. */
static bool hears(const char *dir, enum keys_who who, uint32_t principal)
{
	char at[256];
	void *s = guarded(ZMQ_PUSH, DOOR_JOBS, principal, at), *p = peer(ZMQ_PULL, dir, who, at);
	bool heard = false;
	zmq_msg_t frame;

	zmq_msg_init(&frame);
	for (int i = 0; i < (dir != NULL ? 20 : 5) && !heard; i++) {
		zmq_send(s, "job", 3, ZMQ_DONTWAIT);
		heard = comes(p, &frame, 50);
	}
	zmq_msg_close(&frame);
	zmq_close(p);
	zmq_close(s);
	return heard;
}

START_TEST(test_jobs_are_for_one)
{
	uint32_t worker, client;

	begin();
	ck_assert_int_eq(keys_add(folder, "w2", ROLE_WORK, err), 0);
	door_reload(door, note, NULL);
	worker = enters(".", KEYS_WORKER);
	client = enters(".", KEYS_CLIENT);
	ck_assert(hears(".", KEYS_WORKER, worker));
	ck_assert(!hears("w2", KEYS_WORKER, worker));
	ck_assert(!hears(".", KEYS_CLIENT, worker)); /* not even an admin */
	ck_assert(hears(".", KEYS_CLIENT, client));  /* which may work, too */
	ck_assert(!hears("web", KEYS_CLIENT, worker));
	ck_assert(!hears(NULL, KEYS_CLIENT, worker));
	end();
}
END_TEST

START_TEST(test_reload)
{
	uint32_t web, worker, late;

	begin();
	web = enters("web", KEYS_CLIENT);
	worker = enters(".", KEYS_WORKER);
	unlink(folder_path("clients/web.key"));
	ck_assert_int_eq(keys_add(folder, "late", ROLE_READ, err), 0);
	ck_assert_ptr_null(refuses(web, MSG_SUBMIT));
	door_reload(door, note, NULL);
	ck_assert_uint_eq(n_dismissed, 1);
	ck_assert_uint_eq(dismissed[0], web);
	has(refuses(web, MSG_SUBMIT), "not known");
	ck_assert_ptr_null(refuses(web, MSG_PING)); /* the core answers that: no session */
	ck_assert_ptr_null(refuses(worker, MSG_BEAT));
	late = enters("late", KEYS_CLIENT);
	ck_assert(late != web && late != worker);
	ck_assert_ptr_null(refuses(late, MSG_STATS));
	end();
}
END_TEST

START_TEST(test_role_changes)
{
	uint32_t web;
	char text[4096], *role;

	begin();
	web = enters("web", KEYS_CLIENT);
	folder_read("clients/web.key", text, sizeof text);
	role = strstr(text, "submit");
	memcpy(role, "read\"\n", 6);
	memset(role + 6, '#', 1); /* the rest of the line is a comment */
	folder_write("clients/web.key", text, 0600);
	door_reload(door, note, NULL);
	ck_assert_uint_eq(n_dismissed, 1);
	has(refuses(web, MSG_SUBMIT), "is read");
	ck_assert_ptr_null(refuses(web, MSG_STATS));
	ck_assert_uint_eq(enters("web", KEYS_CLIENT), web);
	end();
}
END_TEST

START_TEST(test_bad_reload_changes_nothing)
{
	uint32_t web;

	begin();
	web = enters("web", KEYS_CLIENT);
	unlink(folder_path("clients/web.key"));
	folder_write("clients/bad.key", "nonsense", 0600);
	door_reload(door, note, NULL);
	ck_assert_uint_eq(n_dismissed, 0);
	ck_assert_ptr_null(refuses(web, MSG_SUBMIT));
	unlink(folder_path("clients/bad.key"));
	door_reload(door, note, NULL);
	ck_assert_uint_eq(n_dismissed, 1);
	end();
}
END_TEST

START_TEST(test_bad_directory)
{
	void *c = zmq_ctx_new();

	folder_make();
	ck_assert_ptr_null(door_new(c, folder, err));
	has(err, "broker.key_secret");
	zmq_ctx_term(c);
	folder_remove();
}
END_TEST

SUITE_MAIN("door", test_principals, test_strangers, test_jobs_are_for_one, test_reload, test_role_changes,
           test_bad_reload_changes_nothing, test_bad_directory)
