/* A worker inside of another program; see sheaf_worker.h, part 2. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <zmq.h>

#include "base/log.h"
#include "base/text.h"
#include "proto/endpoint.h"
#include "worker/cpus.h"
#include "worker/discover.h"
#include "worker/io.h"
#include "worker/plugin.h"
#include "worker/setup.h"

enum { GRACE_MS = 30000 };

struct sheaf_worker {
	struct io_config io;
	struct setup setup;
	struct handler handler;
	struct native native;
	struct keys_own keys;
	char *broker, *queues; /* owned */
	pthread_t thread;
	int stop_fd; /* eventfd */
};

static void worker_free(sheaf_worker *w)
{
	keys_own_wipe(&w->keys);
	free(w->broker);
	free(w->queues);
	free(w);
}

static int wrong(char *err, const char *text)
{
	text_format(err, SHEAF_WORKER_ERR, "%s", text);
	return -1;
}

/* Whether it can be an address at all. */
static int check_broker(const sheaf_worker *w, char *err)
{
	void *context = zmq_ctx_new();
	struct discover *d;

	if (context == NULL)
		return wrong(err, "there is no memory for ZeroMQ");
	d = discover_new(context, w->broker, w->io.keys, err);
	discover_free(d);
	zmq_ctx_term(context);
	return d != NULL ? 0 : -1;
}

static int take_keys(sheaf_worker *w, const struct sheaf_worker_options *o, char *err)
{
	char why[KEYS_ERR];

	if (o->keys == NULL && !o->insecure && !endpoint_is_loopback(w->broker)) {
		text_format(err, SHEAF_WORKER_ERR,
		            "%.200s is not a loopback address and there are no keys: set `keys` (`sheaf keygen` makes "
		            "them), or `insecure` to go on unencrypted",
		            w->broker);
		return -1;
	}
	if (o->keys == NULL)
		return 0;
	if (keys_own_read(o->keys, KEYS_WORKER, &w->keys, why) != 0) {
		text_format(err, SHEAF_WORKER_ERR, "keys: %s", why);
		return -1;
	}
	w->io.keys = &w->keys;
	return 0;
}

static int take_options(sheaf_worker *w, const struct sheaf_worker_options *o, char *err)
{
	uint32_t slots = o->slots > 0 ? o->slots : cpus_usable();

	if (o->abi != SHEAF_WORKER_ABI) {
		text_format(err, SHEAF_WORKER_ERR, "abi: set it to SHEAF_WORKER_ABI, which is %d here",
		            SHEAF_WORKER_ABI);
		return -1;
	}
	if (o->queues == NULL || *o->queues == '\0')
		return wrong(err, "queues: a queue is needed");
	if (o->slots > LIMIT_SLOTS)
		return wrong(err, "slots: 1024 at most");
	w->broker = strdup(o->broker != NULL ? o->broker : "tcp://127.0.0.1:7400");
	w->queues = strdup(o->queues);
	must(w->broker != NULL && w->queues != NULL);
	if (take_keys(w, o, err) != 0 || setup_queues(&w->setup, w->queues, err) != 0 ||
	    setup_name(&w->setup, o->name, "name", err) != 0)
		return -1;
	w->io.broker = w->broker;
	w->io.name = w->setup.name;
	w->io.queues = w->setup.queues;
	w->io.n_queues = w->setup.n_queues;
	w->io.slots = slots < LIMIT_SLOTS ? slots : LIMIT_SLOTS;
	w->io.grace_ms = o->grace_ms > 0 ? o->grace_ms : GRACE_MS;
	w->io.start_timeout_ms = UINT64_MAX;
	w->io.embedded = true;
	return check_broker(w, err);
}

static sheaf_worker *make(const struct sheaf_worker_options *options, sheaf_handler *handler, void *arg, char *err)
{
	sheaf_worker *w = calloc(1, sizeof *w);

	must(w != NULL);
	err[0] = '\0';
	log_setup(program_invocation_short_name, LOG_WARN);
	if (take_options(w, options, err) != 0) {
		worker_free(w);
		return NULL;
	}
	w->native = (struct native){ .run = handler, .arg = arg };
	w->handler = (struct handler){ .name = "embedded", .run = native_run, .arg = &w->native };
	w->io.handler = &w->handler;
	return w;
}

static void *thread_run(void *arg)
{
	sheaf_worker *w = arg;

	io_run(&w->io);
	return NULL;
}

/* Its threads leave the program's signals alone; those that a thread raises itself cannot be blocked. */
static int start_thread(sheaf_worker *w)
{
	static const int own[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS };
	sigset_t all, before;
	int failed;

	sigfillset(&all);
	for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
		sigdelset(&all, own[i]);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(&w->thread, NULL, thread_run, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return failed;
}

sheaf_worker *sheaf_worker_start(const struct sheaf_worker_options *options, sheaf_handler *handler, void *arg,
                                 char err[SHEAF_WORKER_ERR])
{
	sheaf_worker *w = make(options, handler, arg, err);

	if (w == NULL)
		return NULL;
	w->stop_fd = w->io.signal_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->stop_fd < 0 || start_thread(w) != 0) {
		text_format(err, SHEAF_WORKER_ERR, "cannot start a thread: %s", strerror(errno));
		if (w->stop_fd >= 0)
			close(w->stop_fd);
		worker_free(w);
		return NULL;
	}
	return w;
}

void sheaf_worker_stop(sheaf_worker **w)
{
	uint64_t one = 1;

	if (*w == NULL)
		return;
	while (write((*w)->stop_fd, &one, sizeof one) < 0 && errno == EINTR)
		;
	pthread_join((*w)->thread, NULL);
	close((*w)->stop_fd);
	worker_free(*w);
	*w = NULL;
}

int sheaf_worker_run(const struct sheaf_worker_options *options, sheaf_handler *handler, void *arg,
                     char err[SHEAF_WORKER_ERR])
{
	sheaf_worker *w = make(options, handler, arg, err);
	sigset_t set, before;
	int status;

	if (w == NULL)
		return 2;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, &before);
	w->io.signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	must(w->io.signal_fd >= 0);
	status = io_run(&w->io);
	close(w->io.signal_fd);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	worker_free(w);
	if (status != 0)
		text_format(err, SHEAF_WORKER_ERR, "the broker does not accept this worker's key");
	return status;
}
