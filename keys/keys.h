/* Directories of keys, as `sheaf keygen` lays them out:
 *
 *   broker.key           the broker's public key: everybody needs it
 *   broker.key_secret    its secret half: the broker's machine alone
 *   clients/NAME.key     public keys that the broker admits, each with its role
 *   client.key_secret    who `sheaf` and libsheaf are
 *   worker.key_secret    who `sheaf-worker` is
 *
 * A broker reads the first three, a client or worker the first and its own. */
#ifndef SHEAF_KEYS_KEYS_H
#define SHEAF_KEYS_KEYS_H

#include "keys/cert.h"

/* What a client or worker needs. */
struct keys_own {
	char server[KEY_TEXT]; /* the broker's public key */
	struct cert cert;      /* our own */
};

enum keys_who { KEYS_CLIENT, KEYS_WORKER };

/* Reads DIR for a client or a worker; each takes the other's key if its own is not there. -1 with a sentence.
 * keys_own_wipe when it is of no use any more. */
MUST_CHECK int keys_own_read(const char *dir, enum keys_who who, struct keys_own *out, char err[KEYS_ERR]);
void keys_own_wipe(struct keys_own *k);

/* One that the broker admits. */
struct keys_client {
	char name[KEYS_NAME]; /* of its file, without .key */
	uint8_t key[KEY_BYTES];
	enum role role;
};

/* What a broker needs. */
struct keys_broker {
	struct cert cert;
	struct keys_client *v; /* owned; ordered by key */
	uint32_t n;            /* at most LIMIT_KEYS */
};

/* Reads DIR for a broker. -1 with a sentence; keys_broker_fini in any case. */
MUST_CHECK int keys_broker_read(const char *dir, struct keys_broker *out, char err[KEYS_ERR]);
void keys_broker_fini(struct keys_broker *k);

/* The admitted one with this key, or NULL. */
const struct keys_client *keys_find(const struct keys_broker *k, const uint8_t key[KEY_BYTES]);

/* Whether a key can have this name: 1 to 63 of A-Z a-z 0-9 . _ - with a letter or digit first. */
bool keys_name_ok(const char *name);

#endif
