/* A queue's settings as people type and read them: concurrency=4, rate=100/s, keep=2h, keep-bytes=64M. Pure. */
#ifndef SHEAF_CLI_SETTINGS_H
#define SHEAF_CLI_SETTINGS_H

#include <stdbool.h>

#include "base/must.h"
#include "proto/msg.h"
#include "proto/setting.h"

enum { SETTINGS_WHY = 320, SETTINGS_SHOWN = 32 };

/* Reads KEY=VALUE, or KEY=default. The name in *out is static. False with a sentence in `why`. */
MUST_CHECK bool settings_parse(const char *word, struct msg_setting_rec *out, char why[SETTINGS_WHY]);

/* Jobs per day of "100/s", "6/m", "500/h" or "50/d". */
MUST_CHECK bool settings_rate(const char *text, uint64_t *v);

/* The value as settings_parse would take it; a name that is not known, as from a newer broker, shows a bare number. */
const char *settings_show(const struct msg_setting_rec *s, char out[SETTINGS_SHOWN]);

/* Whether its value is a bare number: a count. */
bool settings_is_count(struct span name);

/* The i-th of SETTINGS: its name, its default and what it means. */
struct setting_text {
	const char *name;
	const char *standard;
	const char *meaning;
};
struct setting_text settings_text(unsigned i);

#endif
