/* See queue_set.h. */
#include "client/cli/queue_set.h"

#include <stdio.h>
#include <string.h>

static void keep(void *ctx, const struct msg_setting_rec *s)
{
	struct queue_set *set = ctx;

	if (set->n == LIMIT_SETTINGS)
		return;
	snprintf(set->v[set->n].name, sizeof set->v[0].name, "%.*s", (int)s->name.n, (const char *)s->name.p);
	set->v[set->n++].value = s->value;
}

enum sheaf_error queue_set_get(struct cli *c, const char *queue, struct queue_set *set)
{
	set->n = 0;
	return sheaf_queue_settings(c->s, queue, cli_left(c), keep, set);
}

static const char *text(const struct queue_set *set, uint32_t i, char out[SETTINGS_SHOWN])
{
	return settings_show(&(struct msg_setting_rec){ span_str(set->v[i].name), set->v[i].value }, out);
}

void queue_set_show(struct out *o, const struct queue_set *set)
{
	char shown[SETTINGS_SHOWN];

	for (uint32_t i = 0; i < set->n; i++)
		show_pair(o, set->v[i].name, "%s", text(set, i, shown));
}

json_t *queue_set_json(const struct queue_set *set)
{
	json_t *object = json_object();
	char shown[SETTINGS_SHOWN];

	for (uint32_t i = 0; i < set->n; i++)
		json_object_set_new(object, set->v[i].name,
		                    settings_is_count(span_str(set->v[i].name)) ? show_json_count(set->v[i].value)
		                                                                : json_string(text(set, i, shown)));
	return object;
}

/* Reads the words; a setting that is named twice is a mistake. 0, or an exit status after a sentence. */
static int read_words(struct cli *c, struct msg_setting_rec *v, uint32_t *n)
{
	char why[SETTINGS_WHY];

	*n = 0;
	if (c->n_args < 3)
		return cli_fail(EXIT_USAGE,
		                "queue set needs a setting: KEY=VALUE, such as concurrency=4 or rate=100/s");
	for (int i = 2; i < c->n_args; i++) {
		if (!settings_parse(c->args[i], &v[*n], why))
			return cli_fail(EXIT_USAGE, "%s", why);
		for (uint32_t k = 0; k < *n; k++)
			if (span_eq(v[k].name, v[*n].name))
				return cli_fail(EXIT_USAGE, "%.*s is set twice", (int)v[k].name.n,
				                (const char *)v[k].name.p);
		++*n;
	}
	return 0;
}

int queue_set_run(struct cli *c)
{
	struct msg_setting_rec v[SETTINGS + 1];
	struct queue_set now;
	enum sheaf_error e;
	uint32_t n;
	int status = read_words(c, v, &n);

	if (!status)
		status = cli_open(c);
	if (status)
		return status;
	e = sheaf_queue_set(c->s, c->args[0], v, n, cli_left(c));
	if (e == SHEAF_E_BAD_VALUE)
		return cli_error(c, e), EXIT_REFUSED; /* our words were good: this broker knows fewer settings */
	if (!e)
		e = queue_set_get(c, c->args[0], &now);
	if (e)
		return cli_error(c, e);
	if (c->flags.json)
		show_json(&c->out,
		          json_pack("{ssssso}", "name", c->args[0], "did", "set", "settings", queue_set_json(&now)));
	else if (!c->flags.quiet)
		queue_set_show(&c->out, &now);
	return EXIT_DONE;
}
