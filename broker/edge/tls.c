/* See tls.h. Two memory BIOs stand for the socket. */
#include "broker/edge/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"

enum { ROOM = 16384 }; /* plain bytes of one record, at most */

struct tls_context {
	SSL_CTX *ssl;
};

struct tls {
	SSL *ssl;      /* owns both BIOs */
	BIO *in, *out; /* from the client, to the client */
	char why[160];
};

/* The last error of OpenSSL, as a phrase; the queue is empty then. */
static void ssl_why(char *out, size_t n)
{
	unsigned long e = ERR_peek_last_error();
	const char *reason = ERR_reason_error_string(e);

	if (e == 0)
		text_format(out, n, "no reason was given");
	else if (ERR_SYSTEM_ERROR(e))
		text_format(out, n, "%s", strerror(ERR_GET_REASON(e)));
	else
		text_format(out, n, "%s", reason != NULL ? reason : "an unknown error");
	ERR_clear_error();
}

static int any_certificate(int good, X509_STORE_CTX *store)
{
	(void)good, (void)store;
	return 1;
}

static const char *prefix_of(const struct tls_config *c)
{
	return c->prefix != NULL ? c->prefix : "";
}

/* OpenSSL's own words for a file that is not there are those of the last of several tries. */
static bool readable(const struct tls_config *c, const char *option, const char *path, char *err)
{
	FILE *f = fopen(path, "re");

	if (f == NULL) {
		text_format(err, TLS_ERR, "--%s%s: %.200s: %s", prefix_of(c), option, path, strerror(errno));
		return false;
	}
	fclose(f);
	return true;
}

static bool refused(const struct tls_config *c, const char *option, const char *path, const char *what, char *err)
{
	char why[160];

	ssl_why(why, sizeof why);
	text_format(err, TLS_ERR, "--%s%s: %.200s %s: %s", prefix_of(c), option, path, what, why);
	return false;
}

static bool read_files(SSL_CTX *ssl, const struct tls_config *c, char *err)
{
	if (!readable(c, "tls-cert", c->cert, err) || !readable(c, "tls-key", c->key, err))
		return false;
	if (SSL_CTX_use_certificate_chain_file(ssl, c->cert) != 1)
		return refused(c, "tls-cert", c->cert, "holds no certificate in PEM", err);
	if (SSL_CTX_use_PrivateKey_file(ssl, c->key, SSL_FILETYPE_PEM) != 1 || SSL_CTX_check_private_key(ssl) != 1)
		return refused(c, "tls-key", c->key, "holds no key in PEM that fits the certificate", err);
	if (c->ca == NULL)
		return SSL_CTX_set_default_verify_paths(ssl) == 1 ||
		       refused(c, "tls-ca", "", "the system's authorities cannot be read", err);
	if (!readable(c, "tls-ca", c->ca, err))
		return false;
	if (SSL_CTX_load_verify_locations(ssl, c->ca, NULL) != 1)
		return refused(c, "tls-ca", c->ca, "holds no certificate in PEM", err);
	SSL_CTX_set_client_CA_list(ssl, SSL_load_client_CA_file(c->ca));
	return true;
}

/* A key with a pass phrase would ask for it at the terminal. */
static int no_phrase(char *out, int n, int writing, void *arg)
{
	(void)out, (void)n, (void)writing, (void)arg;
	return -1;
}

struct tls_context *tls_context_new(const struct tls_config *c, char err[TLS_ERR])
{
	struct tls_context *t = calloc(1, sizeof *t);

	must(t != NULL);
	ERR_clear_error();
	t->ssl = SSL_CTX_new(TLS_server_method());
	must(t->ssl != NULL);
	SSL_CTX_set_default_passwd_cb(t->ssl, no_phrase);
	SSL_CTX_set_min_proto_version(t->ssl, c->min_version >= 13 ? TLS1_3_VERSION : TLS1_2_VERSION);
	SSL_CTX_set_options(t->ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_num_tickets(t->ssl, 0); /* connections are few and long: nothing is resumed */
	SSL_CTX_set_session_cache_mode(t->ssl, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(t->ssl, SSL_MODE_RELEASE_BUFFERS); /* thousands of connections are idle */
	if (c->clients != TLS_CLIENTS_ANY)
		SSL_CTX_set_verify(t->ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
		                   c->clients == TLS_CLIENTS_REQUIRE ? any_certificate : NULL);
	if (!read_files(t->ssl, c, err)) {
		tls_context_free(t);
		return NULL;
	}
	return t;
}

void tls_context_free(struct tls_context *c)
{
	if (c == NULL)
		return;
	SSL_CTX_free(c->ssl);
	free(c);
}

struct tls *tls_new(struct tls_context *c)
{
	struct tls *t = calloc(1, sizeof *t);

	must(t != NULL);
	t->ssl = SSL_new(c->ssl);
	t->in = BIO_new(BIO_s_mem());
	t->out = BIO_new(BIO_s_mem());
	must(t->ssl != NULL && t->in != NULL && t->out != NULL);
	BIO_set_mem_eof_return(t->in, -1); /* empty is not the end */
	SSL_set_bio(t->ssl, t->in, t->out);
	SSL_set_accept_state(t->ssl);
	return t;
}

void tls_free(struct tls *t)
{
	if (t == NULL)
		return;
	SSL_free(t->ssl);
	free(t);
}

static void take_out(struct tls *t, struct buf *out)
{
	char *at;
	long n = BIO_get_mem_data(t->out, &at);

	if (n > 0) {
		buf_put(out, at, (size_t)n);
		must(BIO_reset(t->out) == 1);
	}
}

/* What a call that did not go on means. */
static enum tls_read stopped(struct tls *t, int got)
{
	switch (SSL_get_error(t->ssl, got)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return TLS_SHORT;
	case SSL_ERROR_ZERO_RETURN:
		return TLS_END;
	default:
		ssl_why(t->why, sizeof t->why);
		return TLS_BROKEN;
	}
}

enum tls_read tls_read(struct tls *t, struct span raw, size_t most, struct buf *plain, struct buf *out)
{
	enum tls_read state = TLS_MORE;
	size_t before = plain->n;
	int got;

	must(raw.n <= INT32_MAX);
	ERR_clear_error();
	if (raw.n > 0)
		must(BIO_write(t->in, raw.p, (int)raw.n) == (int)raw.n);
	if (!SSL_is_init_finished(t->ssl) && (got = SSL_do_handshake(t->ssl)) != 1)
		state = stopped(t, got);
	while (state == TLS_MORE && plain->n - before < most) {
		size_t room = most - (plain->n - before) < ROOM ? most - (plain->n - before) : ROOM;

		got = SSL_read(t->ssl, buf_room(plain, room), (int)room);
		if (got <= 0)
			state = stopped(t, got);
		else
			plain->n += (size_t)got;
	}
	take_out(t, out);
	return state;
}

bool tls_write(struct tls *t, struct span plain, struct buf *out)
{
	bool good;

	must(plain.n <= INT32_MAX && SSL_is_init_finished(t->ssl));
	if (plain.n == 0)
		return true;
	ERR_clear_error();
	good = SSL_write(t->ssl, plain.p, (int)plain.n) == (int)plain.n;
	if (!good)
		ssl_why(t->why, sizeof t->why);
	take_out(t, out);
	return good;
}

void tls_end(struct tls *t, struct buf *out)
{
	ERR_clear_error();
	if (SSL_is_init_finished(t->ssl))
		SSL_shutdown(t->ssl);
	take_out(t, out);
	ERR_clear_error();
}

bool tls_done(const struct tls *t)
{
	return SSL_is_init_finished(t->ssl);
}

/* One with a NUL inside is none: it would be read as another than the one that was signed. */
static void common_name(X509 *peer, char *out, size_t most)
{
	const X509_NAME *name = X509_get_subject_name(peer);
	int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1), n;
	unsigned char *text = NULL;

	if (at < 0)
		return;
	n = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
	if (n > 0 && (size_t)n < most && memchr(text, '\0', (size_t)n) == NULL)
		text_format(out, most, "%.*s", n, (const char *)text);
	OPENSSL_free(text);
}

void tls_facts(const struct tls *t, struct tls_facts *f)
{
	X509 *peer = SSL_get0_peer_certificate(t->ssl);
	const char *cipher = SSL_CIPHER_standard_name(SSL_get_current_cipher(t->ssl));

	*f = (struct tls_facts){ .version = SSL_version(t->ssl) == TLS1_3_VERSION ? "TLS1.3" : "TLS1.2",
		                 .cipher = cipher != NULL ? cipher : "" };
	if (peer != NULL)
		common_name(peer, f->common_name, sizeof f->common_name);
}

const char *tls_why(const struct tls *t)
{
	return t->why;
}
