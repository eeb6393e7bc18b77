/* See kept.h. */
#include "worker/kept.h"

#include <stdlib.h>

enum { CLOSE_BYTES = 1 << 20, SPARE_BYTES = 256 << 10, OUTCOME_BYTES = 64 };

void outcomes_init(struct outcomes *o)
{
	*o = (struct outcomes){ .next = 1 };
}

static void destroy(struct kept *k)
{
	buf_fini(&k->bytes);
	free(k->names);
	free(k);
}

/* One is kept for the next use: in the steady state there is no allocation. */
static void give_back(struct outcomes *o, struct kept *k)
{
	if (k->bytes.cap > SPARE_BYTES) {
		destroy(k);
		return;
	}
	k->next = o->spare;
	o->spare = k;
}

static void free_all(struct kept *k)
{
	while (k != NULL) {
		struct kept *next = k->next;

		destroy(k);
		k = next;
	}
}

void outcomes_fini(struct outcomes *o)
{
	free_all(o->first);
	free_all(o->open);
	free_all(o->spare);
}

static struct kept *begin(struct outcomes *o)
{
	struct msg_header h = { PROTO_VERSION_MAX, MSG_OUTCOMES, 0, 0, 0, 0 };
	struct kept *k = o->spare;

	if (k != NULL) {
		o->spare = k->next;
	} else {
		k = calloc(1, sizeof *k);
		must(k != NULL);
	}
	k->next = NULL;
	k->n = 0;
	k->charged = 0;
	buf_clear(&k->bytes);
	msg_begin(&k->writer, &k->bytes, &h, 0);
	return k;
}

static void name(struct kept *k, const struct msg_outcome_rec *r)
{
	if (k->n == k->cap) {
		k->cap = k->cap ? 2 * k->cap : 64;
		k->names = realloc(k->names, k->cap * sizeof k->names[0]);
		must(k->names != NULL);
	}
	k->names[k->n++] = (struct lease_name){ r->id, r->token };
}

void outcomes_put(struct outcomes *o, const struct msg_outcome_rec *r)
{
	size_t n = r->error.n + r->result.n;

	if (o->open != NULL && (!msg_fits(&o->open->writer, n) || o->open->bytes.n > CLOSE_BYTES))
		outcomes_close(o);
	if (o->open == NULL)
		o->open = begin(o);
	o->open->charged += n + OUTCOME_BYTES;
	o->bytes += n + OUTCOME_BYTES;
	msg_put_outcome(&o->open->writer, r);
	name(o->open, r);
}

void outcomes_close(struct outcomes *o)
{
	struct kept *k = o->open;

	if (k == NULL)
		return;
	o->open = NULL;
	msg_end(&k->writer);
	if (o->last != NULL)
		o->last->next = k;
	else
		o->first = k;
	o->last = k;
	if (o->unsent == NULL) {
		o->unsent = k;
		o->send_next = o->next;
	}
	o->next++;
}

void outcomes_settle(struct outcomes *o, uint64_t settled)
{
	while (o->settled < settled && o->first != NULL && o->first != o->unsent) {
		struct kept *k = o->first;

		o->first = k->next;
		if (o->first == NULL)
			o->last = NULL;
		o->settled++;
		must(o->bytes >= k->charged);
		o->bytes -= k->charged;
		give_back(o, k);
	}
}

void outcomes_resend(struct outcomes *o)
{
	o->unsent = o->first;
	o->send_next = o->settled + 1;
}

void outcomes_renumber(struct outcomes *o)
{
	o->settled = 0;
	o->next = 1;
	for (struct kept *k = o->first; k != NULL; k = k->next)
		o->next++;
	outcomes_resend(o);
}

struct kept *outcomes_take(struct outcomes *o, uint64_t epoch, uint64_t session)
{
	struct kept *k = o->unsent;

	if (k == NULL)
		return NULL;
	msg_patch(k->bytes.p, k->bytes.n, epoch, session, o->send_next++);
	o->unsent = k->next;
	return k;
}
