/* What a session asks for, one thing at a time: queues and mails of the store, passwords of threads. */
#include "base/log.h"
#include "broker/smtp/conn.h"

static uint64_t now_us(void)
{
	return uv_hrtime() / 1000;
}

static void on_known(void *arg, enum store_queue q)
{
	struct conn *c = arg;

	c->asked = SMTP_ASK_NOTHING;
	smtp_session_queue(c->session, q, conn_now(c));
	smtp_conn_go(c);
}

static bool ask_queue(struct conn *c)
{
	enum store_queue q;

	if (!store_queue(c->server->store, smtp_session_asked_queue(c->session), &q, on_known, c)) {
		c->asked = SMTP_ASK_QUEUE;
		return false;
	}
	smtp_session_queue(c->session, q, conn_now(c));
	return true;
}

static void on_checked(void *arg, bool right)
{
	struct conn *c = arg;

	c->asked = SMTP_ASK_NOTHING;
	c->password = NULL;
	smtp_session_authorised(c->session, right, conn_now(c));
	smtp_conn_go(c);
}

static void ask_password(struct conn *c)
{
	const char *user, *password;

	c->asked = SMTP_ASK_AUTH;
	smtp_session_credentials(c->session, &user, &password);
	c->password = passwords_check(&c->server->passwords, user, password, on_checked, c);
}

static void count_time(struct smtp_counts *counts, uint64_t us)
{
	SMTP_ADD(counts, accept_us, us);
	if (us > atomic_load_explicit(&counts->accept_us_max, memory_order_relaxed)) /* nobody else writes it */
		atomic_store_explicit(&counts->accept_us_max, us, memory_order_relaxed);
}

static void on_stored(void *arg, const struct store_outcome *o)
{
	struct conn *c = arg;
	uint64_t us = now_us() - c->asked_us;

	c->asked = SMTP_ASK_NOTHING;
	if (o->verdict == STORE_OK) {
		count_time(c->server->setup.counts, us);
		if (us > c->slowest_us)
			c->slowest_us = us;
		log_line(LOG_DEBUG, "smtp-mail", "id=%llu rcpts=%u us=%llu", (unsigned long long)o->ids[0], o->n,
		         (unsigned long long)us);
	}
	smtp_session_stored(c->session, o, conn_now(c));
	smtp_conn_go(c);
}

static void ask_mail(struct conn *c)
{
	struct letter *l = smtp_session_letter(c->session);

	c->asked = SMTP_ASK_MAIL;
	c->asked_us = now_us();
	store_mail(c->server->store, &l, on_stored, c);
}

bool smtp_conn_ask(struct conn *c)
{
	enum smtp_ask ask = smtp_session_asks(c->session);

	if (ask == c->asked)
		return false;
	must(c->asked == SMTP_ASK_NOTHING);
	switch (ask) {
	case SMTP_ASK_QUEUE:
		return ask_queue(c);
	case SMTP_ASK_AUTH:
		ask_password(c);
		return false;
	case SMTP_ASK_MAIL:
		ask_mail(c);
		return false;
	default: /* TLS: when all is sent */
		return false;
	}
}

void smtp_conn_forget(struct conn *c)
{
	if (c->asked == SMTP_ASK_AUTH)
		passwords_forget(c->password);
	else if (c->asked != SMTP_ASK_NOTHING)
		store_forget(c->server->store, c);
	c->asked = SMTP_ASK_NOTHING;
	c->password = NULL;
}
