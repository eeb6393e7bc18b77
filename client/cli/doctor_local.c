/* What `sheaf doctor` finds out about this machine. See doctor.h. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <unistd.h>
#include <zmq.h>

#include "base/suggest.h"
#include "broker/smtp/smtp_options.h"
#include "client/cli/doctor.h"
#include "keys/keys.h"

enum { FILES_LEAST = 1024 };

bool doctor_keys(struct doctor *d)
{
	const char *dir = d->c->flags.keys;
	struct keys_own keys;
	char err[KEYS_ERR];
	struct stat st;

	if (!dir) {
		if (cli_is_local(d->c))
			doctor_say(d, FINDING_OK, "keys", NULL, "none, and what is said stays on this machine");
		else
			doctor_say(d, FINDING_WARN, "keys", "'sheaf keygen DIR' makes keys",
			           "none: what is said can be read and forged on the way to the broker");
		return true;
	}
	if (keys_own_read(dir, KEYS_CLIENT, &keys, err) != 0) {
		doctor_say(d, FINDING_FAIL, "keys", "'sheaf help keygen' says what belongs where", "%s", err);
		return false;
	}
	keys_own_wipe(&keys);
	if (stat(dir, &st) == 0 && st.st_mode & (S_IWGRP | S_IWOTH))
		doctor_say(d, FINDING_WARN, "keys", "chmod 700 ends that",
		           "others may write to %s and put their keys there", dir);
	else
		doctor_say(d, FINDING_OK, "keys", NULL, "what is said is encrypted, with the keys in %s", dir);
	return true;
}

static void look_at_limits(struct doctor *d)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	if (limit.rlim_max < FILES_LEAST)
		doctor_say(d, FINDING_WARN, "files",
		           "raise it (ulimit -Hn, or LimitNOFILE= in a unit) before sheafd or sheaf-worker run here",
		           "a process may open %llu files", (unsigned long long)limit.rlim_max);
	else
		doctor_say(d, FINDING_OK, "files", NULL, "a process may open %llu", (unsigned long long)limit.rlim_max);
}

static void look_at_zmq(struct doctor *d)
{
	int major, minor, patch;

	zmq_version(&major, &minor, &patch);
	if (major < 4 || (major == 4 && minor < 3))
		doctor_say(d, FINDING_WARN, "zeromq", "Sheaf is made for 4.3 and later", "%d.%d.%d", major, minor,
		           patch);
	else
		doctor_say(d, FINDING_OK, "zeromq", NULL, "%d.%d.%d%s", major, minor, patch,
		           zmq_has("curve") ? ", with CURVE" : "");
}

static void look_at_time(struct doctor *d)
{
	struct timex t = { 0 };
	int state = ntp_adjtime(&t);

	if (state < 0)
		return; /* not allowed here */
	if (state == TIME_ERROR || t.status & STA_UNSYNC)
		doctor_say(d, FINDING_WARN, "time", "let chrony or systemd-timesyncd keep it",
		           "the clock of this machine is not synchronized");
	else
		doctor_say(d, FINDING_OK, "time", NULL, "the clock of this machine is synchronized");
}

/* ---- the environment ---- */

/* What handlers find, and what the other programs take beside our own options and those of mail. */
static const char *const elsewhere[] = {
	"JOB_ID",
	"QUEUE",
	"ATTEMPT",
	"TOKEN",
	"TOPIC",
	"CHANNEL",
	"MESSAGE_ID",
	"BUILTIN",
	"CHECK",
	"CHECK_CONFIG",
	"CONFIG",
	"DATA",
	"DISK",
	"FSYNC",
	"GRACE",
	"KEEP",
	"KEEP_BYTES",
	"LIMIT_CPU",
	"LIMIT_MEM",
	"LIMIT_OUTPUT",
	"LIVENESS",
	"MAX_DELIVERIES",
	"MAX_MESSAGE",
	"MEMORY",
	"NAME",
	"NSQ",
	"NSQ_AUTH",
	"NSQ_AUTH_METHOD",
	"NSQ_BROADCAST",
	"NSQ_CONNECTIONS",
	"NSQ_HTTP",
	"NSQ_HTTPS",
	"NSQ_LOOKUPD",
	"NSQ_MAX_BODY_SIZE",
	"NSQ_MAX_CHANNEL_CONSUMERS",
	"NSQ_MAX_DEFLATE_LEVEL",
	"NSQ_MAX_HEARTBEAT",
	"NSQ_MAX_MSG_SIZE",
	"NSQ_MAX_MSG_TIMEOUT",
	"NSQ_MAX_RDY",
	"NSQ_MAX_REQ_TIMEOUT",
	"NSQ_MSG_TIMEOUT",
	"NSQ_TLS_CA",
	"NSQ_TLS_CERT",
	"NSQ_TLS_CLIENT_AUTH",
	"NSQ_TLS_KEY",
	"NSQ_TLS_MIN_VERSION",
	"NSQ_TLS_REQUIRED",
	"PIPE",
	"PLUGIN",
	"RESULTS",
	"SEGMENT",
	"WORKERS",
};
static const struct option_spec mail[] = { SMTP_OPTIONS("smtp", "smtp-") };

/* Whether the variable is that of an option; else it may be what was meant. */
static bool is_variable(struct suggest *s, const char *bare, const char *option)
{
	char key[64];
	size_t n = 0;

	for (; option[n] && n + 1 < sizeof key; n++)
		key[n] = (char)(option[n] == '-' ? '_' : toupper((unsigned char)option[n]));
	key[n] = 0;
	suggest_offer(s, key);
	return strcmp(bare, key) == 0;
}

const char *doctor_variable(const char *name)
{
	static char best[80];
	struct suggest s;
	const char *bare = name + strlen("SHEAF_");

	if (strncmp(bare, "H_", 2) == 0)
		return NULL; /* a header */
	suggest_init(&s, bare);
	for (size_t i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++) {
		if (strcmp(bare, elsewhere[i]) == 0)
			return NULL;
		suggest_offer(&s, elsewhere[i]);
	}
	for (size_t i = 0; i < sizeof mail / sizeof mail[0]; i++)
		if (is_variable(&s, bare, mail[i].name))
			return NULL;
	for (const struct option *o = flags_table; o->name; o++)
		if (is_variable(&s, bare, o->name))
			return NULL;
	snprintf(best, sizeof best, "%s%s", suggest_best(&s) ? "SHEAF_" : "", suggest_best(&s) ? suggest_best(&s) : "");
	return best;
}

static void look_at_environment(struct doctor *d)
{
	uint32_t n = 0, bad = 0;

	for (char **e = environ; *e; e++) {
		char name[128], advice[160];
		const char *near;

		if (strncmp(*e, "SHEAF_", 6) != 0)
			continue;
		n++;
		snprintf(name, sizeof name, "%.*s", (int)strcspn(*e, "="), *e);
		near = doctor_variable(name);
		if (!near)
			continue;
		bad++;
		snprintf(advice, sizeof advice, *near ? "did you mean %s?" : "nothing of Sheaf reads it", near);
		doctor_say(d, FINDING_WARN, "environment", advice, "%s is no option", name);
	}
	if (!bad)
		doctor_say(d, FINDING_OK, "environment", NULL,
		           n ? "%u variables for Sheaf, all of them known" : "no variables for Sheaf", n);
}

void doctor_local(struct doctor *d)
{
	look_at_limits(d);
	look_at_zmq(d);
	look_at_time(d);
	look_at_environment(d);
}
