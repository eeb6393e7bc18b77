/* See listen.h. */
#include "broker/edge/listen.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.h"

struct opening {
	struct edge_listen *l;
	uv_loop_t *loop;
	const struct edge_address *a;
	uv_connection_cb came;
	void *data;
	const char *option;
	char *err;
	size_t room;
};

static bool fail(const struct opening *o, const char *what, const char *why)
{
	char at[EDGE_ADDRESS_TEXT];

	text_format(o->err, o->room, "--%s: cannot %s %s: %s", o->option, what,
	            o->l->is_path ? o->a->host : edge_address_show(o->a, at), why);
	return false;
}

/* ---- TCP ---- */

static bool listen_at(struct opening *o, const struct sockaddr *address)
{
	struct edge_listen *l = o->l;
	uv_tcp_t *t = &l->v[l->n].tcp;
	struct sockaddr_storage bound;
	int n = sizeof bound, status;

	must(uv_tcp_init(o->loop, t) == 0);
	t->data = o->data;
	l->n++;
	status = uv_tcp_bind(t, address, 0);
	if (status == 0)
		status = uv_listen((uv_stream_t *)t, LISTEN_BACKLOG, o->came);
	if (status == 0)
		status = uv_tcp_getsockname(t, (struct sockaddr *)&bound, &n);
	if (status != 0)
		return fail(o, "listen on", uv_strerror(status));
	l->port = ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port
	                                            : ((struct sockaddr_in *)&bound)->sin_port);
	return true;
}

static bool listen_at_each(struct opening *o, struct addrinfo *one)
{
	for (; one != NULL && o->l->n < LISTEN_ADDRESSES; one = one->ai_next) {
		uint16_t port = htons(o->l->port > 0 ? o->l->port : o->a->port);

		if (one->ai_family == AF_INET6)
			((struct sockaddr_in6 *)(void *)one->ai_addr)->sin6_port = port;
		else
			((struct sockaddr_in *)(void *)one->ai_addr)->sin_port = port;
		if (!listen_at(o, one->ai_addr))
			return false;
	}
	return true;
}

/* Every address of the name; with port 0 all get the one that the first has got. */
static bool listen_tcp(struct opening *o)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
	bool any = strcmp(o->a->host, "*") == 0, good;
	struct sockaddr_in6 six;
	uv_getaddrinfo_t found;
	int status;

	if (any && uv_ip6_addr("::", o->a->port, &six) == 0) { /* IPv4 as well */
		if (listen_at(o, (struct sockaddr *)&six))
			return true;
		hints.ai_family = AF_INET; /* a machine without IPv6 */
	}
	status = uv_getaddrinfo(o->loop, &found, NULL, any ? "0.0.0.0" : o->a->host, NULL, &hints);
	if (status != 0)
		return fail(o, "find", uv_strerror(status));
	good = listen_at_each(o, found.addrinfo);
	uv_freeaddrinfo(found.addrinfo);
	return good;
}

/* ---- a Unix socket ---- */

/* Whether somebody listens at the path; if it cannot be told, somebody may. */
static bool is_heard(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool nobody;

	if (fd < 0)
		return true;
	text_format(a.sun_path, sizeof a.sun_path, "%s", path);
	nobody = connect(fd, (struct sockaddr *)&a, sizeof a) != 0 && errno == ECONNREFUSED;
	close(fd);
	return !nobody;
}

/* What an earlier process has left there goes. */
static bool make_room(const struct opening *o)
{
	const char *path = o->a->host;
	struct stat st;

	if (lstat(path, &st) != 0)
		return errno == ENOENT || fail(o, "listen on", strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return fail(o, "listen on", "there is a file of another kind");
	if (is_heard(path))
		return fail(o, "listen on", "somebody listens there");
	return unlink(path) == 0 || fail(o, "remove", strerror(errno));
}

/* libuv calls a folder that is not there a permission that is denied. */
static const char *why_not_bound(const char *path, int status)
{
	char folder[LISTEN_PATH];
	struct stat st;

	text_format(folder, sizeof folder, "%.*s", (int)(strrchr(path, '/') - path), path);
	if (status == UV_EACCES && folder[0] != '\0' && stat(folder, &st) != 0)
		return strerror(errno);
	return uv_strerror(status);
}

/* Between bind and listen nobody gets in, whatever mode the file has. */
static bool listen_path(struct opening *o)
{
	uv_pipe_t *p = &o->l->v[0].pipe;
	const char *path = o->a->host;
	int status;

	if (strlen(path) >= LISTEN_PATH)
		return fail(o, "listen on", "the path is longer than 107 bytes");
	if (!make_room(o))
		return false;
	must(uv_pipe_init(o->loop, p, 0) == 0);
	p->data = o->data;
	o->l->n = 1;
	status = uv_pipe_bind(p, path);
	if (status != 0)
		return fail(o, "listen on", why_not_bound(path, status));
	if (chmod(path, LISTEN_MODE) != 0)
		return fail(o, "set the mode of", strerror(errno));
	status = uv_listen((uv_stream_t *)p, LISTEN_BACKLOG, o->came);
	return status == 0 || fail(o, "listen on", uv_strerror(status));
}

/* ---- both ---- */

bool edge_listen_open(struct edge_listen *l, uv_loop_t *loop, const struct edge_address *a, uv_connection_cb came,
                      void *data, const char *option, char *err, size_t room)
{
	struct opening o = { l, loop, a, came, data, option, err, room };

	l->n = 0;
	l->port = 0;
	l->is_path = a->host[0] == '/';
	return l->is_path ? listen_path(&o) : listen_tcp(&o);
}

/* libuv removes the file of a Unix socket. */
void edge_listen_close(struct edge_listen *l, uv_close_cb closed)
{
	for (uint32_t i = 0; i < l->n; i++)
		if (!uv_is_closing((uv_handle_t *)&l->v[i].stream))
			uv_close((uv_handle_t *)&l->v[i].stream, closed);
}
