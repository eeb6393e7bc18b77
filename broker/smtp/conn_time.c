/* When a connection has to be looked at: what its session wants, the PROXY header, the handshake, the end. */
#include "broker/smtp/conn.h"

static uint64_t deadline(const struct conn *c)
{
	uint64_t at;

	if (c->state != CONN_OPEN)
		return c->until_ms;
	at = smtp_session_deadline(c->session);
	return conn_shaking(c) && c->until_ms < at ? c->until_ms : at;
}

void smtp_conn_retime(struct conn *c, bool exactly)
{
	edge_timers_set(&c->server->timers, &c->timer, deadline(c), exactly);
}

/* The session cannot say so within a handshake that does not end. */
static bool is_too_slow(const struct conn *c)
{
	return c->state == CONN_PROXY || c->state == CONN_SHAKES || (c->state == CONN_OPEN && conn_shaking(c));
}

void smtp_conn_tick(struct heap_item *timer)
{
	struct conn *c = list_item(timer, struct conn, timer);

	if (conn_now(c) >= deadline(c)) {
		if (is_too_slow(c)) {
			SMTP_COUNT(c->server->setup.counts, timeouts);
			smtp_conn_close(c);
		} else if (c->state == CONN_OPEN) {
			smtp_session_tick(c->session, conn_now(c));
			smtp_conn_go(c);
		} else {
			smtp_conn_close(c);
		}
	}
	if (c->state != CONN_CLOSED)
		smtp_conn_retime(c, true);
}
