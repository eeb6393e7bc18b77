/* Zones that schedules use. The core asks the shell for their bytes and reads these; see cron.h. */
#include <stdlib.h>

#include "base/text.h"
#include "broker/core/cron.h"
#include "broker/core/fx.h"

static struct cron_zone *find(const struct core *c, struct span name)
{
	struct cron_zone *z;

	HASH_FIND(hh, c->zones, name.p, name.n, z);
	return z;
}

struct cron_zone *cron_zone_get(struct core *c, struct span name)
{
	struct cron_zone *z = find(c, name);

	must(name.n > 0 && name.n <= LIMIT_NAME);
	if (z == NULL) {
		z = calloc(1, sizeof *z);
		must(z != NULL);
		memcpy(z->name, name.p, name.n);
		HASH_ADD_KEYPTR(hh, c->zones, z->name, name.n, z);
	}
	z->refs++;
	return z;
}

void cron_zone_drop(struct core *c, struct cron_zone *z)
{
	if (--z->refs > 0)
		return;
	HASH_DELETE(hh, c->zones, z);
	zone_free(z->table);
	free(z);
}

void cron_zone_ask(struct core *c, struct span name)
{
	struct cron_zone *z = find(c, name);
	char *text;

	must(zone_name_ok(name));
	text = fx_alloc(c, name.n + 1);
	memcpy(text, name.p, name.n);
	text[name.n] = '\0';
	fx_add(c, FX_ZONE)->u.zone = text;
	if (z != NULL)
		z->asked = true;
}

/* All of its schedules look again when they are due: the zone is there, or has other rules than before. */
static void arm_all(struct core *c, const struct cron_zone *z)
{
	for (struct cron *k = c->crons; k != NULL; k = k->hh.next)
		if (k->zone == z)
			cron_arm(c, k);
}

void cron_zone_came(struct core *c, struct span name, bool good, struct span bytes)
{
	struct cron_zone *z = cron_zone_get(c, name); /* held here, whether a schedule uses it or not */
	const char *why = "";
	struct zone *table = good ? zone_parse(bytes, &why) : NULL;

	z->asked = false;
	z->trouble[0] = '\0';
	if (table != NULL) {
		zone_free(z->table);
		z->table = table;
	} else {
		struct span because = good ? span_str(why) : bytes;

		text_format(z->trouble, sizeof z->trouble, "time zone '%s': %.*s", z->name,
		            (int)(because.n < 90 ? because.n : 90), (const char *)because.p);
		if (z->refs > 1)
			fx_log(c, LOG_ERROR, "zone-unreadable", "zone=%s why=\"%s\"", z->name, z->trouble);
	}
	arm_all(c, z);
	cron_ask_zone(c, z);
	cron_zone_drop(c, z);
}
