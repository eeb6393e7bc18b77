/* The settings of topics and channels as people type them: keep=24h, ordered=yes. */
#include <string.h>

#include "base/suggest.h"
#include "base/units.h"
#include "client/cli/topic.h"

static bool read_keep(const char *value, struct msg_topic_op *op)
{
	return units_duration(value, &op->keep_ms) && op->keep_ms <= LIMIT_DELAY_MS;
}

static bool read_keep_bytes(const char *value, struct msg_topic_op *op)
{
	return units_size(value, &op->keep_bytes) && op->keep_bytes <= LIMIT_KEEP_BYTES;
}

static bool read_ordered(const char *value, struct msg_topic_op *op)
{
	op->ordered = strcmp(value, "yes") == 0;
	return op->ordered || strcmp(value, "no") == 0;
}

static bool read_attempts(const char *value, struct msg_topic_op *op)
{
	uint64_t n;

	if (!units_number(value, 0, LIMIT_MESSAGE_ATTEMPTS, &n))
		return false;
	op->attempts = (uint32_t)n;
	return true;
}

static bool read_dead(const char *value, struct msg_topic_op *op)
{
	op->dead = span_str(value);
	return topic_name_good(value, "topic");
}

static const struct setting {
	const char *key;
	enum topic_setting which;
	bool of_channel;
	bool (*read)(const char *value, struct msg_topic_op *op);
	const char *rule;
} settings[] = {
	{ "keep", SET_KEEP_MS, false, read_keep, "a duration such as 24h, at most ten years" },
	{ "keep-bytes", SET_KEEP_BYTES, false, read_keep_bytes, "a size such as 1G, at most 1 TiB" },
	{ "ordered", SET_ORDERED, true, read_ordered, "yes or no" },
	{ "attempts", SET_ATTEMPTS, true, read_attempts, "a whole number from 0 to 60000" },
	{ "dead", SET_DEAD, true, read_dead, "a topic's name" },
};

enum { SETTINGS_N = sizeof settings / sizeof settings[0] };

static const struct setting *find(const char *word, size_t n)
{
	struct suggest s;
	char key[32];

	if (n >= sizeof key)
		n = sizeof key - 1;
	memcpy(key, word, n);
	key[n] = '\0';
	suggest_init(&s, key);
	for (size_t i = 0; i < SETTINGS_N; i++) {
		if (strcmp(settings[i].key, key) == 0)
			return &settings[i];
		suggest_offer(&s, settings[i].key);
	}
	if (suggest_best(&s))
		cli_say("there is no setting '%s': did you mean '%s'?", key, suggest_best(&s));
	else
		cli_say("there is no setting '%s': keep, keep-bytes, ordered, attempts and dead are what there is",
		        key);
	return NULL;
}

static bool read_word(const struct cli *c, const char *word, struct msg_topic_op *op)
{
	size_t n = strcspn(word, "=");
	const struct setting *s;

	if (word[n] != '=') {
		cli_say("'%s' is not KEY=VALUE, such as keep=24h", word);
		return false;
	}
	s = find(word, n);
	if (!s)
		return false;
	if (s->of_channel != (c->flags.channel != NULL)) {
		cli_say(s->of_channel ? "%s is set on a channel: add --channel NAME"
		                      : "%s is set on the topic: leave --channel out",
		        s->key);
		return false;
	}
	if (op->which & s->which) {
		cli_say("%s is set twice", s->key);
		return false;
	}
	op->which |= s->which;
	if (strcmp(word + n + 1, "default") == 0 || s->read(word + n + 1, op))
		return true;
	cli_say("%s: '%s' is not %s", s->key, word + n + 1, s->rule);
	return false;
}

int topic_set_words(const struct cli *c, struct msg_topic_op *op)
{
	if (c->n_args < 3)
		return cli_fail(EXIT_USAGE, "topic set needs a setting: KEY=VALUE, such as keep=24h");
	for (int i = 2; i < c->n_args; i++)
		if (!read_word(c, c->args[i], op))
			return EXIT_USAGE;
	return EXIT_DONE;
}
