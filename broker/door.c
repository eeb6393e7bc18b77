/* See door.h. */
#include "broker/door.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/log.h"
#include "base/text.h"
#include "base/units.h"
#include "broker/quiet.h"
#include "broker/zap.h"
#include "keys/curve.h"

struct principal {
	uint8_t key[KEY_BYTES];
	char name[KEYS_NAME];
	enum role role; /* ROLE_NONE: its key is gone */
	uint32_t number;
	UT_hash_handle hh; /* by key */
};

struct door {
	const char *dir; /* borrowed */
	void *zap;
	struct cert cert;     /* the broker's */
	struct principal **v; /* owned; number n stands at n - 1 */
	uint32_t n;
	struct principal *by_key; /* uthash */
	struct door_counts counts;
	struct quiet strangers, denied;
	char why[LIMIT_TEXT];
};

static const char *const domains[] = {
	[DOOR_CLIENTS] = "clients", [DOOR_WORKERS] = "workers", [DOOR_RESULTS] = "results", [DOOR_JOBS] = "jobs."
};

static struct principal *find(const struct door *d, const uint8_t key[KEY_BYTES])
{
	struct principal *p;

	HASH_FIND(hh, d->by_key, key, KEY_BYTES, p);
	return p;
}

static struct principal *at(const struct door *d, uint32_t number)
{
	return number > 0 && number <= d->n ? d->v[number - 1] : NULL;
}

/* ---- the directory ---- */

static struct principal *add(struct door *d, const struct keys_client *k)
{
	struct principal *p = calloc(1, sizeof *p);

	must(p != NULL);
	memcpy(p->key, k->key, KEY_BYTES);
	d->v = realloc(d->v, (d->n + 1) * sizeof d->v[0]);
	must(d->v != NULL);
	d->v[d->n++] = p;
	p->number = d->n;
	HASH_ADD(hh, d->by_key, key, KEY_BYTES, p);
	return p;
}

/* Numbers are never used again, so their count is bounded over the broker's life. */
static bool fits(const struct door *d, const struct keys_broker *k, char *err)
{
	uint32_t fresh = 0;

	for (uint32_t i = 0; i < k->n; i++)
		fresh += find(d, k->v[i].key) == NULL;
	if (d->n + fresh <= LIMIT_PRINCIPALS)
		return true;
	text_format(err, KEYS_ERR, "more than %d keys have come and gone: restart the broker", LIMIT_PRINCIPALS);
	return false;
}

static void take_keys(struct door *d, const struct keys_broker *k)
{
	d->counts.keys = k->n;
	for (uint32_t i = 0; i < k->n; i++) {
		struct principal *p = find(d, k->v[i].key);

		if (p == NULL)
			p = add(d, &k->v[i]);
		memcpy(p->name, k->v[i].name, sizeof p->name);
		p->role = k->v[i].role;
	}
}

struct door *door_new(void *context, const char *dir, char err[KEYS_ERR])
{
	struct door *d = calloc(1, sizeof *d);
	struct keys_broker keys;

	must(d != NULL);
	d->dir = dir;
	if (keys_broker_read(dir, &keys, err) != 0) {
		keys_broker_fini(&keys);
		door_free(d);
		return NULL;
	}
	d->cert = keys.cert;
	take_keys(d, &keys);
	keys_broker_fini(&keys);
	d->zap = zap_open(context);
	if (d->zap == NULL) {
		text_format(err, KEYS_ERR, "cannot check keys: %s", zmq_strerror(zmq_errno()));
		door_free(d);
		return NULL;
	}
	log_line(LOG_INFO, "keys", "dir=%s clients=%u", dir, d->n);
	return d;
}

void door_free(struct door *d)
{
	if (d == NULL)
		return;
	HASH_CLEAR(hh, d->by_key);
	for (uint32_t i = 0; i < d->n; i++)
		free(d->v[i]);
	free(d->v);
	if (d->zap != NULL)
		zmq_close(d->zap);
	cert_wipe(&d->cert);
	free(d);
}

void door_reload(struct door *d, void (*gone)(void *ctx, uint32_t principal), void *ctx)
{
	struct keys_broker keys;
	char err[KEYS_ERR];
	uint32_t left = 0;

	if (keys_broker_read(d->dir, &keys, err) != 0 || !fits(d, &keys, err)) {
		log_line(LOG_ERROR, "keys-kept", "%s; the keys stay as they were", err);
		keys_broker_fini(&keys);
		return;
	}
	if (strcmp(keys.cert.public, d->cert.public) != 0)
		log_line(LOG_WARN, "keys", "the broker's own key has changed: it is used after a restart");
	for (uint32_t i = 0; i < d->n; i++) {
		struct principal *p = d->v[i];
		const struct keys_client *k = keys_find(&keys, p->key);
		enum role role = k != NULL ? k->role : ROLE_NONE, before = p->role;

		p->role = role;
		if (before == ROLE_NONE || before == role)
			continue;
		left++;
		log_line(LOG_INFO, "key-gone", "key=%s role=%s now=%s", p->name, role_name(before), role_name(role));
		gone(ctx, p->number);
	}
	take_keys(d, &keys);
	keys_broker_fini(&keys);
	log_line(LOG_INFO, "keys", "dir=%s clients=%llu gone=%u", d->dir, (unsigned long long)d->counts.keys, left);
}

/* ---- connections ---- */

bool door_guard(const struct door *d, void *socket, enum door_domain domain, uint32_t principal)
{
	char text[32];

	if (domain == DOOR_JOBS)
		text_format(text, sizeof text, "%s%u", domains[DOOR_JOBS], principal);
	else
		text_format(text, sizeof text, "%s", domains[domain]);
	return curve_bind(socket, &d->cert, text);
}

/* Why this one may not dial that socket; NULL: it may. */
static const char *check(const struct principal *p, const char *domain)
{
	size_t n = strlen(domains[DOOR_JOBS]);
	uint64_t owner;

	if (p == NULL || p->role == ROLE_NONE)
		return "its key is not known";
	if (strcmp(domain, domains[DOOR_CLIENTS]) == 0 || strcmp(domain, domains[DOOR_WORKERS]) == 0)
		return NULL; /* what it may there is a matter of each message */
	if (p->role != ROLE_WORK && p->role != ROLE_ADMIN)
		return "its role is not work";
	if (strcmp(domain, domains[DOOR_RESULTS]) == 0)
		return NULL;
	if (strncmp(domain, domains[DOOR_JOBS], n) == 0 && units_number(domain + n, 1, UINT32_MAX, &owner) &&
	    owner == p->number)
		return NULL;
	return "the socket is another worker's";
}

static void log_stranger(struct door *d, const struct zap_request *r, const struct principal *p, const char *why,
                         uint64_t mono_ms)
{
	char key[KEY_TEXT];
	uint32_t more;

	d->counts.refused++;
	if (!quiet_may(&d->strangers, r->address, mono_ms, &more))
		return;
	zmq_z85_encode(key, r->key, KEY_BYTES);
	log_line(LOG_WARN, "key-refused", "address=%s socket=%s key=%s name=%s more=%u %s", r->address, r->domain, key,
	         p != NULL && p->role != ROLE_NONE ? p->name : "-", more, why);
}

void door_answer(struct door *d, uint64_t mono_ms)
{
	enum { MOST = 256 }; /* in a turn of the loop */

	for (int i = 0; i < MOST; i++) {
		struct zap_request r;
		enum zap_got got = zap_take(d->zap, &r);
		const struct principal *p;
		const char *why;
		char user[16];

		if (got == ZAP_NOTHING)
			return;
		p = got == ZAP_REQUEST ? find(d, r.key) : NULL;
		why = got == ZAP_REQUEST ? check(p, r.domain) : "the request for it is malformed";
		if (why == NULL)
			text_format(user, sizeof user, "%u", p->number);
		else
			log_stranger(d, &r, p, why, mono_ms);
		zap_reply(d->zap, &r, why == NULL ? user : NULL);
	}
}

struct door_counts door_counts(const struct door *d)
{
	return d->counts;
}

void *door_socket(const struct door *d)
{
	return d->zap;
}

/* ---- messages ---- */

uint32_t door_principal(const struct door *d, zmq_msg_t *frame)
{
	const char *user = zmq_msg_gets(frame, "User-Id");
	uint32_t number = 0;

	for (; user != NULL && *user >= '0' && *user <= '9' && number <= LIMIT_PRINCIPALS; user++)
		number = 10 * number + (uint32_t)(*user - '0');
	return number <= d->n ? number : 0;
}

const char *door_refuses(struct door *d, uint32_t principal, const struct msg *m, uint64_t mono_ms)
{
	const struct principal *p = at(d, principal);
	uint32_t needs, more;
	char list[ROLE_LIST];

	if (unlikely(p == NULL || p->role == ROLE_NONE)) {
		if (m->h.kind == MSG_PING)
			return NULL; /* the core has no session for it and says so: then comes a hello */
		text_format(d->why, sizeof d->why, "this key is not known to the broker any more");
	} else {
		needs = role_needs(m);
		if (likely(needs & (uint32_t)p->role) || needs == 0)
			return NULL; /* 0: the core knows no such request */
		text_format(d->why, sizeof d->why, "the role of the key '%s' is %s, and this needs %s", p->name,
		            role_name(p->role), role_list(needs, list));
	}
	d->counts.denied++;
	if (quiet_may(&d->denied, p != NULL ? p->name : "-", mono_ms, &more))
		log_line(LOG_WARN, "denied", "key=%s kind=%u more=%u %s", p != NULL ? p->name : "-", m->h.kind, more,
		         d->why);
	return d->why;
}
