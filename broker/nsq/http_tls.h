/* HTTPS: the files, and who is admitted. The handshake is libmicrohttpd's and GnuTLS's. */
#ifndef SHEAF_NSQ_HTTP_TLS_H
#define SHEAF_NSQ_HTTP_TLS_H

#include "broker/nsq/http.h"

struct MHD_Connection;

/* PEM texts; all NULL without TLS. */
struct http_tls {
	char *cert;
	char *key;
	char *ca;
};

/* False with a sentence in err, which names the file. */
MUST_CHECK bool http_tls_read(struct http_tls *t, const struct http_options *o, char err[HTTP_ERR]);
void http_tls_free(struct http_tls *t);

/* Has the client shown the certificate that it has to? Without TLS it has to show none. */
bool http_tls_admits(struct MHD_Connection *c, enum http_clients clients);

#endif
