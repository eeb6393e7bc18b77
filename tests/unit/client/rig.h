/* A client session under a made-up clock, its inputs by hand, its outputs as text: one line for each frame
 * that it sends and each event that it hands out. The tests compare such traces. */
#ifndef SHEAF_TESTS_CLIENT_RIG_H
#define SHEAF_TESTS_CLIENT_RIG_H

#include <check.h>

#include "base/buf.h"
#include "client/session.h"
#include "proto/codec.h"

enum { RIG_SESSION = 77 };

struct rig {
	struct csession *c;
	struct msg_room *room;
	uint64_t now_ms;
	struct buf trace; /* since rig_expect */
};

void rig_init(struct rig *r);
void rig_fini(struct rig *r);

/* Takes every effect that is due, and notes them. */
void rig_run(struct rig *r);
/* Time passes, in steps of 10 ms, with rig_run after each tick. */
void rig_pass(struct rig *r, uint64_t ms);
/* Compares what has been noted, and forgets it. */
void rig_expect(struct rig *r, const char *trace);
void rig_forget(struct rig *r);

/* A message of the broker's comes: kind and number are given, the body is in `m`. Notes the events. */
void rig_in(struct rig *r, enum msg_kind kind, uint64_t number, struct msg m);
/* The common ones. */
void rig_welcome(struct rig *r);
void rig_accepted(struct rig *r, uint64_t number, uint64_t first, uint32_t count);
void rig_result(struct rig *r, uint64_t pushed, uint64_t id);
void rig_pong(struct rig *r, uint64_t number, uint64_t pushed);
void rig_refused(struct rig *r, uint64_t number, enum sheaf_error e);

/* Connects: after it the session is open and idle, and its first ping has been answered. */
void rig_open(struct rig *r);
/* Posts `n` jobs with the tags from `tag` on, and lets them go. */
void rig_post(struct rig *r, uint32_t n, uint64_t tag);

/* Runs the tests, each between setup and teardown; returns main's status. */
int rig_suite(const char *name, void (*setup)(void), void (*teardown)(void), const TTest *const *tests, size_t n);

#endif
