/* See commands.h. */
#include "client/cli/commands.h"

#include <string.h>

#include "base/suggest.h"

static const struct command table[] = {
	{ "submit", "QUEUE [PAYLOAD|-]", CMD_SUBMIT, 1, 2, "submit a job, or a job for each line of stdin",
	  "Prints each job's id on a line once that job is durable. Without PAYLOAD, or with -, the\n"
	  "exact bytes of stdin are one job; with --lines or --null there is a job for each record,\n"
	  "without its terminator, and the ids come in the order of the input.",
	  "sheaf submit thumbnails photo.jpg\n"
	  "find . -name '*.jpg' -print0 | sheaf submit thumbnails --null --priority 2",
	  cmd_submit },
	{ "run", "QUEUE [PAYLOAD|-]", CMD_RUN, 1, 2, "submit a job, wait, print its result",
	  "Prints the exact bytes of the result and ends as the handler did: with its exit status, or\n"
	  "1 if it failed without one. What a failed handler wrote to stderr goes to stderr. The job is\n"
	  "cancelled when --timeout runs out (exit 124) or on SIGINT (130).",
	  "sheaf run words <chapter.txt", cmd_run },
	{ "map", "QUEUE", CMD_MAP, 1, 1, "a job for each line of stdin, their results on stdout",
	  "Each result ends with one newline (NUL with --null), unless it has one. Results come as the\n"
	  "jobs finish; with --ordered, in the order of the input. What is in flight is bounded, so the\n"
	  "input may be of any size. The errors of failed jobs go to stderr, behind the number of their\n"
	  "record; then the exit status is 1.\n"
	  "The first SIGINT stops submitting, cancels what has not started and waits for what runs; the\n"
	  "second leaves at once.",
	  "find docs -type f | sheaf map words --joblog words.log >counts\n"
	  "find docs -type f | sheaf map words --joblog words.log --resume >>counts",
	  cmd_map },
	{ "wait", "ID...", CMD_WAIT, 1, -1, "wait until jobs or batches have ended",
	  "Prints a line `ID STATE` for each as it ends. Ids of batches begin with b. The exit status is\n"
	  "0 if all are done, 1 if any ended otherwise, 4 if an id is unknown.",
	  "sheaf wait 17 18 19 --timeout 10m\n"
	  "sheaf submit sleepers --lines <list | xargs sheaf wait",
	  cmd_wait },
	{ "result", "ID", CMD_RESULT, 1, 1, "print the result of a job that has ended",
	  "Prints its exact bytes and never waits: a job that has not finished, or whose result is no\n"
	  "longer kept, is exit status 4. If the job failed, its error goes to stderr and the status is 1.",
	  "sheaf result 17 >thumbnail.png", cmd_result },
	{ "job", "ID", CMD_JOB, 1, 1, "what a job is now",
	  "Prints its queue, state, attempts, worker, times and error.", "sheaf job 17", cmd_job },
	{ "cancel", "ID...", CMD_CANCEL, 1, -1, "cancel jobs",
	  "What runs is stopped. A job that has ended, or is unknown, is exit status 4.", "sheaf cancel 17 18",
	  cmd_cancel },
	{ "queues", "", CMD_QUEUES, 0, 0, "list the queues",
	  "A line for each queue: its jobs by state, and its workers.", "sheaf queues", cmd_queues },
	{ "queue", "NAME [pause|resume|purge|peek|delete]", CMD_QUEUE, 1, -1, "show or change a queue",
	  "pause    lets its jobs wait; what runs goes on\n"
	  "resume   ends a pause\n"
	  "purge    cancels every job that has not started\n"
	  "peek     shows the jobs that run next (-n N of them)\n"
	  "delete   removes the queue, once it has neither jobs nor workers\n"
	  "Without one of these it prints how many jobs the queue has in each state; those that have\n"
	  "ended count since it was created.",
	  "sheaf queue thumbnails\n"
	  "sheaf queue thumbnails peek -n 3",
	  cmd_queue },
	{ "workers", "", CMD_WORKERS, 0, 2, "list the workers",
	  "A line for each worker that is attached to the broker.", "sheaf workers", cmd_workers },
	{ "stats", "", CMD_STATS, 0, 0, "the broker's counters", "A line `NAME VALUE` for each.", "sheaf stats --json",
	  cmd_stats },
	{ "ping", "", CMD_PING, 0, 0, "see whether the broker answers",
	  "Prints how long a round trip took. Exit status 3 if the broker does not answer.", "sheaf ping --timeout 30s",
	  cmd_ping },
	{ "bench", "", CMD_BENCH, 0, 0, "measure broker and workers",
	  "Prints jobs per second and percentiles of the time from submit to result: for one job at a\n"
	  "time, pipelined (a message per job) and batched; beside them what the disk and ZeroMQ alone\n"
	  "can do, and each process's share of the processors. A worker has to serve the queue:\n"
	  "    sheaf-worker bench --builtin noop",
	  "sheaf bench --mode batched --seconds 10s", cmd_bench },
	{ "help", "[COMMAND]", CMD_HELP, 0, 1, "what a command does", "Without COMMAND it lists them all.",
	  "sheaf help map", cmd_help },
	{ 0 },
};

/* Commands to come. */
static const char *const later[] = { "race", "retry", "dead",   "pub",    "sub",        "topics", "topic",
	                             "top",  "cron",  "keygen", "doctor", "completion", "batch" };

const struct command *commands_table(void)
{
	return table;
}

const struct command *commands_find(const char *name)
{
	struct suggest s;

	for (const struct command *k = table; k->name; k++)
		if (strcmp(k->name, name) == 0)
			return k;
	for (size_t i = 0; i < sizeof later / sizeof later[0]; i++) {
		if (strcmp(later[i], name) == 0) {
			cli_say("'%s' is not built yet", name);
			return NULL;
		}
	}
	suggest_init(&s, name);
	for (const struct command *k = table; k->name; k++)
		suggest_offer(&s, k->name);
	if (suggest_best(&s))
		cli_say("unknown command '%s': did you mean '%s'?", name, suggest_best(&s));
	else
		cli_say("unknown command '%s': 'sheaf help' lists them", name);
	return NULL;
}
