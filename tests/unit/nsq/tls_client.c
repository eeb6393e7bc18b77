/* See tls_client.h. */
#include "tests/unit/nsq/tls_client.h"

#include <check.h>

void tls_client_init(struct tls_client *c, const char *ca, const char *cert, const char *key, int most)
{
	*c = (struct tls_client){ .context = SSL_CTX_new(TLS_client_method()) };
	SSL_CTX_set_verify(c->context, SSL_VERIFY_PEER, NULL);
	ck_assert_int_eq(SSL_CTX_load_verify_locations(c->context, ca, NULL), 1);
	if (most != 0) {
		SSL_CTX_set_min_proto_version(c->context, TLS1_VERSION);
		SSL_CTX_set_max_proto_version(c->context, most);
		SSL_CTX_set_cipher_list(c->context, "DEFAULT@SECLEVEL=0");
	}
	if (cert != NULL) {
		ck_assert_int_eq(SSL_CTX_use_certificate_file(c->context, cert, SSL_FILETYPE_PEM), 1);
		ck_assert_int_eq(SSL_CTX_use_PrivateKey_file(c->context, key, SSL_FILETYPE_PEM), 1);
	}
	c->ssl = SSL_new(c->context);
	c->in = BIO_new(BIO_s_mem());
	c->out = BIO_new(BIO_s_mem());
	BIO_set_mem_eof_return(c->in, -1);
	SSL_set_bio(c->ssl, c->in, c->out);
	SSL_set_connect_state(c->ssl);
}

void tls_client_fini(struct tls_client *c)
{
	SSL_free(c->ssl);
	SSL_CTX_free(c->context);
}

static void take_out(struct tls_client *c, struct buf *raw)
{
	char *at;
	long n = BIO_get_mem_data(c->out, &at);

	buf_put(raw, at, (size_t)n);
	BIO_reset(c->out);
}

void tls_client_take(struct tls_client *c, struct span from_server, struct buf *plain, struct buf *raw)
{
	int got = -1;

	if (from_server.n > 0)
		BIO_write(c->in, from_server.p, (int)from_server.n);
	while (!c->broken && (got = SSL_read(c->ssl, buf_room(plain, 16384), 16384)) > 0)
		plain->n += (size_t)got;
	if (!c->broken) {
		int why = SSL_get_error(c->ssl, got);

		c->ended = why == SSL_ERROR_ZERO_RETURN;
		c->broken = !c->ended && why != SSL_ERROR_WANT_READ;
	}
	ERR_clear_error();
	take_out(c, raw);
}

void tls_client_say(struct tls_client *c, struct span plain, struct buf *raw)
{
	ck_assert_int_eq(SSL_write(c->ssl, plain.p, (int)plain.n), (int)plain.n);
	take_out(c, raw);
}
