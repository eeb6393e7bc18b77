/* How `sheaf map` ends early: what has not started is cancelled, and the words for going on later. See map.h. */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>

#include "client/cli/commands.h"
#include "client/cli/map.h"

void map_stop(struct map *m, uint32_t flags)
{
	m->stopping = true;
	m->cancel_flags = flags;
}

void map_halt(struct map *m)
{
	struct halt_state s = { m->done, m->failed, m->turn - m->skipped, m->ended };

	if (m->stopping || (m->ended && m->n_jobs == 0) || !halt_due(&m->halt, &s))
		return;
	m->halted = true;
	map_end(m, EXIT_DONE);
	map_stop(m, m->halt.when == HALT_NOW ? 0 : CANCEL_UNSTARTED);
	progress_clear(&m->progress);
	if (!m->c->flags.quiet)
		cli_say("halting after %" PRIu64 " done, %" PRIu64 " failed%s", m->done, m->failed,
		        m->halt.when == HALT_NOW ? "" : ": waiting for what runs");
}

enum sheaf_error map_cancel(struct map *m, uint32_t flags, uint64_t ms, uint64_t *cancelled)
{
	uint64_t *ids = malloc(m->cap * sizeof *ids);
	enum sheaf_error e = SHEAF_OK;
	size_t n = 0;

	must(ids);
	*cancelled = 0;
	for (uint32_t i = 0; i < m->cap; i++) {
		if (m->jobs[i].id && !m->jobs[i].cancelled) {
			m->jobs[i].cancelled = true;
			ids[n++] = m->jobs[i].id;
		}
	}
	if (n > 0)
		e = sheaf_cancel(m->c->s, ids, n, flags, ms, cancelled);
	if (e == SHEAF_E_FINISHED || e == SHEAF_E_UNKNOWN || e == SHEAF_E_GONE)
		e = SHEAF_OK; /* it has ended by itself, or runs */
	free(ids);
	return e;
}

/* A word of a command line, in quotes if it needs them. */
static void put_word(struct buf *b, const char *word)
{
	bool plain = *word != 0;

	for (const char *p = word; *p && plain; p++)
		plain = isalnum((unsigned char)*p) || strchr("-_./:=,+@%", *p);
	if (b->n)
		buf_put_u8(b, ' ');
	if (!plain)
		buf_put_u8(b, '\'');
	for (const char *p = word; *p; p++) {
		if (*p == '\'')
			buf_put(b, "'\\''", 4);
		else
			buf_put_u8(b, (uint8_t)*p);
	}
	if (!plain)
		buf_put_u8(b, '\'');
}

void map_say_how_to_resume(const struct map *m)
{
	const struct flags *f = &m->c->flags;
	struct buf b;

	cli_say("%" PRIu64 " done, %" PRIu64 " failed, %" PRIu64 " cancelled, %u left running", m->done, m->failed,
	        m->cancelled, m->n_jobs);
	if (!m->logs) {
		cli_say("without --joblog FILE there is no record of which; with it, --resume goes on");
		return;
	}
	buf_init(&b);
	put_word(&b, "sheaf");
	put_word(&b, "map");
	put_word(&b, m->c->args[0]);
	put_word(&b, "--joblog");
	put_word(&b, f->joblog);
	put_word(&b, m->retrying ? "--retry-failed" : m->use == JOBLOG_RESUME_FAILED ? "--resume-failed" : "--resume");
	if (f->ordered)
		put_word(&b, "--ordered");
	if (f->tag)
		put_word(&b, "--tag");
	if (f->null)
		put_word(&b, "--null");
	cli_say("to go on%s: %.*s", m->retrying ? "" : ", with the same input", (int)b.n, (const char *)b.p);
	buf_fini(&b);
}
