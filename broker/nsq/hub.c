/* The life of a hub and its part of a turn: what has come finds who asked for it, and what was handed in leaves. See
 * hub.h and hub_open.h. */
#include "broker/nsq/hub.h"

#include <stdlib.h>

#include "base/log.h"
#include "broker/nsq/hub_state.h"

/* The broker lives in the same process: it is silent only while it is busy. */
#define BEAT_MS 2000

static const uint64_t EASE_BYTES = HUB_BUSY_BYTES / 2;

/* ---- asking ---- */

static void asked_answered(struct hub *h, struct asked *a, enum sheaf_error error, struct span text,
                           const struct msg *answer)
{
	switch (a->kind) {
	case ASKED_PUBLISH:
		part_answered(h, (struct part *)(void *)a, error, text);
		break;
	case ASKED_OP:
		op_answered(h, (struct op *)(void *)a, error, text);
		break;
	case ASKED_ROWS:
		listing_answered(h, (struct listing *)(void *)a, error, answer);
		break;
	case ASKED_SUBSCRIBE:
	case ASKED_UNSUBSCRIBE:
		sub_answered(h, a, error, text);
		break;
	}
}

/* False if the session has no room for the next one. */
static bool send_waiting(struct hub *h)
{
	struct asked *a = list_item(h->waiting.next, struct asked, link);

	if (h->failed != SHEAF_OK) {
		asked_answered(h, a, h->failed, span_str(sheaf_error_text(h->failed)), NULL);
		return true;
	}
	if (a->kind == ASKED_PUBLISH)
		return part_send(h, (struct part *)(void *)a);
	if (a->kind == ASKED_OP)
		return op_send(h, (struct op *)(void *)a);
	return listing_send(h, (struct listing *)(void *)a);
}

/* The broker will not have us: nothing that is asked is answered any more but by this. */
static void fail(struct hub *h, enum sheaf_error error, struct span text)
{
	log_line(LOG_ERROR, "nsq-hub-refused", "error=%s", sheaf_error_text(error));
	h->failed = error;
	while (!list_empty(&h->waiting))
		asked_answered(h, list_item(h->waiting.next, struct asked, link), error, text, NULL);
	while (!list_empty(&h->asked))
		asked_answered(h, list_item(h->asked.next, struct asked, link), error, text, NULL);
}

/* ---- the turn ---- */

static void event(void *arg, const struct csession_event *ev)
{
	struct hub *h = arg;

	switch (ev->kind) {
	case CSESSION_MESSAGES:
	case CSESSION_GONE:
	case CSESSION_OVER:
		sub_event(h, ev);
		break;
	case CSESSION_PUBLISHED:
	case CSESSION_ANSWER:
		asked_answered(h, (struct asked *)(uintptr_t)ev->call, ev->error, ev->text, ev->answer);
		break;
	case CSESSION_GAP:
		subs_gap(h);
		break;
	case CSESSION_FAILED:
		fail(h, ev->error, ev->text);
		break;
	case CSESSION_WELCOMED: /* what could not leave before does now, at this turn's end */
	case CSESSION_PONG:
	case CSESSION_ACCEPTED: /* of jobs, which an edge does not submit */
	case CSESSION_REFUSED:
	case CSESSION_RESULT:
		break;
	}
}

static bool turn(void *arg)
{
	struct hub *h = arg;

	calls_answer(h);
	parts_close(h);
	return !list_empty(&h->due);
}

static void send_asked(void *arg)
{
	struct hub *h = arg;

	while (!list_empty(&h->waiting) && send_waiting(h))
		;
}

static bool eased(const struct hub *h)
{
	return h->bytes < EASE_BYTES && h->calls < HUB_BUSY_CALLS / 2 && !link_holds(h->link) &&
	       csession_connected(h->session, link_now(h->link));
}

static void sent(void *arg)
{
	struct hub *h = arg;

	if (h->told_busy && eased(h)) {
		h->told_busy = false;
		h->ease(h->ease_arg);
	}
}

void hub_wake(struct hub *h)
{
	if (h->link != NULL)
		link_wake(h->link);
}

/* ---- life ---- */

bool hub_connected(const struct hub *h)
{
	return link_connected(h->link);
}

bool hub_busy(struct hub *h)
{
	bool busy =
	    h->failed == SHEAF_OK && (h->bytes >= HUB_BUSY_BYTES || h->calls >= HUB_BUSY_CALLS || link_holds(h->link) ||
	                              !csession_connected(h->session, link_now(h->link)));

	h->told_busy = busy && h->ease != NULL;
	return busy;
}

void hub_on_ease(struct hub *h, void (*ease)(void *arg), void *arg)
{
	h->ease = ease;
	h->ease_arg = arg;
}

bool hub_idle(const struct hub *h)
{
	return h->calls == 0 && h->opened == 0 && list_empty(&h->waiting) && list_empty(&h->asked) &&
	       link_idle(h->link);
}

struct hub *hub_open(uv_loop_t *loop, void *zmq_context, const char *endpoint)
{
	static const struct link_calls calls = { .event = event, .turn = turn, .send = send_asked, .sent = sent };
	const struct link_setup setup = {
		.name = "nsq", .endpoint = endpoint, .context = zmq_context, .beat_ms = BEAT_MS
	};
	struct hub *h = calloc(1, sizeof *h);

	must(h != NULL);
	list_init(&h->due);
	list_init(&h->waiting);
	list_init(&h->asked);
	list_init(&h->subs);
	list_init(&h->listings);
	h->link = link_open(loop, &setup, &calls, h);
	if (h->link == NULL) {
		free(h);
		return NULL;
	}
	h->session = link_session(h->link);
	return h;
}

static void free_asked(struct hub *h, struct list *all)
{
	static const char ending[] = "the broker ends";

	while (!list_empty(all)) {
		struct asked *a = list_item(all->next, struct asked, link);

		if (a->kind == ASKED_ROWS)
			((struct listing *)(void *)a)->rows = NULL;
		asked_answered(h, a, SHEAF_E_DRAINING, span_str(ending), NULL);
	}
}

static void free_hub(void *arg)
{
	struct hub *h = arg;
	void (*closed)(void *arg) = h->closed;
	void *closed_arg = h->closed_arg;

	calls_free(h); /* nobody wants an answer: what is answered below is just freed */
	parts_close(h);
	free_asked(h, &h->waiting);
	free_asked(h, &h->asked);
	calls_free(h);
	parts_free(h);
	free(h);
	if (closed != NULL)
		closed(closed_arg);
}

void hub_close(struct hub **hub, void (*closed)(void *arg), void *arg)
{
	struct hub *h = *hub;

	*hub = NULL;
	must(list_empty(&h->subs) && h->link != NULL);
	h->closed = closed;
	h->closed_arg = arg;
	parts_close(h);
	link_close(&h->link, free_hub, h);
}
