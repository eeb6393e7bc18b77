/* `sheaf map`: feeds records to the broker, bounded in flight; see map.h. */
#include "client/cli/map.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "client/cli/commands.h"

enum {
	IN_FLIGHT = 8192,  /* unless told otherwise: enough to keep a broker busy, little enough to cancel */
	WINDOWS = 8,       /* with --ordered: how far ahead of the oldest unfinished record, in times of that */
	GIVE_UP_MS = 2000, /* how long a map that gives up waits for cancellations */
};

#define FLIGHT_BYTES (256 * MIB) /* payloads in flight; beyond, no more is read */
#define ORDER_BYTES  (256 * MIB) /* results that wait for their turn; beyond, no more is read */

void map_end(struct map *m, int status)
{
	m->ended = true;
	if (!m->status)
		m->status = status;
}

bool map_flush(struct map *m)
{
	if (!out_flush(&m->c->out)) {
		map_end(m, EXIT_FAILED); /* cli_finish says it */
		return false;
	}
	if (!m->logs || joblog_flush(&m->log))
		return true;
	if (!m->log_failed)
		cli_say("cannot write to %s: %s", m->c->flags.joblog, strerrordesc_np(m->log.out.error));
	m->log_failed = true;
	map_end(m, EXIT_FAILED);
	return false;
}

/* ---- records in ---- */

static void post(struct map *m, struct span record)
{
	uint32_t at = m->free;
	struct map_job *j = &m->jobs[at];
	enum sheaf_error e = sheaf_post(m->c->s, m->c->args[0], &m->policy, record, at, true);

	if (e) {
		progress_clear(&m->progress);
		map_end(m, cli_error(m->c, e));
		return;
	}
	m->free = j->next;
	m->n_jobs++;
	m->bytes += record.n;
	j->seq = m->seq;
	j->turn = m->turn;
	j->id = 0;
	j->size = record.n;
	j->cancelled = false;
	if (m->keeps) {
		buf_clear(&j->record);
		buf_put_span(&j->record, span_of(record.p, record.n < JOBLOG_COMMAND ? record.n : JOBLOG_COMMAND));
	}
}

static void take(struct map *m, struct span record)
{
	m->seq++;
	m->turn++;
	if (!m->logs || !seqset_has(&m->log.seen, m->seq)) {
		post(m, record);
		return;
	}
	m->skipped++;
	buf_clear(&m->output);
	buf_clear(&m->line);
	map_deliver(m, m->turn); /* nothing, but those behind it wait for it */
}

/* A line of the log: its record, if that is to run again. */
static void take_again(struct map *m, struct span text)
{
	struct joblog_line line;

	if (!joblog_parse(text, &line) || !seqset_has(&m->log.seen, line.seq))
		return;
	seqset_drop(&m->log.seen, line.seq); /* once, however often it is named */
	buf_clear(&m->again);
	if (!joblog_record(&m->again, &line)) {
		progress_clear(&m->progress);
		map_end(m, cli_fail(EXIT_USAGE,
		                    "the joblog has only the beginning of record %" PRIu64
		                    ": give the input again, with --resume-failed",
		                    line.seq));
		return;
	}
	m->seq = line.seq;
	m->turn++;
	post(m, buf_span(&m->again));
}

static void bad_input(struct map *m, enum records_got got)
{
	progress_clear(&m->progress);
	if (got == RECORDS_TOO_LONG)
		map_end(m, cli_fail(EXIT_USAGE, "record %" PRIu64 " is longer than the limit of %" PRIu64 " bytes",
		                    m->seq + 1, (uint64_t)LIMIT_PAYLOAD));
	else
		map_end(m, cli_fail(EXIT_FAILED, "cannot read stdin: %s", strerrordesc_np(m->in.error)));
}

/* Whether another record may be read. */
static bool has_room(const struct map *m)
{
	if (m->ended || m->n_jobs == m->cap || m->bytes >= FLIGHT_BYTES)
		return false;
	return !m->ordered || (reorder_has_room(&m->order, m->turn + 1) && m->order.bytes < ORDER_BYTES);
}

static void fill(struct map *m)
{
	size_t room = sheaf_room(m->c->s);
	struct span record;

	m->dry = false;
	while (room > 0 && has_room(m)) {
		enum records_got got = RECORDS_END;

		if (!m->retrying || m->in.taken < m->log.end) /* we write behind that */
			got = records_next(&m->in, false, &record);
		if (got == RECORDS_WAIT) {
			m->dry = true;
			return;
		}
		if (got == RECORDS_END) {
			m->ended = true;
			return;
		}
		if (got != RECORDS_ONE) {
			bad_input(m, got);
			return;
		}
		(m->retrying ? take_again : take)(m, record);
		if (--room == 0)
			room = sheaf_room(m->c->s);
	}
}

/* ---- what happens ---- */

static struct progress_state state_of(const struct map *m)
{
	return (struct progress_state){ .done = m->done,
		                        .failed = m->failed,
		                        .in_flight = m->n_jobs,
		                        .taken = m->in.taken,
		                        .size = m->in.size,
		                        .telling = m->telling,
		                        .percent = m->telling ? m->percents / m->telling : 0 };
}

static void happened(struct map *m, const struct sheaf_event *ev)
{
	uint32_t at = (uint32_t)ev->tag;

	switch (ev->kind) {
	case SHEAF_ACCEPTED:
		m->jobs[at].id = ev->id;
		break;
	case SHEAF_REFUSED:
		map_refused(m, at, ev->error);
		break;
	case SHEAF_RESULT:
		map_result(m, at, &ev->result);
		break;
	default:
		break;
	}
	map_halt(m);
	if (out_full(&m->c->out))
		map_flush(m);
}

/* Writes what is there, then waits for stdin or for the broker. */
static enum sheaf_error pause_for(struct map *m, struct sheaf_event *ev)
{
	struct progress_state state;
	uint64_t left = cli_left(m->c);

	ev->kind = SHEAF_NOTHING;
	if (!map_flush(m))
		return SHEAF_OK;
	map_look(m);
	state = state_of(m);
	progress_draw(&m->progress, &state, false);
	if (left == 0)
		return SHEAF_E_TIMEOUT;
	if (m->dry && !m->ended && m->n_jobs == 0) {
		records_wait(&m->in, left < INPUT_IDLE_MS ? left : INPUT_IDLE_MS);
		return sheaf_next(m->c->s, 0, ev);
	}
	if (left > INPUT_IDLE_MS)
		left = m->dry && !m->ended ? INPUT_WAIT_MS : INPUT_IDLE_MS;
	return sheaf_next(m->c->s, left, ev);
}

/* SIGINT: the first one stops, the second one leaves. Other errors end it. */
static bool carry_on(struct map *m, enum sheaf_error e)
{
	struct sheaf_event ev;
	uint64_t cancelled;

	progress_clear(&m->progress);
	if (e == SHEAF_E_INTERRUPTED && cli_signals() == 1) {
		cli_go_on(m->c);
		map_end(m, EXIT_INTERRUPTED);
		map_stop(m, CANCEL_UNSTARTED);
		if (!m->c->flags.quiet)
			cli_say("interrupted: waiting for what runs; once more to leave at once");
		return true;
	}
	m->status = cli_error(m->c, e);
	if (e != SHEAF_E_TIMEOUT)
		return false;
	e = map_cancel(m, CANCEL_UNSTARTED, GIVE_UP_MS, &cancelled);
	if (e)
		cli_say("what has not started could not be cancelled: %s", sheaf_error_text(e));
	while (m->cancelled < cancelled && sheaf_next(m->c->s, GIVE_UP_MS, &ev) == SHEAF_OK && ev.kind != SHEAF_NOTHING)
		happened(m, &ev);
	return false;
}

static void loop(struct map *m)
{
	struct sheaf_event ev;
	unsigned int n = 0;
	uint64_t cancelled;

	for (;;) {
		enum sheaf_error e;

		fill(m);
		if (m->ended && m->n_jobs == 0)
			return;
		if (m->c->out.error || m->log.out.error)
			return;
		e = sheaf_next(m->c->s, 0, &ev);
		if (!e && ev.kind == SHEAF_NOTHING) {
			if (m->stopping)
				e = map_cancel(m, m->cancel_flags, cli_left(m->c), &cancelled);
			if (!e)
				e = pause_for(m, &ev);
		}
		if (e && !carry_on(m, e))
			return;
		if (!e)
			happened(m, &ev);
		if (m->progress.on && (++n & 255) == 0) {
			struct progress_state state = state_of(m);

			progress_draw(&m->progress, &state, false);
		}
	}
}

/* ---- the command ---- */

static int ended(struct map *m)
{
	uint64_t cancelled;

	progress_clear(&m->progress);
	if (!map_flush(m) && m->n_jobs > 0)
		(void)!map_cancel(m, CANCEL_UNSTARTED, GIVE_UP_MS, &cancelled);
	if (m->failed)
		cli_say("%" PRIu64 " of %" PRIu64 " jobs failed", m->failed, m->done + m->failed);
	if (m->status == EXIT_INTERRUPTED || m->status == EXIT_TIMEOUT || (m->halted && m->halt.why != HALT_SUCCESS))
		map_say_how_to_resume(m);
	if (m->status)
		return m->status;
	if (m->halted && m->halt.why == HALT_SUCCESS)
		return EXIT_DONE; /* it has what it was to look for */
	return m->failed ? EXIT_FAILED : EXIT_DONE;
}

static void prepare(struct map *m)
{
	m->cap = m->c->flags.in_flight ? (uint32_t)m->c->flags.in_flight : IN_FLIGHT;
	m->jobs = calloc(m->cap, sizeof *m->jobs);
	must(m->jobs);
	for (uint32_t i = 0; i < m->cap; i++)
		m->jobs[i].next = i + 1;
	if (m->retrying)
		records_init(&m->in, m->log.again_fd, '\n', LIMIT_PAYLOAD);
	else
		records_init(&m->in, STDIN_FILENO, m->c->flags.null ? 0 : '\n', LIMIT_PAYLOAD);
	if (m->ordered)
		reorder_init(&m->order, 1, (uint64_t)m->cap * WINDOWS);
	buf_init(&m->output);
	buf_init(&m->line);
	buf_init(&m->again);
	progress_init(&m->progress, m->c->flags.quiet);
}

static void clean(struct map *m)
{
	for (uint32_t i = 0; i < m->cap; i++)
		buf_fini(&m->jobs[i].record);
	free(m->jobs);
	records_fini(&m->in);
	reorder_fini(&m->order);
	buf_fini(&m->output);
	buf_fini(&m->line);
	buf_fini(&m->again);
}

static int map(struct map *m)
{
	int status = cli_open(m->c);
	const char *bad;

	if (status)
		return status;
	if (m->logs) {
		bad = joblog_open(&m->log, m->c->flags.joblog, m->use);
		if (bad)
			return cli_fail(EXIT_USAGE, "joblog %s: %s", m->c->flags.joblog, bad);
	}
	prepare(m);
	loop(m);
	status = ended(m);
	clean(m);
	return status;
}

/* What the options about the log say. False after a sentence. */
static bool read_log_use(struct map *m)
{
	const struct flags *f = &m->c->flags;
	const char *one = f->resume ? "resume" : f->resume_failed ? "resume-failed" : "retry-failed";

	m->logs = f->joblog != NULL;
	m->use = f->resume          ? JOBLOG_RESUME
	         : f->resume_failed ? JOBLOG_RESUME_FAILED
	         : f->retry_failed  ? JOBLOG_RETRY
	                            : JOBLOG_NEW;
	m->retrying = m->use == JOBLOG_RETRY;
	if (m->use == JOBLOG_NEW)
		return true;
	if (f->resume + f->resume_failed + f->retry_failed > 1)
		cli_say("--resume, --resume-failed and --retry-failed exclude each other");
	else if (!m->logs)
		cli_say("--%s needs --joblog FILE, which says what has been done", one);
	else
		return true;
	return false;
}

static int cmd_map(struct cli *c)
{
	struct map m = { .c = c, .ordered = c->flags.ordered, .log = { .out.fd = -1, .again_fd = -1 } };
	int status;

	if (!cli_queue_name(c->args[0]) || !cli_policy(c, &m.policy) || !read_log_use(&m))
		return EXIT_USAGE;
	if (!halt_parse(c->flags.halt, &m.halt))
		return cli_fail(EXIT_USAGE,
		                "--halt: '%s' is not never, soon or now, alone or with a reason such as soon,fail=3 or "
		                "now,success=1 or soon,fail=10%%",
		                c->flags.halt);
	m.keeps = m.logs || c->flags.tag;
	status = map(&m);
	joblog_close(&m.log);
	return status;
}

const struct command command_map = {
	.name = "map",
	.args = "QUEUE",
	.group = GROUP_WORK,
	.least = 1,
	.most = 1,
	.line = "a job for each line of stdin, their results on stdout",
	.text = "Each result ends with one newline (NUL with --null), unless it has one. Results come as the\n"
		"jobs finish; with --ordered, in the order of the input. What is in flight is bounded, so the\n"
		"input may be of any size. The errors of failed jobs go to stderr, behind the number of their\n"
		"record; then the exit status is 1.\n"
		"\n"
		"--halt says when to stop before the input ends: never; soon (nothing new starts, what runs is\n"
		"waited for) or now (what runs is cancelled too), at the first failure or as it says behind a\n"
		"comma: fail=N, success=N, done=N jobs, or N% of the records read so far, once these are 100 or\n"
		"all. Stopped by failures, the exit status is 1; by success=N it is 0.\n"
		"\n"
		"With --joblog, --resume goes on where a map ended, --resume-failed also runs again what failed;\n"
		"both read the same input again. --retry-failed runs again what failed, from the log alone.\n"
		"\n"
		"The first SIGINT stops submitting, cancels what has not started and waits for what runs; the\n"
		"second leaves at once.",
	.failed = "a job failed",
	.example = "find docs -type f | sheaf map words --joblog words.log >counts\n"
		   "find docs -type f | sheaf map words --joblog words.log --resume >>counts",
	.run = cmd_map,
};
