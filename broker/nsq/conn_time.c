/* When a connection has to be looked at: heartbeats and silence, the handshake, a write that does not go on, the end.
 */
#include "base/log.h"
#include "broker/nsq/conn.h"

static uint64_t deadline(const struct conn *c)
{
	uint64_t at = layers_deadline(&c->layers), ms;

	if (c->state != CONN_OPEN)
		return c->until_ms;
	if (session_deadline(c->session) < at)
		at = session_deadline(c->session);
	ms = session_heartbeat_ms(c->session);
	if (c->writing && ms > 0 && c->stuck_ms + ms < at)
		at = c->stuck_ms + ms;
	return at;
}

/* Most turns leave it as it is. */
void conn_retime(struct conn *c, bool exactly)
{
	edge_timers_set(&c->server->timers, &c->timer, deadline(c), exactly);
}

/* Whether it has taken nothing of what we write for as long as it may. */
static bool is_stuck(struct conn *c)
{
	size_t left = uv_stream_get_write_queue_size((uv_stream_t *)&c->tcp);
	uint64_t ms = session_heartbeat_ms(c->session);

	if (!c->writing || ms == 0 || conn_now(c) < c->stuck_ms + ms)
		return false;
	if (left == c->stuck_at)
		return true;
	c->stuck_at = left;
	c->stuck_ms = conn_now(c);
	return false;
}

void conn_tick(struct conn *c)
{
	if (c->state != CONN_OPEN) {
		if (conn_now(c) >= c->until_ms)
			conn_close(c);
	} else if (is_stuck(c)) {
		log_line(LOG_INFO, "nsq-unread", "peer=%s reads nothing: closed", c->peer);
		conn_close(c);
	} else if (conn_now(c) >= layers_deadline(&c->layers)) {
		log_line(LOG_DEBUG, "nsq-layer", "peer=%s has not ended its handshake in time", c->peer);
		conn_close(c);
	} else if (conn_now(c) >= session_deadline(c->session)) {
		session_tick(c->session, conn_now(c));
	}
	if (c->state == CONN_CLOSED)
		return;
	conn_retime(c, true);
	conn_mark(c);
}
