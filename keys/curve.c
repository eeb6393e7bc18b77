/* See curve.h. */
#include "keys/curve.h"

#include <string.h>

#include "base/text.h"

static bool set_text(void *socket, int option, const char *text)
{
	return zmq_setsockopt(socket, option, text, strlen(text)) == 0;
}

bool curve_connect(void *socket, const struct keys_own *k)
{
	return k == NULL || (set_text(socket, ZMQ_CURVE_SERVERKEY, k->server) &&
	                     set_text(socket, ZMQ_CURVE_PUBLICKEY, k->cert.public) &&
	                     set_text(socket, ZMQ_CURVE_SECRETKEY, k->cert.secret));
}

bool curve_bind(void *socket, const struct cert *broker, const char *domain)
{
	int yes = 1;

	return set_text(socket, ZMQ_ZAP_DOMAIN, domain) && set_text(socket, ZMQ_CURVE_SECRETKEY, broker->secret) &&
	       zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &yes, sizeof yes) == 0;
}

enum curve_trouble curve_event(const void *frame, size_t n)
{
	uint16_t event;
	uint32_t value;

	if (n != sizeof event + sizeof value)
		return CURVE_FINE;
	memcpy(&event, frame, sizeof event); /* in this machine's order of bytes */
	memcpy(&value, (const uint8_t *)frame + sizeof event, sizeof value);
	switch (event) {
	case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
		return CURVE_REFUSED;
	case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
		return value == ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH ? CURVE_MISMATCH : CURVE_CUT;
	case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
		return CURVE_CUT;
	default:
		return CURVE_FINE;
	}
}

static const char *sentence(enum curve_trouble t, bool keys)
{
	switch (t) {
	case CURVE_FINE:
		break;
	case CURVE_CUT:
		return keys ? "broker %s ends the connection in the handshake: is broker.key in --keys DIR its key?"
		            : "broker %s ends the connection in the handshake: if it wants keys, say --keys DIR";
	case CURVE_MISMATCH:
		return keys ? "broker %s has no keys, and with --keys nothing is said unencrypted: start it with --keys"
		            : "broker %s wants keys: say --keys DIR, a directory that `sheaf keygen` made";
	case CURVE_REFUSED:
		return "refused by the broker: this key is not known to it (%s): its .key file belongs into clients/ "
		       "of the "
		       "broker's --keys, then a SIGHUP";
	}
	return "";
}

const char *curve_why(enum curve_trouble t, const char *broker, bool keys, char to[LIMIT_TEXT])
{
	const char *gap, *text = sentence(t, keys);

	gap = strstr(text, "%s");
	if (gap != NULL)
		text_format(to, LIMIT_TEXT, "%.*s%s%s", (int)(gap - text), text, broker, gap + 2);
	else
		to[0] = '\0';
	return to;
}
