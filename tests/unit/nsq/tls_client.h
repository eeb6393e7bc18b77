/* A TLS client without a socket: bytes in, bytes out. */
#ifndef SHEAF_TESTS_UNIT_NSQ_TLS_CLIENT_H
#define SHEAF_TESTS_UNIT_NSQ_TLS_CLIENT_H

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/buf.h"

struct tls_client {
	SSL_CTX *context;
	SSL *ssl;
	BIO *in, *out;
	bool broken; /* it has been refused, or it refuses */
	bool ended;  /* the server said that no more comes */
};

/* cert and key: PEM files, or NULL; it believes nobody but `ca`. most: 0, or the newest version that it speaks. */
void tls_client_init(struct tls_client *c, const char *ca, const char *cert, const char *key, int most);
void tls_client_fini(struct tls_client *c);

/* Takes what the server sent; what it says goes to `plain`, what is to be sent to the server to `raw`. */
void tls_client_take(struct tls_client *c, struct span from_server, struct buf *plain, struct buf *raw);
/* Seals `plain`. */
void tls_client_say(struct tls_client *c, struct span plain, struct buf *raw);

#endif
