/* One certificate: a CURVE key pair, or only its public half, in czmq's files (zcert): NAME.key holds the public key,
 * NAME.key_secret both. A role stands in its metadata. */
#ifndef SHEAF_KEYS_CERT_H
#define SHEAF_KEYS_CERT_H

#include "base/must.h"
#include "proto/role.h"

enum {
	KEY_BYTES = 32,
	KEY_TEXT = 41,   /* a key as people see it: 40 characters of Z85, and a NUL */
	KEYS_ERR = 1024, /* of a sentence: two paths fit */
	KEYS_PATH = 400, /* of a directory of keys, and of a file in it, with its NUL */
	KEYS_NAME = 64,  /* of a key's name, with its NUL */
};

struct cert {
	char public[KEY_TEXT];
	char secret[KEY_TEXT]; /* "" where only the public half is known */
	enum role role;        /* ROLE_NONE if the file names none */
};

/* Reads a certificate. With `secret` the file has to hold the secret half, which has to belong to the public one, and
 * strangers must not be able to read it. -1 with a sentence that names the file. */
MUST_CHECK int cert_read(const char *path, bool secret, struct cert *out, char err[KEYS_ERR]);

/* Makes a new pair. */
void cert_make(struct cert *c, enum role role);

/* Writes DIR/NAME.key, and with `secret` DIR/NAME.key_secret, for the owner alone. A file that is there already is
 * never touched: that is an error. */
MUST_CHECK int cert_write(const char *dir, const char *name, const struct cert *c, bool secret, char err[KEYS_ERR]);

/* Forgets the secret half. */
void cert_wipe(struct cert *c);

/* Whether text is a key in Z85; its bytes. */
MUST_CHECK bool key_bytes(const char *text, uint8_t bytes[KEY_BYTES]);

#endif
