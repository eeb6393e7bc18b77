/* See address.h. */
#include "broker/edge/address.h"

#include <string.h>

#include "base/text.h"
#include "base/units.h"
#include "proto/endpoint.h"

bool edge_address_read(const char *text, uint64_t least_port, struct edge_address *a)
{
	const char *colon = strrchr(text, ':');
	size_t n = colon != NULL ? (size_t)(colon - text) : 0;
	uint64_t port;

	if (colon == NULL || n >= sizeof a->host || !units_number(colon + 1, least_port, 65535, &port))
		return false;
	if (n == 0)
		text_format(a->host, sizeof a->host, "*");
	else if (text[0] == '[' && n > 2 && text[n - 1] == ']')
		text_format(a->host, sizeof a->host, "%.*s", (int)n - 2, text + 1);
	else if (memchr(text, ':', n) != NULL || memchr(text, '/', n) != NULL || memchr(text, '[', n) != NULL)
		return false;
	else
		text_format(a->host, sizeof a->host, "%.*s", (int)n, text);
	a->port = (uint16_t)port;
	return true;
}

static bool is_path(const struct edge_address *a)
{
	return a->host[0] == '/';
}

const char *edge_address_show(const struct edge_address *a, char to[EDGE_ADDRESS_TEXT])
{
	bool six = strchr(a->host, ':') != NULL;

	if (is_path(a))
		text_format(to, EDGE_ADDRESS_TEXT, "%s", a->host);
	else
		text_format(to, EDGE_ADDRESS_TEXT, "%s%s%s:%u", six ? "[" : "", a->host, six ? "]" : "", a->port);
	return to;
}

bool edge_address_local(const struct edge_address *a)
{
	char text[EDGE_ADDRESS_TEXT], endpoint[EDGE_ADDRESS_TEXT + 8];

	if (a->host[0] == '\0' || is_path(a))
		return true;
	text_format(endpoint, sizeof endpoint, "tcp://%s", edge_address_show(a, text));
	return endpoint_is_loopback(endpoint);
}
