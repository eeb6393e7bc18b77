/* sheaf-worker: options, then the I/O thread. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/options.h"
#include "base/text.h"
#include "base/units.h"
#include "proto/codec.h"
#include "proto/endpoint.h"
#include "worker/choose.h"
#include "worker/cpus.h"
#include "worker/discover.h"
#include "worker/io.h"
#include "worker/setup.h"

static const struct option_spec specs[] = {
	{ "jobs", 'j', "SLOTS", "jobs that run at the same time; default: the CPUs that it may use" },
	{ "name", 0, "NAME", "shown by `sheaf workers`; default HOST-PID" },
	{ "grace", 0, "D",
	  "how long a drain lets running jobs go on; default 30s. A job that is cancelled, or "
	  "ran out of its lease, gets TERM, and KILL so much later, 3s at most" },
	{ "pipe", 0, NULL, "COMMAND is one long-lived process per slot, with JSON lines in and out" },
	{ "plugin", 0, "FILE.so",
	  "a handler in C (sheaf_worker.h), called in the slots' threads; words behind -- are its own" },
	{ "builtin", 0, "NAME", "echo, noop, sleep (the payload is a duration) or fail, in place of a command" },
	{ "limit-mem", 0, "SIZE", "resident memory of a job's processes together; over it, the job is killed" },
	{ "limit-cpu", 0, "D", "processor time of a job's processes together; over it, the job is killed" },
	{ "limit-output", 0, "SIZE", "bytes of a job's result, and of its stderr; over it, the job is killed" },
	{ "dir", 0, "DIR", "working directory; tmp: is a fresh one for each job, removed when it ends" },
	{ "env", 0, "WORD...",
	  "clean: only PATH, HOME, USER, LANG, LC_*, TZ and TMPDIR of the worker's environment; keep: all "
	  "of it (default); NAME=VALUE is added. Any number of times" },
	{ "broker", 0, "URL", "where clients connect; default tcp://127.0.0.1:7400" },
	{ "timeout", 0, "D", "give up (exit 3) when the broker has not answered by then; default never" },
	{ "insecure", 0, NULL, "allow a broker that is not on this machine, unencrypted" },
	{ "keys", 0, "DIR", "speak encrypted, with the keys that `sheaf keygen` made" },
	{ "config", 0, "FILE", "read options from an INI file: name = value" },
	{ "quiet", 0, NULL, "log warnings and errors only" },
	{ "help", 'h', NULL, "this text" },
	{ "version", 0, NULL, "which version this is" },
};

enum { SPECS = sizeof specs / sizeof specs[0] };

struct settings {
	struct io_config io;
	struct setup setup;
	struct keys_own keys;
	struct choice choice;
};

static const struct options_fact signals[] = {
	{ "TERM, INT", "drains: takes nothing new; what runs finishes or is handed back when --grace ends" },
	{ "again", "leaves at once: what runs is handed back, and its processes are ended" },
	{ NULL, NULL },
};

static const struct options_fact exits[] = {
	{ "0", "it was told to end" },
	{ "2", "an option is wrong" },
	{ "3", "the broker did not answer within --timeout" },
	{ "4", "the broker would not have this worker from the start: its key is not known, or its role is not work" },
	{ "130", "it was told twice" },
	{ NULL, NULL },
};

static const struct options_page page = {
	.name = "sheaf-worker",
	.section = 1,
	.line = "runs the jobs of queues",
	.args = "QUEUE[,QUEUE...] [OPTION...] -- COMMAND [ARGUMENT...]",
	.text =
	    "Runs the jobs of the queues, a process per job: the payload is on its stdin, its stdout is the\n"
	    "result, its exit status the verdict; what a job that fails writes to stderr is its error. {} in an\n"
	    "argument is replaced by the payload. In its environment are:\n"
	    "SHEAF_JOB_ID   the job's id\n"
	    "SHEAF_QUEUE    its queue\n"
	    "SHEAF_ATTEMPT  which attempt this is, from 1\n"
	    "SHEAF_TOKEN    of this run, never used again: a fencing token for what the job writes to\n"
	    "SHEAF_H_NAME   each header NAME\n"
	    "SHEAF_PROGRESS_FD  a descriptor on which the job may tell of its progress\n"
	    "\n"
	    "Progress is a line: `touch`, `30 half done` (percent and a text, or one of them: `30`, `- a text`).\n"
	    "Each begins the job's lease anew, if it has one of its own (sheaf submit --lease); `sheaf touch`\n"
	    "writes such a line.\n"
	    "\n"
	    "With --pipe a process gets a line such as {\"id\":\"7\",\"token\":\"...\",\"queue\":\"q\",\"attempt\":1,\n"
	    "\"headers\":{},\"payload\":\"...\"} on stdin for each job, one after the other, and answers on stdout "
	    "with\n"
	    "{\"id\":\"7\",\"ok\":true,\"result\":\"...\"} or {\"id\":\"7\",\"error\":\"...\",\"exit\":1}; before "
	    "that,\n"
	    "{\"id\":\"7\",\"progress\":30,\"text\":\"...\"} or {\"id\":\"7\",\"touch\":true}. docs/handlers.md says "
	    "all.\n"
	    "\n"
	    "Prints one line `sheaf-worker ready ...` on stderr once it is attached to the broker.",
	.specs = specs,
	.n = SPECS,
	.signals = signals,
	.exits = exits,
	.example = "sheaf-worker thumbnails -j 4 -- convert - -resize 200x200 png:-",
	.see = "sheaf(1), sheafd(8), sheaf.conf(5)",
};

static int read_numbers(struct settings *s, const struct options *o, char *err)
{
	const char *slots = options_get(o, "jobs"), *grace = options_get(o, "grace"),
		   *timeout = options_get(o, "timeout");
	uint64_t n = cpus_usable();

	if (slots != NULL && !units_number(slots, 1, LIMIT_SLOTS, &n)) {
		text_format(err, OPTIONS_ERR, "-j: '%.60s' is no whole number from 1 to %d", slots, LIMIT_SLOTS);
		return -1;
	}
	s->io.slots = (uint32_t)(n < LIMIT_SLOTS ? n : LIMIT_SLOTS);
	s->io.grace_ms = 30000;
	s->io.start_timeout_ms = UINT64_MAX;
	if ((grace != NULL && !units_duration(grace, &s->io.grace_ms)) ||
	    (timeout != NULL && !units_duration(timeout, &s->io.start_timeout_ms))) {
		text_format(err, OPTIONS_ERR, "'%.60s' is no duration such as 500ms, 30s, 5m or 2h",
		            grace != NULL && !units_duration(grace, &n) ? grace : timeout);
		return -1;
	}
	return 0;
}

static int read_keys(struct settings *s, const struct options *o, char *err)
{
	const char *dir = options_get(o, "keys");
	char why[KEYS_ERR];

	if (dir == NULL && !endpoint_is_loopback(s->io.broker) && !options_flag(o, "insecure")) {
		text_format(err, OPTIONS_ERR,
		            "%.200s is not a loopback address and there are no keys: add --keys DIR (`sheaf keygen` "
		            "makes them), or --insecure to go on unencrypted",
		            s->io.broker);
		return -1;
	}
	if (dir == NULL)
		return 0;
	if (keys_own_read(dir, KEYS_WORKER, &s->keys, why) != 0) {
		text_format(err, OPTIONS_ERR, "--keys: %s", why);
		return -1;
	}
	s->io.keys = &s->keys;
	return 0;
}

static int read_settings(struct settings *s, const struct options *o, char *err)
{
	const char *broker = options_get(o, "broker");

	s->io.broker = broker != NULL ? broker : "tcp://127.0.0.1:7400";
	if (o->n_args != 1) {
		text_format(err, OPTIONS_ERR,
		            o->n_args == 0 ? "a queue is needed: sheaf-worker QUEUE -- COMMAND"
		                           : "unexpected word '%.100s': a command stands behind --",
		            o->n_args > 1 ? o->args[1] : "");
		return -1;
	}
	if (read_keys(s, o, err) != 0)
		return -1;
	if (setup_queues(&s->setup, o->args[0], err) != 0 || read_numbers(s, o, err) != 0 ||
	    setup_name(&s->setup, options_get(o, "name"), "--name", err) != 0 || choice_read(&s->choice, o, err) != 0)
		return -1;
	s->io.queues = s->setup.queues;
	s->io.n_queues = s->setup.n_queues;
	s->io.name = s->setup.name;
	s->io.handler = &s->choice.handler;
	return 0;
}

/* Descriptors 0 to 2 are there, so that no pipe of a job takes their place. */
static void fill_standard(void)
{
	int fd;

	while ((fd = open("/dev/null", O_RDWR)) >= 0 && fd <= STDERR_FILENO)
		;
	if (fd > STDERR_FILENO)
		close(fd);
}

/* Room for the descriptors of every slot. Handlers keep the limit that they had: some programs walk through all that
 * they may have. */
static int make_room(struct settings *s)
{
	enum { OURS = 64, A_SLOT = 16 };
	rlim_t need = OURS + (rlim_t)(s->choice.processes ? A_SLOT : 1) * s->io.slots;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= need)
		return 0;
	s->choice.exec.files = limit.rlim_cur;
	limit.rlim_cur = need;
	if (need <= limit.rlim_max && setrlimit(RLIMIT_NOFILE, &limit) == 0)
		return 0;
	fprintf(stderr,
	        "sheaf-worker: %u slots need %llu open files, the limit is %llu: see `ulimit -n`, or lower -j\n",
	        s->io.slots, (unsigned long long)need, (unsigned long long)limit.rlim_max);
	return -1;
}

static int serve(struct settings *s)
{
	enum { KILL_MOST_MS = 3000 }; /* before the broker loses patience with a lease that is over */
	char err[OPTIONS_ERR];
	sigset_t set;
	int status;

	fill_standard();
	if (make_room(s) != 0)
		return 2;
	/* before any thread, and before the signals are blocked: it is to live longer than all of them */
	if (choice_begin(&s->choice, s->io.slots, s->io.grace_ms < KILL_MOST_MS ? s->io.grace_ms : KILL_MOST_MS, err) !=
	    0) {
		fprintf(stderr, "sheaf-worker: %s\n", err);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	s->io.signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	must(s->io.signal_fd >= 0);
	status = io_run(&s->io);
	close(s->io.signal_fd);
	return status;
}

int main(int argc, char **argv)
{
	struct settings s = { .choice = { .exec = { .guardian = -1 } } };
	struct options o;
	char err[OPTIONS_ERR];
	int status = 0;

	if (options_man(&page, argc, argv))
		return 0;
	log_setup("sheaf-worker", LOG_INFO);
	if (options_parse(&o, specs, SPECS, argc, argv, err) != 0) {
		fprintf(stderr, "sheaf-worker: %s\n", err);
		status = 2;
	} else if (options_flag(&o, "help")) {
		options_help(&page);
	} else if (options_flag(&o, "version")) {
		printf("sheaf-worker %s\n", SHEAF_VERSION);
	} else if (read_settings(&s, &o, err) != 0) {
		fprintf(stderr, "sheaf-worker: %s\n", err);
		status = 2;
	} else {
		log_setup("sheaf-worker", options_flag(&o, "quiet") ? LOG_WARN : LOG_INFO);
		status = serve(&s);
	}
	keys_own_wipe(&s.keys);
	choice_end(&s.choice);
	options_fini(&o);
	return status;
}
