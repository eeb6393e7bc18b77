/* See link.h. */
#include "worker/link.h"

#include <errno.h>
#include <zmq.h>

#include "base/log.h"
#include "base/must.h"
#include "keys/curve.h"
#include "proto/limits.h"

void link_close(void **socket)
{
	if (*socket != NULL)
		zmq_close(*socket);
	*socket = NULL;
}

void *link_open(void *context, int type, int linger, const char *endpoint, const struct keys_own *keys)
{
	void *socket = zmq_socket(context, type);
	int64_t most = (int64_t)LIMIT_MESSAGE;
	int none = 0, yes = 1, idle = 30, reconnect = 50, slow = 1000;

	must(socket != NULL);
	zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
	zmq_setsockopt(socket, ZMQ_SNDHWM, &none, sizeof none); /* bounded by what is unsettled */
	zmq_setsockopt(socket, ZMQ_RCVHWM, &none, sizeof none); /* bounded by the window */
	zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &most, sizeof most);
	zmq_setsockopt(socket, ZMQ_TCP_KEEPALIVE, &yes, sizeof yes);
	zmq_setsockopt(socket, ZMQ_TCP_KEEPALIVE_IDLE, &idle, sizeof idle);
	zmq_setsockopt(socket, ZMQ_RECONNECT_IVL, &reconnect, sizeof reconnect);
	zmq_setsockopt(socket, ZMQ_RECONNECT_IVL_MAX, &slow, sizeof slow);
	if (!curve_connect(socket, keys) || zmq_connect(socket, endpoint) != 0)
		log_line(LOG_ERROR, "connect", "endpoint=%s %s", endpoint, zmq_strerror(errno));
	return socket;
}
