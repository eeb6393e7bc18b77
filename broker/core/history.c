/* See history.h. */
#include "broker/core/history.h"

#include <stdlib.h>

#include "base/le.h"

enum { ATTEMPT_HEAD = 18, LENGTH_BYTES = 2 };

/* Bytes of the attempt that begins here. */
static size_t attempt_bytes(const uint8_t *p)
{
	return ATTEMPT_HEAD + (size_t)le_get16(p + 15) + p[17];
}

static struct span cut(struct span s, size_t most)
{
	return span_of(s.p, s.n < most ? s.n : most);
}

static size_t bytes_of(const struct attempt *a)
{
	return ATTEMPT_HEAD + cut(a->error, LIMIT_HISTORY_ERROR).n + cut(a->worker, LIMIT_NAME).n;
}

static uint8_t *put(uint8_t *p, const struct attempt *a)
{
	struct span error = cut(a->error, LIMIT_HISTORY_ERROR), worker = cut(a->worker, LIMIT_NAME);

	le_put64(p, a->started_ms);
	le_put32(p + 8, a->run_ms);
	le_put16(p + 12, (uint16_t)a->exit);
	p[14] = a->verdict;
	le_put16(p + 15, (uint16_t)error.n);
	p[17] = (uint8_t)worker.n;
	p += ATTEMPT_HEAD;
	if (worker.n > 0)
		memcpy(p, worker.p, worker.n);
	if (error.n > 0)
		memcpy(p + worker.n, error.p, error.n);
	return p + worker.n + error.n;
}

/* What of the old ones stays beside one of `more` bytes. */
static struct span make_room(struct span old, size_t more)
{
	uint32_t n = 0;

	for (size_t at = 0; at < old.n; at += attempt_bytes(old.p + at))
		n++;
	while (n > 0 && (n >= LIMIT_HISTORY || old.n + more > LIMIT_HISTORY_BYTES)) {
		size_t first = attempt_bytes(old.p);

		old = span_of(old.p + first, old.n - first);
		n--;
	}
	return old;
}

void history_write(struct buf *out, struct span old, const struct attempt *a)
{
	size_t more = a->verdict != 0 ? bytes_of(a) : 0;
	uint8_t *p;

	if (more > 0 && old.n > 0)
		old = make_room(old, more);
	p = buf_room(out, LENGTH_BYTES + old.n + more);
	le_put16(p, (uint16_t)(old.n + more));
	p += LENGTH_BYTES;
	if (old.n > 0)
		memcpy(p, old.p, old.n);
	if (more > 0)
		(void)put(p + old.n, a);
	out->n += LENGTH_BYTES + old.n + more;
}

void history_set(struct side *s, struct span bytes)
{
	uint8_t *p = NULL;

	if (bytes.n > 0) {
		p = malloc(bytes.n);
		must(p != NULL && bytes.n <= LIMIT_HISTORY_BYTES);
		memcpy(p, bytes.p, bytes.n);
	}
	free(s->history);
	s->history = p;
	s->history_n = (uint16_t)bytes.n;
}

void history_add(struct side *s, const struct attempt *a)
{
	uint8_t bytes[LIMIT_HISTORY_BYTES];
	struct span old;
	size_t more;

	if (a->verdict == 0)
		return;
	more = bytes_of(a);
	old = make_room(history_of(s), more);
	if (old.n > 0)
		memcpy(bytes, old.p, old.n);
	(void)put(bytes + old.n, a);
	history_set(s, span_of(bytes, old.n + more));
}

bool history_next(struct span *rest, struct msg_attempt_rec *r)
{
	const uint8_t *p = rest->p;
	size_t n;

	if (rest->n < ATTEMPT_HEAD || rest->n < attempt_bytes(p))
		return false;
	n = attempt_bytes(p);
	*r = (struct msg_attempt_rec){
		.started_ms = le_get64(p),
		.run_ms = le_get32(p + 8),
		.exit = (int16_t)le_get16(p + 12),
		.verdict = p[14],
		.worker = span_of(p + ATTEMPT_HEAD, p[17]),
		.error = span_of(p + ATTEMPT_HEAD + p[17], le_get16(p + 15)),
	};
	*rest = span_of(p + n, rest->n - n);
	return true;
}

uint32_t history_read(struct span history, struct msg_attempt_rec *v)
{
	uint32_t n = 0;

	while (n < LIMIT_HISTORY && history_next(&history, &v[n]))
		n++;
	return n;
}

bool history_split(struct span stored, uint32_t error_length, struct span *history, struct span *error,
                   struct span *result)
{
	size_t n;

	if (stored.n < LENGTH_BYTES)
		return false;
	n = le_get16(stored.p);
	if (n > LIMIT_HISTORY_BYTES || stored.n - LENGTH_BYTES < n || stored.n - LENGTH_BYTES - n < error_length)
		return false;
	*history = span_of(stored.p + LENGTH_BYTES, n);
	*error = span_of(history->p + n, error_length);
	*result = span_of(error->p + error_length, stored.n - LENGTH_BYTES - n - error_length);
	return true;
}

void history_result(struct span stored, uint32_t error_length, struct msg_result_rec *r)
{
	struct span history;

	if (!history_split(stored, error_length, &history, &r->error, &r->result))
		r->gone = 1;
}

void history_info(struct span stored, uint32_t error_length, struct msg_job_info *i, struct msg_attempt_rec *v)
{
	struct span history, result;

	if (!history_split(stored, error_length, &history, &i->rec.error, &result)) {
		i->rec.gone = 1;
		return;
	}
	i->history = v;
	i->n_history = history_read(history, v);
}
