/* Mails on their way: into jobs, to the broker, and what became of them. See store.h. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"
#include "broker/smtp/store_state.h"

static const char no_answer[] = "the broker does not answer";

void mails_init(struct store *s)
{
	list_init(&s->mails);
	list_init(&s->large);
	list_init(&s->to_send);
	list_init(&s->done);
}

/* What it holds but the outcome. */
static void let_go(struct mail *m)
{
	if (m->jobs != NULL)
		jobs_free(m->jobs);
	m->jobs = NULL;
	if (m->letter != NULL)
		letter_free(m->letter);
	m->letter = NULL;
}

static void free_mail(struct mail *m)
{
	must(!m->working);
	let_go(m);
	list_remove(&m->asked.link);
	list_remove(&m->all);
	free(m->part_of);
	free(m->ids);
	free(m);
}

void mails_free(struct store *s)
{
	while (!list_empty(&s->done))
		free_mail(list_item(s->done.next, struct mail, asked.link));
	must(list_empty(&s->mails) && list_empty(&s->large) && list_empty(&s->to_send));
}

/* ---- the outcome ---- */

static void start(struct mail *m);

/* Its share of memory is free: who waits for it goes on. */
static void release_share(struct mail *m)
{
	struct store *s = m->store;

	s->large_bytes -= m->large;
	m->large = 0;
	while (!list_empty(&s->large) && s->refused == NULL) {
		struct mail *next = list_item(s->large.next, struct mail, asked.link);

		if (s->large_bytes > 0 && s->large_bytes + spool_size(next->letter->spool) > STORE_LARGE_BYTES)
			return;
		list_remove(&next->asked.link);
		start(next);
	}
}

static void finish(struct mail *m, enum store_verdict verdict, struct span text)
{
	struct store *s = m->store;

	must(!m->over);
	m->over = true;
	m->verdict = verdict;
	text_format(m->text, sizeof m->text, "%.*s", (int)text.n, (const char *)text.p);
	list_remove(&m->asked.link);
	list_remove(&m->all);
	list_push_back(&s->done, &m->asked.link);
	store_wake(s);
	if (m->working)
		return; /* what it holds is in use yet */
	let_go(m);
	release_share(m);
}

static void refuse(struct mail *m, enum store_verdict verdict, const char *text)
{
	finish(m, verdict, span_str(text));
}

static enum store_verdict verdict_of(enum sheaf_error e)
{
	switch (e) {
	case SHEAF_E_FULL:
		return STORE_REFUSED_FULL;
	case SHEAF_E_TOO_LARGE:
		return STORE_REFUSED_LARGE;
	case SHEAF_E_UNKNOWN:
	case SHEAF_E_CLOSED:
		return STORE_REFUSED_GONE;
	case SHEAF_E_BAD_NAME:
	case SHEAF_E_BAD_VALUE:
		return STORE_REFUSED_BAD;
	default: /* busy, draining, and what no client can mend: it may be well the next time */
		return STORE_REFUSED_AWAY;
	}
}

static void refused(struct mail *m, enum sheaf_error e, struct span text)
{
	enum store_verdict v = verdict_of(e);

	if (v == STORE_REFUSED_GONE)
		m->store->stale_ms = clock_mono_ms(); /* the next recipient learns what it is now */
	else if (v == STORE_REFUSED_AWAY || v == STORE_REFUSED_BAD)
		store_say(m->store, "smtp-refused", e, text);
	finish(m, v, text.n > 0 ? text : span_str(sheaf_error_text(e)));
}

void mails_tell(struct store *s)
{
	struct list now; /* what comes due meanwhile has the next turn */

	if (list_empty(&s->done))
		return;
	list_insert(&now, s->done.prev, &s->done);
	list_remove(&s->done);
	while (!list_empty(&now)) {
		struct mail *m = list_item(now.next, struct mail, asked.link);
		struct store_outcome o = { .verdict = m->verdict, .text = m->text, .ids = m->ids, .n = m->n };
		store_done done = m->done;

		list_remove(&m->asked.link);
		m->done = NULL;
		if (done != NULL)
			done(m->arg, &o);
		if (!m->working)
			free_mail(m);
	}
}

void mails_forget(struct store *s, const void *arg)
{
	struct list *const lists[] = { &s->mails, &s->done };

	for (struct list *l = lists[0]->next; l != lists[0]; l = l->next) {
		struct mail *m = list_item(l, struct mail, all);

		if (m->arg == arg)
			m->done = NULL;
	}
	for (struct list *l = lists[1]->next; l != lists[1]; l = l->next) {
		struct mail *m = list_item(l, struct mail, asked.link);

		if (m->arg == arg)
			m->done = NULL;
	}
}

/* ---- into jobs ---- */

static void made(struct mail *m)
{
	static const enum store_verdict verdicts[] = { [JOBS_TOO_LARGE] = STORE_REFUSED_LARGE,
		                                       [JOBS_HEADER] = STORE_REFUSED_BAD,
		                                       [JOBS_UNREADABLE] = STORE_REFUSED_AWAY };
	char why[JOBS_WHY];

	if (m->jobs == NULL) {
		text_format(why, sizeof why, "%s", m->text);
		refuse(m, verdicts[m->fault], why);
		return;
	}
	list_push_back(&m->store->to_send, &m->asked.link);
	store_wake(m->store);
}

static void make(uv_work_t *w)
{
	struct mail *m = w->data;

	m->jobs = jobs_make(m->letter, m->store->config, &m->fault, m->text);
}

static void have_made(uv_work_t *w, int status)
{
	struct mail *m = w->data;
	struct store *s = m->store;
	bool told = m->over && list_empty(&m->asked.link);

	must(status == 0);
	m->working = false;
	if (m->over) { /* too late */
		let_go(m);
		release_share(m);
	} else {
		made(m);
	}
	if (told)
		free_mail(m);
	store_worked(s);
}

static void start(struct mail *m)
{
	struct store *s = m->store;

	if (spool_large(m->letter->spool)) {
		m->large = spool_size(m->letter->spool);
		s->large_bytes += m->large;
	} else if (!jobs_slow(m->letter, s->config)) {
		m->jobs = jobs_make(m->letter, s->config, &m->fault, m->text);
		made(m);
		return;
	}
	m->work.data = m;
	m->working = true;
	s->working++;
	must(uv_queue_work(s->loop, &m->work, make, have_made) == 0);
}

void store_mail(struct store *s, struct letter **letter, store_done done, void *arg)
{
	struct mail *m = calloc(1, sizeof *m);
	const struct spool *spool = (*letter)->spool;

	must(m != NULL);
	m->asked.kind = ASKED_MAIL;
	m->store = s;
	m->letter = *letter;
	*letter = NULL;
	m->n = m->letter->n;
	m->done = done;
	m->arg = arg;
	m->due_ms = clock_mono_ms() + s->config->answer_ms;
	list_init(&m->asked.link);
	list_push_back(&s->mails, &m->all);
	if (s->refused != NULL) {
		refuse(m, STORE_REFUSED_AWAY, s->refused);
		return;
	}
	store_by(s, m->due_ms);
	if (spool_large(spool) && s->large_bytes > 0 &&
	    (!list_empty(&s->large) || s->large_bytes + spool_size(spool) > STORE_LARGE_BYTES))
		list_push_back(&s->large, &m->asked.link);
	else
		start(m);
}

/* ---- to the broker, and back ---- */

/* The session has its own copy now. */
static void handed_over(struct mail *m)
{
	list_remove(&m->asked.link);
	m->asked.sent = true;
	m->part_of = malloc(m->n * sizeof *m->part_of);
	must(m->part_of != NULL);
	memcpy(m->part_of, m->jobs->part_of, m->n * sizeof *m->part_of);
	let_go(m);
}

void mails_send(struct store *s)
{
	while (!list_empty(&s->to_send) && csession_all_room(s->session)) {
		struct mail *m = list_item(s->to_send.next, struct mail, asked.link);
		uint64_t number;
		enum sheaf_error e = csession_submit_all(s->session, &m->jobs->all, (uintptr_t)m, &number);

		if (e == SHEAF_E_FULL)
			return;
		if (e != SHEAF_OK)
			refused(m, e, span_of(NULL, 0));
		else
			handed_over(m);
	}
}

static bool take_ids(struct mail *m, const struct msg_all_accepted *a)
{
	m->ids = malloc(m->n * sizeof *m->ids);
	must(m->ids != NULL);
	for (uint32_t i = 0; i < m->n; i++) {
		if (m->part_of[i] >= a->n)
			return false;
		m->ids[i] = a->ids[m->part_of[i]];
	}
	return true;
}

void mails_answered(struct store *s, struct mail *m, const struct csession_event *ev)
{
	(void)s;
	m->asked.sent = false;
	if (ev->error != SHEAF_OK)
		refused(m, ev->error, ev->text);
	else if (ev->answer == NULL || ev->answer->h.kind != MSG_ALL_ACCEPTED ||
	         !take_ids(m, &ev->answer->u.all_accepted))
		refused(m, SHEAF_E_MALFORMED, span_of(NULL, 0));
	else
		finish(m, STORE_OK, span_of(NULL, 0));
}

static void give_up(struct mail *m, const char *why)
{
	struct store *s = m->store;

	if (m->asked.sent && s->link != NULL)
		csession_forget(s->session, (uintptr_t)m);
	m->asked.sent = false;
	refuse(m, STORE_REFUSED_AWAY, why);
}

uint64_t mails_expire(struct store *s, uint64_t now_ms)
{
	while (!list_empty(&s->mails)) {
		struct mail *m = list_item(s->mails.next, struct mail, all);

		if (m->due_ms > now_ms)
			return m->due_ms;
		give_up(m, no_answer);
	}
	return UINT64_MAX;
}

void mails_fail(struct store *s, const char *why)
{
	while (!list_empty(&s->mails))
		give_up(list_item(s->mails.next, struct mail, all), why);
}
