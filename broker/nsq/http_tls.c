/* Certificates for HTTPS; see http_tls.h. */
#include "broker/nsq/http_tls.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"

#define SYSTEM_AUTHORITIES "/etc/ssl/certs/ca-certificates.crt"

enum { PEM_BYTES = 1024 * 1024 };

/* The file as text; NULL with a sentence in err. */
static char *slurp(const char *path, char err[HTTP_ERR])
{
	FILE *f = fopen(path, "re");
	char *text = NULL;
	size_t n = 0;

	if (f == NULL) {
		text_format(err, HTTP_ERR, "cannot read %s: %s", path, strerror(errno));
		return NULL;
	}
	text = calloc(1, PEM_BYTES + 1);
	must(text != NULL);
	n = fread(text, 1, PEM_BYTES + 1, f);
	fclose(f);
	if (n > 0 && n <= PEM_BYTES && memchr(text, 0, n) == NULL)
		return text;
	text_format(err, HTTP_ERR, "%s is not a PEM file", path);
	free(text);
	return NULL;
}

bool http_tls_read(struct http_tls *t, const struct http_options *o, char err[HTTP_ERR])
{
	if (o->cert == NULL)
		return true;
	t->cert = slurp(o->cert, err);
	if (t->cert == NULL)
		return false;
	t->key = slurp(o->key, err);
	if (t->key == NULL)
		return false;
	/* without authorities GnuTLS would not ask for a certificate; whoever needs any gets asked for ours */
	if (o->ca == NULL && o->clients == HTTP_CLIENTS_ANY)
		return true;
	if (o->ca == NULL && o->clients == HTTP_CLIENTS_REQUIRE)
		t->ca = strdup(t->cert);
	else
		t->ca = slurp(o->ca != NULL ? o->ca : SYSTEM_AUTHORITIES, err);
	return t->ca != NULL;
}

void http_tls_free(struct http_tls *t)
{
	free(t->cert);
	free(t->key);
	free(t->ca);
	*t = (struct http_tls){ 0 };
}

bool http_tls_admits(struct MHD_Connection *c, enum http_clients clients)
{
	const union MHD_ConnectionInfo *i = MHD_get_connection_info(c, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	unsigned n = 0, faults = 0;

	if (clients == HTTP_CLIENTS_ANY || i == NULL || i->tls_session == NULL)
		return true;
	if (gnutls_certificate_get_peers(i->tls_session, &n) == NULL || n == 0)
		return false;
	if (clients == HTTP_CLIENTS_REQUIRE)
		return true;
	return gnutls_certificate_verify_peers2(i->tls_session, &faults) == GNUTLS_E_SUCCESS && faults == 0;
}
