/* The options of every command; see flags.h. */
#include "client/cli/flags.h"
#include "client/sheaf.h"

#define AT(field)   .offset = offsetof(struct flags, field)
#define POLICY      "submit run map race batch"
#define JOB         "submit run map race batch cron" /* what jobs of schedules may have, too */
#define DURATION_MS ((uint64_t)3650 * 24 * 3600 * 1000)

/* Flags and texts have no bounds; numbers, sizes and durations have. */
#define FLAG(text, for, field) .name = (text), .kind = OPTION_FLAG, .commands = (for), AT(field)
#define TEXT(text, for, field, shown)                                                                                  \
	.name = (text), .kind = OPTION_TEXT, .commands = (for), AT(field), .value = (shown)
#define WORD(text, for, field, shown)                                                                                  \
	.name = (text), .kind = OPTION_WORD, .commands = (for), AT(field), .value = (shown)
#define LIST(text, for, field, shown)                                                                                  \
	.name = (text), .kind = OPTION_LIST, .commands = (for), AT(field), .value = (shown)
#define BOUNDED(what, text, for, field, low, high, shown)                                                              \
	.name = (text), .kind = (what), .commands = (for), AT(field), .least = (low), .most = (high), .value = (shown)
#define NUMBER(text, for, field, low, high, shown) BOUNDED(OPTION_NUMBER, text, for, field, low, high, shown)
#define SIZE(text, for, field, low, high)          BOUNDED(OPTION_SIZE, text, for, field, low, high, "SIZE")
#define DURATION(text, for, field, low)            BOUNDED(OPTION_DURATION, text, for, field, low, DURATION_MS, "D")

const char EVERY_COMMAND[] = "*";

const struct option flags_table[] = {
	{ NUMBER("priority", JOB, priority, 0, LIMIT_PRIORITY, "0..9"), .standard = "4", .help = "9 runs first" },
	{ NUMBER("attempts", JOB, attempts, 1, LIMIT_ATTEMPTS, "N"),
	  .help = "how often a failing handler is tried; default: the queue's, 1 unless it was set" },
	{ DURATION("backoff", JOB, backoff_ms, 1),
	  .help = "pause before the second attempt, then doubled; default: the queue's, or none" },
	{ DURATION("backoff-max", JOB, backoff_max_ms, 1),
	  .help = "the longest pause between attempts; default: the queue's, or 1h" },
	{ DURATION("lease", JOB, lease_ms, 1),
	  .help = "time of an attempt, or until its handler's next touch; default: the queue's, or no bound" },
	{ DURATION("delay", POLICY, delay_ms, 1), .help = "do not run it before so long from now" },
	{ TEXT("at", POLICY, at, "TIME"), .help = "do not run it before this time, such as 2026-11-24T12:00:00Z" },
	{ TEXT("expires", JOB, expires, "D|TIME"),
	  .help = "do not begin it later than so long from now, or than this time" },
	{ TEXT("tenant", JOB, tenant, "NAME"), .help = "for whom it runs: the tenants of a queue take turns" },
	{ TEXT("group", JOB, group, "NAME"),
	  .help = "jobs of a group of the queue run one at a time, in the order of their submits" },
	{ TEXT("topic", POLICY, topic, "TOPIC"), .help = "publish the result there, too, beside results.QUEUE" },
	{ LIST("header", JOB, headers, "NAME=VALUE"),
	  .help = "goes with the job, in the handler's environment as SHEAF_H_NAME; may be repeated" },
	{ TEXT("key", "submit run race batch", key, "KEY"),
	  .help = "a repeat with the same key gets the first job's id; remembered for 24 h" },
	{ LIST("after", "submit run map batch", after, "ID[,ID...]"),
	  .help = "jobs and closed batches that must have ended well before it may run; may be repeated" },
	{ FLAG("after-any", "submit run map batch", after_any), .help = "with --after: however these end" },
	{ TEXT("batch", "submit run map race", into, "BATCH"), .help = "an open batch that it belongs to" },
	{ TEXT("then", "batch", then, "QUEUE"), .help = "new: submit a job to it when all have ended" },
	{ WORD("then-when", "batch", then_when, "success|any|failure"), .standard = "success",
	  .help = "new: if none failed, in any case, or if one failed" },
	{ TEXT("then-payload", "batch", then_payload, "TEXT|-"), .help = "new: that job's payload; - reads stdin" },
	{ DURATION("open-for", "batch", open_for_ms, 1),
	  .help = "new: it expires if it is open for longer; default: 24h" },
	{ NUMBER("replicas", "race", replicas, 1, LIMIT_REPLICAS, "N"),
	  .help = "different workers that may run it; 1 to 16" },
	{ DURATION("hedge", "race", hedge_ms, 1),
	  .help = "the next one begins when the one before is silent for so long, or fails; default: all at once" },
	{ FLAG("lines", "submit batch", lines), .help = "a job for each line of stdin" },
	{ FLAG("null", "submit batch map", null), .help = "records end in a NUL byte instead of a newline" },
	{ FLAG("lines", "pub", lines), .help = "a message for each line of stdin" },
	{ FLAG("null", "pub", null), .help = "a message for each record of stdin that ends in a NUL byte" },
	{ FLAG("null", "sub", null), .help = "a NUL byte behind each body instead of a newline" },
	{ NUMBER("batch", "pub", batch, 1, LIMIT_RECORDS, "N"),
	  .help = "messages that leave together at most; default: some thousand" },
	{ DURATION("delay", "pub", delay_ms, 1), .help = "nobody gets it before so long from now" },
	{ TEXT("channel", "sub topic", channel, "NAME"), .help = "the channel; sub: default: one of its own" },
	{ NUMBER("count", "sub", messages, 1, 1000000000000, "N"), .letter = 'n',
	  .help = "end after so many messages" },
	{ TEXT("exec", "sub", exec, "COMMAND"), .help = "run it for each message, which is on its stdin" },
	{ NUMBER("in-flight", "sub", in_flight, 1, LIMIT_EXECS, "N"), .letter = 'j', .standard = "1",
	  .help = "with --exec: commands at a time" },
	{ TEXT("since", "sub topic", since, "all|D|TIME"),
	  .help = "a new channel begins with what is kept: all, or since so long ago, or that time" },
	{ DURATION("lease", "sub", lease_ms, 1000),
	  .help = "a message that is not finished for so long goes to somebody else; default: 60s" },
	{ NUMBER("sample", "sub", sample, 1, 100, "1..100"),
	  .help = "so many of a hundred messages; the others are dropped" },
	{ FLAG("ordered", "map", ordered), .help = "results in the order of the input" },
	{ TEXT("joblog", "map", joblog, "FILE"), .help = "a line per finished job, in the format of GNU parallel" },
	{ FLAG("resume", "map", resume), .help = "skip the records that the joblog names already" },
	{ FLAG("resume-failed", "map", resume_failed), .help = "the same, but for those that failed: they run again" },
	{ FLAG("retry-failed", "map", retry_failed),
	  .help = "run again what failed, as the joblog has it; stdin is not read" },
	{ TEXT("halt", "map", halt, "never|soon|now[,fail=N[%]]"), .standard = "never",
	  .help = "when to stop before the input ends" },
	{ FLAG("tag", "map", tag), .help = "each line of a result behind its record and a tab" },
	{ NUMBER("in-flight", "map bench", in_flight, 1, LIMIT_CLIENT_WAITS, "N"), .letter = 'j',
	  .help = "jobs that are submitted and not finished, at most" },
	{ TEXT("tz", "cron", tz, "ZONE"), .help = "whose clocks count, such as Europe/Berlin; default: UTC" },
	{ WORD("missed", "cron", missed, "once|skip"), .standard = "once",
	  .help = "what was missed runs once when it can, or not at all" },
	{ FLAG("replace", "cron", replace), .help = "put this schedule in the place of the one with its name" },
	{ NUMBER("count", "cron", times, 1, LIMIT_CRON_NEXT, "N"), .letter = 'n', .standard = "5",
	  .help = "times that next shows" },
	{ FLAG("any", "wait", any), .help = "until the first of them has ended" },
	{ NUMBER("count", "queue", count, 1, LIMIT_PEEKED, "N"), .letter = 'n', .standard = "10",
	  .help = "jobs that peek shows" },
	{ NUMBER("count", "dead", most, 1, LIMIT_DEAD, "N"), .letter = 'n',
	  .help = "so many, the oldest first; default: all" },
	{ DURATION("older", "dead", older_ms, 1), .help = "dead for longer than this" },
	{ DURATION("newer", "dead", newer_ms, 1), .help = "dead for less than this" },
	{ TEXT("error", "dead", error, "TEXT"), .help = "with this in the error of the last attempt" },
	{ TEXT("rate", "dead", rate, "N/s"),
	  .help = "redrive so many in a time, such as 100/s or 6/m; default: at once" },
	{ NUMBER("count", "top", snapshots, 1, 1000000000, "N"), .letter = 'n',
	  .help = "print what it sees so often, and end" },
	{ DURATION("interval", "top", interval_ms, 100), .standard = "1s", .help = "between two looks" },
	{ TEXT("queue", "bench", queue, "QUEUE"), .standard = "bench", .help = "where the jobs go" },
	{ WORD("mode", "bench", mode, "one|pipelined|batched|all"), .standard = "all", .help = "what is measured" },
	{ NUMBER("jobs", "bench", jobs, 1, 1000000000, "N"),
	  .help = "jobs of each measurement; default: as many as the time allows" },
	{ DURATION("seconds", "bench", seconds_ms, 1), .standard = "3s", .help = "how long each measurement takes" },
	{ SIZE("payload", "bench", payload, 0, LIMIT_PAYLOAD), .standard = "200", .help = "bytes of each job" },
	{ NUMBER("batch", "bench", batch, 1, LIMIT_RECORDS, "N"),
	  .help = "jobs in a message when batched; default: 64, then 256" },
	{ TEXT("man-pages", "help", man_pages, "DIR"),
	  .help = "write the manual pages of all commands into DIR, for packages" },
	{ TEXT("add", "keygen", add, "NAME"), .help = "make one key more, of that name" },
	{ WORD("role", "keygen", role, "submit|work|read|admin"), .help = "what it may be used for: see above" },
	{ TEXT("broker", EVERY_COMMAND, broker, "URL"), .standard = SHEAF_DEFAULT_BROKER,
	  .help = "where the broker is" },
	{ TEXT("keys", EVERY_COMMAND, keys, "DIR"), .help = "speak encrypted, with keys that sheaf keygen made" },
	{ DURATION("timeout", EVERY_COMMAND, timeout_ms, 0), .help = "for the whole command, such as 500ms 30s 5m 2h" },
	{ FLAG("insecure", EVERY_COMMAND, insecure),
	  .help = "allow a broker that is not on this machine, unencrypted" },
	{ FLAG("json", EVERY_COMMAND, json), .help = "output for programs" },
	{ FLAG("quiet", EVERY_COMMAND, quiet), .help = "no progress and no remarks" },
	{ FLAG("help", EVERY_COMMAND, help), .letter = 'h', .help = "what the command does" },
	{ FLAG("version", EVERY_COMMAND, version), .help = "which version this is" },
	{ 0 },
};
