/* See quiet.h. */
#include "broker/quiet.h"

#include <string.h>

#include "base/text.h"

bool quiet_may(struct quiet *q, const char *who, uint64_t mono_ms, uint32_t *more)
{
	char name[QUIET_WHO];
	int place = 0;
	bool own;

	text_format(name, sizeof name, "%s", who);
	for (int i = 0; i < QUIET_PLACES; i++) {
		if (q->v[i].at != 0 && strcmp(q->v[i].who, name) == 0) {
			place = i;
			break;
		}
		if (q->v[i].at < q->v[place].at)
			place = i; /* the oldest, or a free one */
	}
	own = strcmp(q->v[place].who, name) == 0;
	*more = 0;
	if (q->v[place].at != 0 && mono_ms + 1 - q->v[place].at < QUIET_MS) {
		q->v[place].more += own; /* if it is another's, all places are younger than a minute */
		return false;
	}
	if (own)
		*more = q->v[place].more;
	memcpy(q->v[place].who, name, sizeof name);
	q->v[place].at = mono_ms + 1;
	q->v[place].more = 0;
	return true;
}
