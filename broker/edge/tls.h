/* TLS of one connection, the server's side, by OpenSSL; without a socket: bytes go in and come out. */
#ifndef SHEAF_EDGE_TLS_H
#define SHEAF_EDGE_TLS_H

#include "base/buf.h"

enum { TLS_ERR = 512 };

enum tls_clients {
	TLS_CLIENTS_ANY,     /* with a certificate or without */
	TLS_CLIENTS_REQUIRE, /* with one, whoever signed it */
	TLS_CLIENTS_VERIFY   /* with one that our authority, or else the system's, has signed */
};

struct tls_config {
	const char *cert, *key; /* PEM files; the first may hold a chain */
	const char *ca;         /* PEM file of the authorities for clients; NULL: the system's */
	enum tls_clients clients;
	int min_version;    /* 12 or 13: TLS 1.2, TLS 1.3 */
	const char *prefix; /* of the options that errors name: "nsq-" for --nsq-tls-cert; NULL = none */
};

struct tls_context;

/* Reads the files. NULL with a sentence in err, which names option and file. */
MUST_CHECK struct tls_context *tls_context_new(const struct tls_config *c, char err[TLS_ERR]);
void tls_context_free(struct tls_context *c);

struct tls;

/* Begins to wait for the client's hello; the context outlives it. */
struct tls *tls_new(struct tls_context *c);
void tls_free(struct tls *t);

enum tls_read {
	TLS_SHORT, /* all that there was has come out */
	TLS_MORE,  /* there is more than `most`: call again */
	TLS_END,   /* the client has ended the stream */
	TLS_BROKEN /* this is no such stream, or one that we refuse: tls_why */
};

/* Takes all of `raw`, and appends at most `most` bytes to `plain`. What is to be sent back (the handshake, an alert)
 * goes to `out`, also in case of an error. */
MUST_CHECK enum tls_read tls_read(struct tls *t, struct span raw, size_t most, struct buf *plain, struct buf *out);

/* Appends `plain`, sealed, to `out`. Only once the handshake is done. False: the stream is broken. */
MUST_CHECK bool tls_write(struct tls *t, struct span plain, struct buf *out);

/* Says to the client that no more comes. */
void tls_end(struct tls *t, struct buf *out);

bool tls_done(const struct tls *t); /* the handshake is over */

/* Of a stream whose handshake is done. Texts live as long as it does. */
struct tls_facts {
	const char *version;   /* "TLS1.3" */
	const char *cipher;    /* as RFCs name it: "TLS_AES_128_GCM_SHA256" */
	char common_name[256]; /* of the client's certificate, or empty */
};
void tls_facts(const struct tls *t, struct tls_facts *f);

/* Why it is broken, a phrase. */
const char *tls_why(const struct tls *t);

#endif
