/* See listing.h. */
#include "client/cli/listing.h"

void listing_begin(struct listing *l, struct cli *c, const char *const *heads)
{
	l->c = c;
	table_init(&l->table, heads);
}

bool listing_json(struct listing *l, json_t *(*make)(const void *row), const void *row)
{
	if (!l->c->flags.json)
		return false;
	show_json(&l->c->out, make(row));
	return true;
}

int listing_end(struct listing *l, enum sheaf_error e, const char *empty)
{
	int status = e ? cli_error(l->c, e) : EXIT_DONE;

	if (!e && !l->c->flags.json && l->table.n > 0)
		table_write(&l->table, &l->c->out);
	else if (!e && !l->c->flags.json && !l->c->flags.quiet)
		cli_say("%s", empty);
	table_fini(&l->table);
	return status;
}
