/* See letters.h. */
#include "broker/core/topic/letters.h"

#include "broker/core/fx.h"
#include "broker/core/topic/channel.h"
#include "broker/core/topic/parcel.h"
#include "broker/core/topic/step.h"
#include "broker/core/topic/topic.h"
#include "broker/core/trim.h"
#include "broker/core/turn.h"

enum { LATER_MS = 10000 }; /* when there is no room for a dead letter it is tried again then */

void letters_wake(struct core *c, struct channel *ch)
{
	if (list_empty(&ch->letters) && !ch->doomed)
		list_push_back(&c->topics.letters, &ch->letters);
}

void letters_forget(struct core *c, struct parcel *p)
{
	for (int i = 0; i < TOPIC_FETCHES && p->token != 0; i++)
		if (c->topics.fetching[i].token == p->token)
			c->topics.fetching[i] = (struct fetching){ 0 };
}

static struct fetching *free_place(struct core *c)
{
	for (int i = 0; i < TOPIC_FETCHES; i++)
		if (c->topics.fetching[i].token == 0)
			return &c->topics.fetching[i];
	return NULL;
}

static void over(struct core *c, struct parcel *p)
{
	struct channel *ch = p->channel;

	ch->dead += p->left;
	step_done(c, ch, p->run, p->mask);
	parcel_finish(c, p, p->mask);
}

/* One message of the parcel, which stands first among the dying, is asked for; it goes behind all others. */
static void fetch(struct core *c, struct parcel *p, struct fetching *place)
{
	uint64_t one = mask_first(p->mask, 1);
	struct channel *ch = p->channel;
	struct effect *e;

	if (p->mask != one) {
		struct parcel *rest = p;

		p = parcel_split(c, rest, one);
		parcel_die(c, p);
	}
	p->token = c->epoch << 32 | c->next_token++;
	list_remove(&p->link);
	list_push_back(&ch->dying, &p->link);
	*place = (struct fetching){ p->token, p };
	e = fx_add(c, FX_FETCH);
	e->number = p->token;
	e->stored = (struct log_bytes){ p->run->at, p->run->length, p->run->crc };
	e->u.mask = p->mask;
}

/* The next of the channel's dying parcels that nobody fetches yet, or NULL. */
static struct parcel *unfetched(const struct channel *ch)
{
	struct parcel *p = list_empty(&ch->dying) ? NULL : list_item(ch->dying.next, struct parcel, link);

	return p != NULL && p->token == 0 ? p : NULL;
}

/* True if it may go on at once. */
static bool letters_one(struct core *c, struct channel *ch)
{
	struct parcel *p = unfetched(ch);
	struct fetching *place;

	if (p == NULL || ch->doomed || ch->empty_to != 0) {
		list_remove(&ch->letters);
		return true;
	}
	if (!step_room(c, 1))
		return false;
	if (ch->settings.dead[0] == '\0') {
		over(c, p);
		return true;
	}
	place = free_place(c);
	if (place == NULL)
		return false;
	fetch(c, p, place);
	return true;
}

void letters_slice(struct core *c)
{
	for (int i = 0; i < STEP_WORK && !list_empty(&c->topics.letters); i++)
		if (!letters_one(c, list_item(c->topics.letters.next, struct channel, letters)))
			break;
}

bool letters_pending(const struct core *c)
{
	bool any = false;

	for (int i = 0; i < TOPIC_FETCHES && !any; i++)
		any = c->topics.fetching[i].token == 0;
	return any && !list_empty(&c->topics.letters);
}

/* Published in the dead-letter topic; false: there is no room for it now. */
static bool bury(struct core *c, const struct channel *ch, struct span packed)
{
	struct topic *t;

	if (c->pressure || trim_full(c, packed.n + KIB))
		return false;
	t = topic_for(c, span_str(ch->settings.dead));
	if (t == NULL)
		return false;
	must(packed.n > 4);
	return topic_publish(c, t, span_of(packed.p + 4, packed.n - 4));
}

void letters_fetched(struct core *c, uint64_t token, bool bad, struct span packed)
{
	struct parcel *p = NULL;
	struct channel *ch;

	for (int i = 0; i < TOPIC_FETCHES && token != 0; i++)
		if (c->topics.fetching[i].token == token)
			p = c->topics.fetching[i].parcel;
	if (p == NULL)
		return; /* the channel was emptied meanwhile, or deleted */
	ch = p->channel;
	if (bad) {
		fx_log(c, LOG_ERROR, "message-lost", "topic=%s channel=%s message=%llx cannot be read: damaged",
		       ch->topic->name, ch->name,
		       (unsigned long long)(p->run->number * RUN_MESSAGES + (uint64_t)__builtin_ctzll(p->mask)));
		over(c, p);
	} else if (ch->settings.dead[0] == '\0' || bury(c, ch, packed)) {
		over(c, p);
	} else {
		fx_log(c, LOG_WARN, "letter-waits", "topic=%s channel=%s dead-letter topic=%s has no room",
		       ch->topic->name, ch->name, ch->settings.dead);
		parcel_defer(c, p, c->wall + LATER_MS);
	}
	turn_commit(c);
}
