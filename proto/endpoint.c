/* See endpoint.h. */
#include "proto/endpoint.h"

#include <arpa/inet.h>

#include "base/text.h"

struct span endpoint_host(struct span endpoint)
{
	size_t end = endpoint.n;

	if (endpoint.n < 6 || memcmp(endpoint.p, "tcp://", 6) != 0)
		return (struct span){ 0 };
	while (end > 6 && endpoint.p[end - 1] != ':')
		end--;
	return end > 7 ? span_of(endpoint.p + 6, end - 7) : (struct span){ 0 };
}

bool endpoint_is_loopback(const char *endpoint)
{
	struct span host = endpoint_host(span_str(endpoint));
	struct in_addr address;
	char text[INET_ADDRSTRLEN + 1];

	if (host.n == 0)
		return strncmp(endpoint, "ipc://", 6) == 0 || strncmp(endpoint, "inproc://", 9) == 0;
	text_format(text, sizeof text, "%.*s", (int)host.n, (const char *)host.p); /* what is cut is no address */
	if (inet_pton(AF_INET, text, &address) == 1)
		return ntohl(address.s_addr) >> 24 == 127; /* not a name that only begins like that */
	return span_eq(host, span_str("localhost")) || span_eq(host, span_str("[::1]"));
}
