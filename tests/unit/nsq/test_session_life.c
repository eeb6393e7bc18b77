/* A session's life: heartbeats and deadlines, layers that are put on, AUTH, how it ends. */
#include <stdlib.h>

#include "tests/unit/base/suite.h"
#include "tests/unit/nsq/session_rig.h"

#define TOLD(r, text)  ck_assert_str_eq(rig_told(r), text)
#define ASKED(r, text) ck_assert_str_eq(rig_asked(r), text)

static void begin(struct rig *r)
{
	rig_init(r);
	rig_begin(r);
	FEED(r, "  V2");
}

static void end(struct rig *r)
{
	rig_end(r);
	rig_fini(r);
}

#define PUB_A  "PUB a\n\0\0\0\1x"
#define ID_1_0 "0000000000000040"

/* ---- time ---- */

START_TEST(test_time)
{
	struct rig r;

	rig_init(&r);
	rig_begin(&r);
	ck_assert_uint_eq(session_deadline(r.s), 1000 + SESSION_MAGIC_MS);
	session_tick(r.s, 1000 + SESSION_MAGIC_MS - 1);
	TOLD(&r, "");
	session_tick(r.s, 1000 + SESSION_MAGIC_MS);
	TOLD(&r, "x\n");
	rig_end(&r);
	rig_begin(&r);
	FEED(&r, "  V2");
	ck_assert_uint_eq(session_deadline(r.s), 31000);
	session_tick(r.s, r.now = 31000);
	TOLD(&r, "_heartbeat_\n");
	FEED(&r, "NO");
	FEED(&r, "P\n");
	FEED(&r, "PUB t\n\0\0\0\5he"); /* a command that never ends */
	session_tick(r.s, r.now = 61000);
	TOLD(&r, "_heartbeat_\n");
	session_tick(r.s, r.now = 90999);
	TOLD(&r, "");
	session_tick(r.s, r.now = 91000);
	TOLD(&r, "x\n");
	ck_assert_uint_eq(session_deadline(r.s), UINT64_MAX);
	rig_end(&r);
	r.now = 1000;
	rig_begin(&r);
	FEED(&r, "  V2IDENTIFY\n\0\0\0\31{\"heartbeat_interval\":-1}");
	TOLD(&r, "OK\n");
	ck_assert_uint_eq(session_heartbeat_ms(r.s), 0);
	ck_assert_uint_eq(session_deadline(r.s), UINT64_MAX);
	end(&r);
}
END_TEST

/* ---- upgrades ---- */

#define UPGRADES "IDENTIFY\n\0\0\0\75{\"feature_negotiation\":true,\"tls_v1\":true,\"deflate\":true    }"

START_TEST(test_upgrades)
{
	struct session_layers layers = { "TLS1.3", "TLS_AES_128_GCM_SHA256", "bob" };
	struct rig r;
	int level = 0;

	begin(&r);
	r.config.with_tls = r.config.tls_required = true;
	FEED(&r, UPGRADES "NOP\n");
	ck_assert_ptr_nonnull(strstr(rig_told(&r), "\"tls_v1\":true,\"deflate\":true,"));
	ck_assert_uint_eq(session_wants(r.s), 0);
	ck_assert_int_eq(session_upgrade(r.s, &level), UPGRADE_TLS);
	session_tick(r.s, r.now += 40000);
	TOLD(&r, ""); /* no heartbeat in a handshake */
	session_upgraded(r.s, &layers, r.now);
	TOLD(&r, "OK\n");
	ck_assert_int_eq(session_upgrade(r.s, &level), UPGRADE_DEFLATE);
	ck_assert_int_eq(level, 6);
	session_upgraded(r.s, &layers, r.now);
	TOLD(&r, "OK\n");
	ck_assert_int_eq(session_upgrade(r.s, &level), UPGRADE_NONE);
	ck_assert_uint_gt(session_wants(r.s), 0);
	FEED(&r, PUB_A);
	TOLD(&r, "OK\n");
	FEED(&r, UPGRADES);
	TOLD(&r, "E_IDENTIFY_FAILED TLS or compression is on already\nx\n");
	end(&r);
}
END_TEST

START_TEST(test_tls_required)
{
	struct rig r;

	begin(&r);
	r.config.with_tls = r.config.tls_required = true;
	FEED(&r, PUB_A);
	TOLD(&r, "E_INVALID cannot PUB in current state (TLS required)\nx\n");
	rig_end(&r);
	rig_begin(&r);
	FEED(&r, "  V2FOO\n");
	TOLD(&r, "E_INVALID cannot FOO in current state (TLS required)\nx\n");
	end(&r);
}
END_TEST

/* ---- AUTH ---- */

START_TEST(test_auth)
{
	struct rig r;

	begin(&r);
	r.world.auth = &r.auth;
	FEED(&r, PUB_A);
	TOLD(&r, "E_AUTH_FIRST AUTH required before PUB\nx\n");
	rig_end(&r);
	rig_begin(&r);
	FEED(&r, "  V2AUTH\n\0\0\0\6secret" PUB_A);
	ck_assert_str_eq(r.auth.question, "secret from 10.0.0.7 as , plain");
	ck_assert_uint_eq(session_wants(r.s), 0);
	fake_auth_answer(&r.auth, 1, 10, true);
	rig_turn(&r);
	TOLD(&r, "{\"identity\":\"bob\",\"identity_url\":\"http://x/bob\",\"permission_count\":1}\nOK\n");
	r.now += 9999;
	FEED(&r, PUB_A);
	TOLD(&r, "OK\n");
	r.now++; /* the answer is too old: it is asked again */
	FEED(&r, PUB_A "SUB no c\n");
	ck_assert_uint_eq(r.auth.asked, 2);
	fake_auth_answer(&r.auth, 1, 10, true);
	rig_turn(&r);
	TOLD(&r, "OK\nE_UNAUTHORIZED AUTH failed for SUB on \"no\" \"c\"\nx\n");
	end(&r);
}
END_TEST

START_TEST(test_auth_refused)
{
	static const char *const told[] = { "E_AUTH_FAILED AUTH failed\nx\n",
		                            "E_UNAUTHORIZED AUTH no authorizations found\nx\n" };
	struct rig r;

	for (int i = 0; i < 2; i++) {
		begin(&r);
		r.world.auth = &r.auth;
		FEED(&r, "AUTH\n\0\0\0\1s");
		fake_auth_answer(&r.auth, 0, 10, i == 1);
		rig_turn(&r);
		TOLD(&r, told[i]);
		end(&r);
	}
	begin(&r);
	r.world.auth = &r.auth;
	FEED(&r, "AUTH\n\0\0\0\1s");
	fake_auth_answer(&r.auth, 2, 10, true);
	rig_turn(&r);
	rig_told(&r);
	FEED(&r, "AUTH\n\0\0\0\1s");
	TOLD(&r, "E_INVALID AUTH already set\nx\n");
	rig_end(&r);
	rig_begin(&r);
	FEED(&r, "  V2AUTH\n\0\0\0\1s");
	fake_auth_answer(&r.auth, 2, 10, true);
	rig_turn(&r);
	rig_told(&r);
	r.now += 10000;
	FEED(&r, "MPUB nope\n");
	fake_auth_answer(&r.auth, 2, 10, false);
	rig_turn(&r);
	TOLD(&r, "E_AUTH_FAILED AUTH failed\nx\n");
	rig_end(&r);
	rig_begin(&r);
	FEED(&r, "  V2AUTH\n\0\0\0\1s");
	end(&r); /* while it is asked about */
	ck_assert_uint_eq(r.auth.cancelled, 1);
}
END_TEST

/* ---- ends ---- */

START_TEST(test_client_ends)
{
	struct rig r;

	begin(&r);
	r.manual = true;
	FEED(&r, PUB_A "NO");
	session_end(r.s);
	TOLD(&r, "");
	ck_assert(fake_hub_answer(&r.hub, SHEAF_OK, ""));
	TOLD(&r, "OK\nx\n");
	rig_end(&r);
	rig_begin(&r);
	FEED(&r, "  V2SUB t c\n");
	ck_assert(fake_hub_answer(&r.hub, SHEAF_OK, ""));
	session_end(r.s);
	TOLD(&r, "OK\nx\n");
	end(&r);
}
END_TEST

START_TEST(test_broker_ends)
{
	struct rig r;

	begin(&r);
	FEED(&r, "SUB t c\nRDY 10\n");
	TOLD(&r, "OK\n");
	rig_asked(&r);
	rig_deliver(&r, 1, 1, 1);
	session_drain(r.s);
	ASKED(&r, "credit 0 1048566\n");
	TOLD(&r, "MSG 77 1 " ID_1_0 " m0\n");
	FEED(&r, "FIN " ID_1_0 "\n");
	ASKED(&r, "finish 1 1 1 0\n");
	TOLD(&r, "x\n");
	rig_end(&r);
	rig_begin(&r);
	FEED(&r, "  V2");
	session_drain(r.s);
	TOLD(&r, "x\n");
	end(&r);
}
END_TEST

SUITE_MAIN("session_life", test_time, test_upgrades, test_tls_required, test_auth, test_auth_refused, test_client_ends,
           test_broker_ends)
