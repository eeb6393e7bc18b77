/* Listening where people said: at every address of a host's name, or at a Unix socket. */
#ifndef SHEAF_EDGE_LISTEN_H
#define SHEAF_EDGE_LISTEN_H

#include <uv.h>

#include "broker/edge/address.h"

enum {
	LISTEN_ADDRESSES = 4, /* of a name, at most */
	LISTEN_BACKLOG = 1024,
	LISTEN_PATH = 108, /* bytes of a Unix socket's path, the NUL included */
	LISTEN_MODE = 0660 /* of its file */
};

struct edge_listen {
	union {
		uv_tcp_t tcp;
		uv_pipe_t pipe;
		uv_stream_t stream;
	} v[LISTEN_ADDRESSES];
	uint32_t n; /* handles that are in the loop, each with `data` */
	bool is_path;
	uint16_t port; /* 0: a Unix socket */
};

/* Binds and listens; `came` is called for each connection, from the loop. What is there is in l->n also when it fails:
 * edge_listen_close ends it. A Unix socket's file that is there already is removed if nobody listens at it; another
 * file is left alone. False with a sentence in err, which names the option. */
MUST_CHECK bool edge_listen_open(struct edge_listen *l, uv_loop_t *loop, const struct edge_address *a,
                                 uv_connection_cb came, void *data, const char *option, char *err, size_t room);
/* `closed` is called for each of the l->n handles. The file of a Unix socket goes. */
void edge_listen_close(struct edge_listen *l, uv_close_cb closed);

#endif
