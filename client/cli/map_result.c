/* What comes back to `sheaf map`: results to stdout, errors to stderr, lines to the log; in the order of the input
 * if that is asked for. See map.h. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/cli/map.h"
#include "client/cli/result.h"
#include "client/cli/show.h"

/* An error, each of its lines behind the number of its record, and behind its tag. */
static void say_error(struct map *m, const struct map_job *j, struct span text)
{
	struct span tag = m->c->flags.tag ? buf_span(&j->record) : span_of("", 0);

	progress_clear(&m->progress);
	while (text.n && text.p[text.n - 1] == '\n')
		text.n--;
	do {
		const uint8_t *newline = text.n ? memchr(text.p, '\n', text.n) : NULL;
		size_t n = newline ? (size_t)(newline - text.p) : text.n;

		fprintf(stderr, "sheaf: %" PRIu64 ": %.*s%s%.*s\n", j->seq, (int)tag.n, (const char *)tag.p,
		        m->c->flags.tag ? "\t" : "", (int)n, (const char *)text.p);
		n += newline != NULL;
		text = span_of(text.p + n, text.n - n);
	} while (text.n);
}

/* The result as it goes to stdout. */
static void put_output(struct buf *b, struct span result, uint8_t terminator)
{
	buf_put_span(b, result);
	if (result.n == 0 || result.p[result.n - 1] != terminator)
		buf_put_u8(b, terminator);
}

/* The same, each of its lines behind the record and a tab. */
static void put_tagged(struct buf *b, struct span tag, struct span result, uint8_t terminator)
{
	do {
		const uint8_t *newline = result.n ? memchr(result.p, '\n', result.n) : NULL;
		size_t n = newline ? (size_t)(newline - result.p) + 1 : result.n;

		buf_put_span(b, tag);
		buf_put_u8(b, '\t');
		buf_put(b, result.p, n);
		result = span_of(result.p + n, result.n - n);
	} while (result.n);
	if (b->p[b->n - 1] != terminator)
		buf_put_u8(b, terminator);
}

static void put_json(struct map *m, const struct map_job *j, const struct msg_result_rec *r)
{
	json_t *object = json_pack("{sI}", "seq", (json_int_t)j->seq), *result = show_json_result(r);
	char *text;

	if (m->c->flags.tag)
		show_json_bytes(object, "record", buf_span(&j->record));
	json_object_update(object, result);
	json_decref(result);
	text = json_dumps(object, JSON_COMPACT);
	must(text);
	buf_put_span(&m->output, span_str(text));
	buf_put_u8(&m->output, '\n');
	free(text);
	json_decref(object);
}

static void put_line(struct map *m, const struct map_job *j, const struct msg_result_rec *r)
{
	bool ran = r->started_ms > 0 && r->finished_ms >= r->started_ms;
	struct joblog_line line = { .seq = j->seq,
		                    .started_ms = ran ? r->started_ms : r->finished_ms,
		                    .run_ms = ran ? r->finished_ms - r->started_ms : 0,
		                    .sent = j->size,
		                    .received = r->result.n,
		                    .exit = result_status(r),
		                    .command = buf_span(&j->record) };

	joblog_format(&m->line, &line);
}

static void write_now(struct map *m, struct span output, struct span line)
{
	out_span(&m->c->out, output);
	if (m->logs)
		joblog_add(&m->log, line);
}

void map_deliver(struct map *m, uint64_t turn)
{
	struct span output = buf_span(&m->output), line = buf_span(&m->line);

	if (!m->ordered) {
		write_now(m, output, line);
		return;
	}
	if (turn != m->order.next) {
		reorder_put(&m->order, turn, output, line);
		return;
	}
	write_now(m, output, line);
	reorder_pass(&m->order);
	while (reorder_take(&m->order, &output, &line))
		write_now(m, output, line);
}

/* Takes a job out of flight. */
static void forget(struct map *m, uint32_t at)
{
	m->jobs[at].id = 0;
	m->jobs[at].next = m->free;
	m->free = at;
	m->n_jobs--;
	m->bytes -= m->jobs[at].size;
}

void map_result(struct map *m, uint32_t at, const struct msg_result_rec *r)
{
	const struct map_job *j = &m->jobs[at];
	bool done = r->state == JOB_DONE && !r->gone;
	char text[80];

	buf_clear(&m->output);
	buf_clear(&m->line);
	if (r->state == JOB_CANCELLED && j->cancelled) {
		m->cancelled++;
		map_deliver(m, j->turn); /* nothing, so that what comes behind it need not wait */
		forget(m, at);
		return;
	}
	m->done += done;
	m->failed += !done;
	if (m->c->flags.json)
		put_json(m, j, r);
	else if (done && m->c->flags.tag)
		put_tagged(&m->output, buf_span(&j->record), r->result, m->c->flags.null ? 0 : '\n');
	else if (done)
		put_output(&m->output, r->result, m->c->flags.null ? 0 : '\n');
	if (!done)
		say_error(m, j,
		          r->state == JOB_NONE || (r->state == JOB_DONE && r->gone)
		              ? span_str("its result is no longer kept")
		              : result_error(r, text));
	if (m->logs)
		put_line(m, j, r);
	map_deliver(m, j->turn);
	forget(m, at);
}

void map_refused(struct map *m, uint32_t at, enum sheaf_error e)
{
	struct map_job *j = &m->jobs[at];

	buf_clear(&m->output);
	buf_clear(&m->line);
	if (!m->status) {
		progress_clear(&m->progress);
		cli_say("record %" PRIu64 " was refused: %s (%s)", j->seq, sheaf_why(m->c->s), sheaf_error_name(e));
	}
	map_end(m, cli_status(e));
	map_deliver(m, j->turn);
	forget(m, at);
}
