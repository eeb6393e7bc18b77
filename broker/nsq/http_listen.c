/* Binding the address of an HTTP port; see http_door.h. */
#include <errno.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "broker/nsq/http_door.h"

static int bind_at(const struct addrinfo *a)
{
	int one = 1, fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
	    bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, 1024) == 0)
		return fd;
	close(fd);
	return -1;
}

int http_listen(const char *address, uint16_t number, char err[HTTP_ERR])
{
	struct addrinfo want = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV }, *all;
	bool any = strcmp(address, "*") == 0;
	char port[8];
	int fd = -1, bad;

	want.ai_family = any ? AF_INET : AF_UNSPEC;
	text_format(port, sizeof port, "%u", number);
	bad = getaddrinfo(any ? NULL : address, port, &want, &all);
	if (bad != 0) {
		text_format(err, HTTP_ERR, "%s: %s", address, gai_strerror(bad));
		return -1;
	}
	for (const struct addrinfo *a = all; a != NULL && fd < 0; a = a->ai_next)
		fd = bind_at(a);
	if (fd < 0)
		text_format(err, HTTP_ERR, "cannot listen at %s:%u for HTTP: %s", address, number, strerror(errno));
	freeaddrinfo(all);
	return fd;
}
