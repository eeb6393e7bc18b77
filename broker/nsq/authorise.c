/* AUTH, and whether a client may do what it asks for. What the auth server says is kept for as long as it says, then
 * it is asked again by the next command that needs it. */
#include <jansson.h>
#include <stdlib.h>

#include "broker/nsq/session_state.h"

static void answered(void *arg, struct auth_grants *grants)
{
	struct session *s = arg;

	s->query = NULL;
	auth_grants_free(s->grants);
	s->grants = grants;
	s->fresh = true;
	wait_over(s);
	woke(s);
}

static size_t ask(struct session *s)
{
	struct auth_who who = { .secret = span_of(s->secret, s->secret_n),
		                .remote_ip = span_str(s->remote_ip),
		                .common_name = span_str(s->common_name != NULL ? s->common_name : ""),
		                .tls = s->tls };

	s->query = auth_ask(s->world->auth, &who, answered, s);
	return wait_for(s, WAIT_AUTH);
}

/* The answer's time begins when it is first looked at, in the turn in which it came. False: it was no good one. */
static bool take_answer(struct session *s)
{
	s->fresh = false;
	if (s->grants == NULL)
		return false;
	s->grants_until_ms = s->now_ms + 1000 * auth_grants_ttl_s(s->grants);
	return true;
}

static void say_grants(struct session *s)
{
	struct span who = auth_grants_identity(s->grants), url = auth_grants_identity_url(s->grants);
	json_t *o = json_pack("{s:s%,s:s%,s:I}", "identity", who.n > 0 ? (const char *)who.p : "", who.n,
	                      "identity_url", url.n > 0 ? (const char *)url.p : "", url.n, "permission_count",
	                      (json_int_t)auth_grants_count(s->grants));
	char *text = o != NULL ? json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;

	must(text != NULL); /* both came out of JSON */
	say(s, FRAME_RESPONSE, span_str(text));
	free(text);
	json_decref(o);
}

size_t command_auth(struct session *s, const struct line *l, struct span in)
{
	struct span body;
	int32_t size;

	if (s->state != CLIENT_INIT)
		return wrong_state(s, "AUTH");
	if (l->n != 1)
		return fatal(s, "E_INVALID", "AUTH invalid number of parameters");
	if (must_queue(s) || !body_size(s, l, in, &size))
		return 0;
	if (size > 0 && (uint32_t)size > s->config->max_body)
		return fatal(s, "E_BAD_BODY", "AUTH body too big %d > %u", (long long)size,
		             (unsigned long long)s->config->max_body);
	if (size <= 0)
		return fatal(s, "E_BAD_BODY", "AUTH invalid body size %d", (long long)size);
	if (!body_whole(s, l, in, size, &body))
		return 0;
	if (s->grants != NULL && !s->fresh)
		return fatal(s, "E_INVALID", "AUTH already set");
	if (!auth_enabled(s->world->auth))
		return fatal(s, "E_AUTH_DISABLED", "AUTH disabled");
	if (!s->fresh) {
		free(s->secret);
		s->secret = malloc(body.n);
		must(s->secret != NULL);
		memcpy(s->secret, body.p, body.n);
		s->secret_n = body.n;
		return ask(s);
	}
	if (!take_answer(s))
		return fatal(s, "E_AUTH_FAILED", "AUTH failed");
	if (auth_grants_count(s->grants) == 0)
		return fatal(s, "E_UNAUTHORIZED", "AUTH no authorizations found");
	say_grants(s);
	return l->size + 4 + body.n;
}

bool authorised(struct session *s, const char *command, struct span topic, struct span channel)
{
	bool good = true;

	if (!auth_enabled(s->world->auth))
		return true;
	if (s->secret == NULL) {
		fatal(s, "E_AUTH_FIRST", "AUTH required before %s", command);
		return false;
	}
	if (s->fresh) {
		good = take_answer(s);
	} else if (s->grants == NULL) {
		good = false;
	} else if (s->now_ms >= s->grants_until_ms) {
		ask(s);
		return false;
	}
	if (!good)
		fatal(s, "E_AUTH_FAILED", "AUTH failed");
	else if (!auth_grants_allow(s->grants, topic, channel))
		fatal(s, "E_UNAUTHORIZED", "AUTH failed for %s on %q %q", command, topic, channel);
	else
		return true;
	return false;
}
