/* Answers of an auth server: reading one, and what it allows; see auth.h. */
#include <jansson.h>
#include <stdlib.h>

#include "broker/nsq/auth.h"
#include "broker/nsq/auth_regex.h"
#include "proto/limits.h"

#define MOST_TTL_S (UINT64_C(366) * 24 * 3600)

struct grant {
	regex_t topic;
	regex_t *channels;
	uint32_t n_channels;
	bool subscribe;
	bool publish;
};

struct auth_grants {
	uint64_t ttl_s;
	char *identity;
	char *identity_url;
	struct grant *v;
	uint32_t n;
	uint32_t regexes; /* of channels, in all */
};

static char *copy(const char *text)
{
	char *s = strdup(text);

	must(s != NULL);
	return s;
}

static void grant_free(struct grant *g)
{
	regfree(&g->topic);
	for (uint32_t i = 0; i < g->n_channels; i++)
		regfree(&g->channels[i]);
	free(g->channels);
}

void auth_grants_free(struct auth_grants *g)
{
	if (g == NULL)
		return;
	for (uint32_t i = 0; i < g->n; i++)
		grant_free(&g->v[i]);
	free(g->v);
	free(g->identity);
	free(g->identity_url);
	free(g);
}

static struct span text_of(const json_t *j)
{
	return span_of(json_string_value(j), json_string_length(j));
}

static bool read_permissions(struct grant *g, const json_t *list)
{
	size_t i;
	json_t *j;

	if (list != NULL && !json_is_array(list) && !json_is_null(list))
		return false;
	json_array_foreach(list, i, j)
	{
		if (json_is_string(j) && strcmp(json_string_value(j), "subscribe") == 0)
			g->subscribe = true;
		else if (json_is_string(j) && strcmp(json_string_value(j), "publish") == 0)
			g->publish = true;
		else
			return false;
	}
	return true;
}

static bool read_channels(struct auth_grants *a, struct grant *g, const json_t *list)
{
	size_t i;
	json_t *j;

	if (list != NULL && !json_is_array(list) && !json_is_null(list))
		return false;
	if (json_array_size(list) > LIMIT_AUTH_REGEXES - a->regexes)
		return false;
	if (json_array_size(list) > 0) {
		g->channels = calloc(json_array_size(list), sizeof *g->channels);
		must(g->channels != NULL);
	}
	json_array_foreach(list, i, j)
	{
		if (!json_is_string(j) || !auth_regex(&g->channels[g->n_channels], text_of(j)))
			return false;
		g->n_channels++;
		a->regexes++;
	}
	return true;
}

/* On false what was made of it is freed by auth_grants_free. */
static bool read_grant(struct auth_grants *a, const json_t *j, const char **why)
{
	struct grant *g = &a->v[a->n];
	const json_t *topic = json_object_get(j, "topic");

	*why = "an authorization's topic is no regular expression that we know";
	if (!json_is_object(j) || (topic != NULL && !json_is_string(topic)) ||
	    !auth_regex(&g->topic, topic == NULL ? span_str("") : text_of(topic)))
		return false;
	a->n++;
	*why = "an authorization's permissions are not of subscribe and publish";
	if (!read_permissions(g, json_object_get(j, "permissions")))
		return false;
	*why = "an authorization's channels are no list of regular expressions that we know";
	return read_channels(a, g, json_object_get(j, "channels"));
}

static bool read_text(char **out, const json_t *j)
{
	*out = copy(json_is_string(j) ? json_string_value(j) : "");
	return j == NULL || json_is_null(j) || json_is_string(j);
}

static bool read_answer(struct auth_grants *a, const json_t *root, const char **why)
{
	const json_t *ttl = json_object_get(root, "ttl"), *list = json_object_get(root, "authorizations"), *j;
	size_t i;

	*why = "it is no JSON object";
	if (!json_is_object(root))
		return false;
	*why = "identity or identity_url is no text";
	if (!read_text(&a->identity, json_object_get(root, "identity")) ||
	    !read_text(&a->identity_url, json_object_get(root, "identity_url")))
		return false;
	*why = "ttl is not a number of seconds above 0";
	if (!json_is_integer(ttl) || json_integer_value(ttl) <= 0)
		return false;
	a->ttl_s = (uint64_t)json_integer_value(ttl);
	a->ttl_s = a->ttl_s < MOST_TTL_S ? a->ttl_s : MOST_TTL_S;
	*why = "authorizations is no list, or too long";
	if ((list != NULL && !json_is_array(list) && !json_is_null(list)) || json_array_size(list) > LIMIT_AUTH_GRANTS)
		return false;
	a->v = calloc(json_array_size(list) + 1, sizeof *a->v);
	must(a->v != NULL);
	json_array_foreach(list, i, j) if (!read_grant(a, j, why)) return false;
	return true;
}

struct auth_grants *auth_grants_read(struct span json, const char **why)
{
	json_error_t error;
	json_t *root;
	struct auth_grants *a;
	bool good;

	*why = "it is no JSON";
	if (json.n > LIMIT_AUTH_ANSWER)
		return NULL;
	root = json_loadb((const char *)json.p, json.n, 0, &error);
	if (root == NULL)
		return NULL;
	a = calloc(1, sizeof *a);
	must(a != NULL);
	good = read_answer(a, root, why);
	json_decref(root);
	if (good)
		return a;
	auth_grants_free(a);
	return NULL;
}

uint32_t auth_grants_count(const struct auth_grants *g)
{
	return g->n;
}

uint64_t auth_grants_ttl_s(const struct auth_grants *g)
{
	return g->ttl_s;
}

struct span auth_grants_identity(const struct auth_grants *g)
{
	return span_str(g->identity);
}

struct span auth_grants_identity_url(const struct auth_grants *g)
{
	return span_str(g->identity_url);
}

static bool matches(const regex_t *r, const char *name)
{
	return regexec(r, name, 0, NULL, 0) == 0;
}

static bool grant_allows(const struct grant *g, const char *topic, const char *channel)
{
	if (!(channel[0] != 0 ? g->subscribe : g->publish) || !matches(&g->topic, topic))
		return false;
	for (uint32_t i = 0; i < g->n_channels; i++)
		if (matches(&g->channels[i], channel))
			return true;
	return false;
}

bool auth_grants_allow(const struct auth_grants *g, struct span topic, struct span channel)
{
	char names[2][LIMIT_NAME + 1] = { { 0 } };

	if (topic.n > LIMIT_NAME || channel.n > LIMIT_NAME)
		return false;
	memcpy(names[0], topic.n > 0 ? topic.p : (const uint8_t *)"", topic.n);
	memcpy(names[1], channel.n > 0 ? channel.p : (const uint8_t *)"", channel.n);
	for (uint32_t i = 0; i < g->n; i++)
		if (grant_allows(&g->v[i], names[0], names[1]))
			return true;
	return false;
}
