/* What the tests of schedules have in common: a rig with one client, and asking. The rig's wall clock begins at
 * 2023-11-14 22:14 UTC; the traces name times in minutes after that. To be included once in a test. */
#ifndef SHEAF_TESTS_UNIT_CORE_CRON_RIG_H
#define SHEAF_TESTS_UNIT_CORE_CRON_RIG_H

#include <stdio.h>

#include "tests/unit/core/rig.h"

static struct rig rig;
static uint64_t number;

static inline void setup(void)
{
	number = 0;
	rig_init(&rig);
	rig_client(&rig, 1);
}

static inline void teardown(void)
{
	rig_fini(&rig);
}

/* ---- asking ---- */

static inline struct msg_cron cron(const char *name, const char *spec)
{
	return (struct msg_cron){ .name = span_str(name),
		                  .spec = span_str(spec),
		                  .missed = CRON_ONCE,
		                  .queue = span_str("q"),
		                  .priority = 4,
		                  .payload = span_str("p") };
}

/* A client that was silent for long has to say hello again. */
static inline void ask(enum msg_kind kind, uint64_t n, struct msg m)
{
	rig_client(&rig, 1);
	rig_request(&rig, 1, n, kind, m);
}

static inline void add_as(struct msg_cron k, uint32_t flags)
{
	ask(MSG_CRON_SET, ++number, (struct msg){ .u.cron_set = { flags, k } });
}

static inline void add(const char *name, const char *spec)
{
	add_as(cron(name, spec), 0);
}

static inline void add_skip(const char *name, const char *spec)
{
	struct msg_cron k = cron(name, spec);

	k.missed = CRON_SKIP;
	add_as(k, 0);
}

static inline void op(const char *name, enum cron_op op)
{
	ask(MSG_CRON_OP, ++number, (struct msg){ .u.cron_op = { .name = span_str(name), .op = op } });
}

/* What the list says now, on its own. */
static inline void expect_list(const char *text)
{
	char line[1200];

	rig_forget(&rig);
	ask(MSG_CRON_LIST, 1000, (struct msg){ 0 });
	snprintf(line, sizeof line, "C1 crons #1000%s\n", text);
	rig_expect(&rig, line);
}

static inline void minutes(uint64_t n)
{
	rig_pass(&rig, n * 60000);
}

/* The wall goes on while the broker is down. */
static inline void down(uint64_t ms)
{
	rig.now.mono_ms += ms;
	rig.now.wall_ms += ms;
	rig_restart(&rig, true);
	rig_client(&rig, 1);
}

/* What a worker gets to see of it. */
static inline const char *header(uint64_t id, const char *name)
{
	static char out[100];
	size_t n = strlen(name);

	out[0] = '\0';
	ask(MSG_JOB_GET, ++number, (struct msg){ .u.one.id = id });
	for (uint32_t i = 0; i < rig.fx.n; i++) {
		struct span h = rig.fx.v[i].kind == FX_REPLY && rig.fx.v[i].u.msg->h.kind == MSG_JOB_INFO
		                    ? rig.fx.v[i].u.msg->u.job_info.headers
		                    : (struct span){ 0 };

		for (size_t at = 0; at < h.n; at += strlen((const char *)h.p + at) + 1)
			if (strncmp((const char *)h.p + at, name, n) == 0 && h.p[at + n] == '=')
				snprintf(out, sizeof out, "%s", (const char *)h.p + at + n + 1);
	}
	return out;
}

#endif
