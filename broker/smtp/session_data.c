/* DATA and BDAT: the bytes of a mail into its spool, what is wrong with them, and the answer to the whole. */
#include "broker/smtp/session_state.h"

static void fail(struct smtp_session *s, enum smtp_reply fault)
{
	if (s->fault != REPLY_NONE)
		return;
	s->fault = fault;
	spool_free(s->letter->spool); /* nobody wants it any more */
	s->letter->spool = NULL;
}

static void begin_content(struct smtp_session *s, enum content_mode mode)
{
	s->letter->received_ms = s->wall_ms;
	s->letter->spool = spool_new(s->world->spools);
	content_begin(&s->content, mode, &s->letter->headers);
	s->content_on = true;
	s->data_ms = s->now_ms;
}

static void put(void *arg, struct span bytes)
{
	struct smtp_session *s = arg;

	if (s->fault != REPLY_NONE)
		return;
	if (spool_size(s->letter->spool) + bytes.n > s->size_most) {
		fail(s, s->size_most < s->config->size ? REPLY_LARGER : REPLY_LARGE);
		return;
	}
	switch (spool_put(s->letter->spool, bytes)) {
	case SPOOL_OK:
		break;
	case SPOOL_FULL:
		fail(s, REPLY_FULL);
		break;
	case SPOOL_BROKEN:
		fail(s, REPLY_SPOOL);
	}
}

/* One reply, or in LMTP one for each recipient; counts: NULL = it was counted. */
static void put_all(struct smtp_session *s, enum smtp_reply r, const char *text, uint32_t n_rcpts,
                    struct smtp_counts *counts)
{
	struct span t = text != NULL ? span_str(text) : span_of(NULL, 0);

	for (uint32_t i = 0; i < (s->peer.lmtp ? n_rcpts : 1); i++) {
		if (t.n > 0)
			smtp_reply_put_text(s->out, r, t, counts);
		else
			smtp_reply_put(s->out, r, counts);
		counts = NULL;
	}
}

static void say_all(struct smtp_session *s, enum smtp_reply r, const char *text, uint32_t n_rcpts)
{
	put_all(s, r, text, n_rcpts, s->world->counts);
	s->facts.refused++;
	if (smtp_reply_is_error(r))
		smtp_erred(s);
}

static void say_bare(struct smtp_session *s)
{
	say_all(s, REPLY_BARE, NULL, s->letter->n);
	smtp_shut(s, "bare");
}

/* Takes bytes of the mail; what of them there was. */
static enum content_verdict take_content(struct smtp_session *s, struct span in, size_t *taken)
{
	enum content_verdict v = content_take(&s->content, in, taken, put, s);
	const struct letter_headers *h = &s->letter->headers;

	s->last_ms = s->now_ms;
	s->got += *taken;
	s->facts.bytes += *taken;
	if (h->received > LIMIT_MAIL_RECEIVED)
		fail(s, REPLY_LOOP);
	else if (h->bytes > LIMIT_MAIL_HEADERS)
		fail(s, REPLY_HEADERS);
	return v;
}

/* The mail is whole. */
static void whole(struct smtp_session *s)
{
	s->phase = PHASE_COMMAND;
	if (s->fault != REPLY_NONE) {
		enum smtp_reply fault = s->fault;
		uint32_t n = s->letter->n;
		bool told = s->fault_told;

		smtp_forget_mail(s);
		if (told)
			put_all(s, fault, NULL, n, NULL);
		else
			say_all(s, fault, NULL, n);
		return;
	}
	s->letter->size = spool_size(s->letter->spool);
	s->n_rcpts = s->letter->n;
	s->stored_bytes = s->letter->size;
	s->ask = SMTP_ASK_MAIL;
}

/* ---- DATA ---- */

void smtp_data(struct smtp_session *s, struct span argument)
{
	if (argument.n > 0) {
		smtp_say(s, REPLY_NO_ARGUMENT);
	} else if (s->letter->body == LETTER_BINARYMIME) {
		smtp_say(s, REPLY_BINARY_DATA);
	} else {
		begin_content(s, CONTENT_DATA);
		s->phase = PHASE_DATA;
		smtp_say(s, REPLY_GO_AHEAD);
	}
}

size_t smtp_take_data(struct smtp_session *s, struct span in)
{
	size_t taken = 0;

	switch (take_content(s, in, &taken)) {
	case CONTENT_MORE:
		break;
	case CONTENT_END:
		whole(s);
		break;
	case CONTENT_BARE:
		say_bare(s);
	}
	return taken;
}

/* ---- BDAT ---- */

/* Who sends all chunks before it reads makes one mistake, not as many as there are chunks. */
static void say_chunk(struct smtp_session *s)
{
	if (s->fault == REPLY_NONE) {
		smtp_say(s, REPLY_CHUNK_OK);
	} else if (s->fault_told) {
		smtp_reply_put(s->out, s->fault, NULL);
	} else {
		s->fault_told = true;
		s->facts.refused++;
		smtp_say(s, s->fault);
	}
}

static void chunk_done(struct smtp_session *s)
{
	s->phase = PHASE_COMMAND;
	if (!s->chunk_last) {
		say_chunk(s);
	} else if (!content_end(&s->content)) {
		say_bare(s);
	} else {
		whole(s);
	}
}

static void lost_done(struct smtp_session *s)
{
	s->phase = PHASE_COMMAND;
	s->data_ms = 0;
	s->got = 0;
	smtp_say(s, s->chunk_reply);
}

static void begin_chunk(struct smtp_session *s)
{
	if (s->state != STATE_CHUNKS)
		begin_content(s, s->letter->body == LETTER_BINARYMIME ? CONTENT_BINARY : CONTENT_BDAT);
	s->state = STATE_CHUNKS;
	s->phase = PHASE_CHUNK;
	if (s->chunk_left == 0)
		chunk_done(s);
}

/* Of a chunk whose size cannot be told nothing that follows can be. */
void smtp_bdat(struct smtp_session *s, struct span argument, enum smtp_reply refused)
{
	struct span size = smtp_word(&argument);

	if (!smtp_number(size, &s->chunk_left) || s->chunk_left > SMTP_CHUNK_MOST ||
	    (argument.n > 0 && !smtp_is(argument, "LAST"))) {
		smtp_say_last(s, REPLY_CHUNK_SYNTAX, "chunk");
		return;
	}
	s->chunk_last = argument.n > 0;
	if (refused == REPLY_NONE) {
		begin_chunk(s);
		return;
	}
	s->chunk_reply = refused;
	s->phase = PHASE_LOST;
	s->data_ms = s->now_ms;
	if (s->chunk_left == 0)
		lost_done(s);
}

size_t smtp_take_chunk(struct smtp_session *s, struct span in)
{
	size_t taken = 0;

	if (in.n > s->chunk_left)
		in.n = s->chunk_left;
	if (take_content(s, in, &taken) == CONTENT_BARE) {
		say_bare(s);
		return taken;
	}
	must(taken == in.n);
	s->chunk_left -= taken;
	if (s->chunk_left == 0)
		chunk_done(s);
	return taken;
}

size_t smtp_take_lost(struct smtp_session *s, struct span in)
{
	size_t n = in.n < s->chunk_left ? in.n : s->chunk_left;

	s->last_ms = s->now_ms;
	s->got += n;
	s->chunk_left -= n;
	if (s->chunk_left == 0)
		lost_done(s);
	return n;
}

/* ---- the answer ---- */

struct letter *smtp_session_letter(struct smtp_session *s)
{
	struct letter *l = s->letter;

	must(s->ask == SMTP_ASK_MAIL && l != NULL);
	content_fini(&s->content);
	s->content_on = false;
	s->letter = NULL;
	return l;
}

static enum smtp_reply refusal(enum store_verdict v)
{
	switch (v) {
	case STORE_REFUSED_FULL:
		return REPLY_FULL;
	case STORE_REFUSED_LARGE:
		return REPLY_LARGE;
	case STORE_REFUSED_GONE:
		return REPLY_GONE;
	case STORE_REFUSED_BAD:
		return REPLY_MAIL_BAD;
	default:
		return REPLY_AWAY;
	}
}

static void say_queued(struct smtp_session *s, const struct store_outcome *o)
{
	must(o->n == s->n_rcpts);
	if (!s->peer.lmtp)
		smtp_reply_put_queued(s->out, o->ids, o->n);
	else
		for (uint32_t i = 0; i < o->n; i++)
			smtp_reply_put_queued(s->out, &o->ids[i], 1);
	s->facts.mails++;
	s->errors = 0;
	SMTP_COUNT(s->world->counts, mails);
	SMTP_ADD(s->world->counts, jobs, smtp_distinct(o->ids, o->n));
	SMTP_ADD(s->world->counts, bytes, s->stored_bytes);
}

void smtp_session_stored(struct smtp_session *s, const struct store_outcome *o, uint64_t now_ms)
{
	if (s->closing)
		return;
	must(s->ask == SMTP_ASK_MAIL);
	s->ask = SMTP_ASK_NOTHING;
	s->now_ms = s->last_ms = now_ms;
	smtp_forget_mail(s);
	if (o->verdict == STORE_OK)
		say_queued(s, o);
	else
		say_all(s, refusal(o->verdict), o->text, s->n_rcpts);
	smtp_settle(s);
}
