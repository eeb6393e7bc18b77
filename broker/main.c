/* sheafd: start-up, loop, shutdown. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"
#include "broker/edges.h"
#include "broker/loop.h"
#include "broker/verify.h"

enum { JOURNAL_BUFFER = 64 << 20 }; /* unsynced bytes at which submits are told to come back */

static bool replay(void *ctx, uint64_t position, struct span facts, const char **why)
{
	return core_replay(ctx, position, facts, why);
}

static int say(const char *err)
{
	fprintf(stderr, "sheafd: %s\n", err);
	return -1;
}

/* Termination signals come through a descriptor, in every thread that is made from here on. */
static int catch_signals(const struct config *c)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (c->keys != NULL)
		sigaddset(&set, SIGHUP); /* reads them again */
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static struct core *make_core(const struct config *c, const struct sockets *s)
{
	struct core_config cc;

	core_config_default(&cc);
	cc.segment_bytes = journal_segment_bytes(c->data, c->segment);
	cc.disk_cap = c->disk;
	cc.keep_ms = c->keep_ms;
	cc.keep_bytes = c->keep_bytes;
	cc.deliveries = c->deliveries;
	cc.liveness_ms = (uint32_t)c->liveness_ms;
	cc.beat_ms = cc.liveness_ms / 5 < DEFAULT_BEAT_MS ? cc.liveness_ms / 5 : DEFAULT_BEAT_MS;
	cc.workers_max = s->workers_max;
	cc.seed = rand_os();
	cc.message_max = c->max_message;
	cc.results = s->results_at;
	cc.workers = s->workers_at;
	cc.software = "sheafd " SHEAF_VERSION;
	return core_new(&cc);
}

static int open_journal(struct loop *l, struct journal_found *found)
{
	const struct config *c = l->config;
	struct journal_config jc = { .dir = c->data,
		                     .segment_bytes = c->segment,
		                     .memory_bytes = c->memory,
		                     .fsync_ms = c->fsync_ms,
		                     .buffer_bytes = JOURNAL_BUFFER };
	char err[512];

	if (journal_open(&jc, replay, l->core, found, &l->journal, err) != 0)
		return say(err);
	if (found->damaged > 0)
		log_line(LOG_ERROR, "journal-damage", "ranges=%llu bytes=%llu are in %s/quarantine",
		         (unsigned long long)found->damaged, (unsigned long long)found->damaged_bytes, c->data);
	if (found->torn_bytes > 0)
		log_line(LOG_INFO, "journal-torn", "bytes=%llu behind the last sync were cut",
		         (unsigned long long)found->torn_bytes);
	if (found->was_failed)
		log_line(LOG_WARN, "journal-rewritten",
		         "the last run ended with a failed write; its tail was written anew");
	return 0;
}

/* Begins the epoch and makes it durable before anybody is let in. */
static int begin(struct loop *l, const struct journal_found *found)
{
	struct journal_status s = { 0 };
	char err[512];

	l->now = (struct now){ clock_mono_ms(), clock_wall_ms() };
	l->started_ms = l->now.mono_ms;
	core_seen_epoch(l->core, found->epoch);
	core_start(l->core, l->now, found->tail, found->head, &l->fx);
	l->epoch = core_epoch(l->core);
	if (journal_start(l->journal, l->epoch, err) != 0)
		return say(err);
	loop_carry_out(l);
	journal_commit(l->journal);
	while (journal_synced(l->journal) < l->fx.head && !s.failed) {
		zmq_pollitem_t item = { NULL, journal_fd(l->journal), ZMQ_POLLIN, 0 };

		zmq_poll(&item, 1, 100);
		journal_woken(l->journal);
		journal_status(l->journal, &s);
	}
	return s.failed ? say(s.error) : 0;
}

static void announce(const struct loop *l)
{
	const struct config *c = l->config;
	char where[EDGES_WHERE];
	struct core_totals t;

	core_totals(l->core, &t);
	fprintf(
	    stderr,
	    "sheafd ready listen=%s results=%s workers=%s jobs=tcp://%s:%u-%u data=%s epoch=%llu jobs_waiting=%llu%s\n",
	    l->sockets.clients_at, l->sockets.results_at, l->sockets.workers_at, c->jobs_host, c->jobs_first,
	    c->jobs_last, c->data, (unsigned long long)l->epoch,
	    (unsigned long long)(t.jobs[JOB_READY] + t.jobs[JOB_RUNNING]), edges_where(l, where));
}

static int serve(struct loop *l)
{
	struct journal_found found;
	struct outbox_world world;
	char err[OPTIONS_ERR];

	if (sockets_open(&l->sockets, l->config, err) != 0)
		return say(err);
	if (edges_open(l, err) != 0)
		return say(err);
	l->core = make_core(l->config, &l->sockets);
	if (open_journal(l, &found) != 0)
		return -1;
	loop_world(l, &world);
	l->outbox = outbox_new(&world);
	l->room = msg_room_new();
	effects_init(&l->fx);
	if (begin(l, &found) != 0)
		return -1;
	if (edges_start(l, err) != 0)
		return say(err);
	announce(l);
	l->status = loop_run(l);
	log_line(LOG_INFO, "stopped", "status=%d", l->status);
	return 0;
}

static void clean_up(struct loop *l)
{
	while (l->first != NULL) {
		struct echo *next = l->first->next;

		free(l->first);
		l->first = next;
	}
	for (uint32_t i = 0; i < l->n_nonces; i++)
		buf_fini(&l->nonces[i].bytes);
	free(l->nonces);
	edges_free(l);
	journal_close(l->journal);
	outbox_free(l->outbox);
	sockets_close(&l->sockets);
	effects_fini(&l->fx);
	msg_room_free(l->room);
	core_free(l->core);
}

int main(int argc, char **argv)
{
	struct loop l = { 0 };
	struct config c;
	char err[OPTIONS_ERR];
	int status;

	if (options_man(&config_page, argc, argv))
		return 0;
	log_setup("sheafd", LOG_INFO);
	status = config_read(&c, argc, argv, err) != 0 ? 2 : 0;
	if (c.check_config && !c.help && !c.version && (status == 0 || c.mistakes.n > 0)) {
		status = config_check(&c);
	} else if (status != 0) {
		say(err);
	} else if (c.help) {
		options_help(&config_page);
	} else if (c.version) {
		printf("sheafd %s\n", SHEAF_VERSION);
	} else if (c.check) {
		status = verify(&c);
	} else {
		log_setup("sheafd", c.quiet ? LOG_WARN : LOG_INFO);
		umask(077);
		l.config = &c;
		l.signal_fd = catch_signals(&c);
		must(l.signal_fd >= 0);
		status = serve(&l) == 0 ? l.status : 1;
		clean_up(&l);
		close(l.signal_fd);
	}
	config_fini(&c);
	return status;
}
