/* See certs.h. */
#include "tests/unit/nsq/certs.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/must.h"

static void save(const char *path, X509 *cert, EVP_PKEY *key)
{
	FILE *f = fopen(path, "we");

	must(f != NULL);
	if (cert != NULL)
		must(PEM_write_X509(f, cert) == 1);
	if (key != NULL)
		must(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1);
	must(fclose(f) == 0);
}

/* One with this name, signed by `ca`'s key, or by its own. */
static X509 *make(const char *name, EVP_PKEY *key, X509 *ca, EVP_PKEY *ca_key)
{
	static long serial;
	X509 *x = X509_new();
	X509_NAME *n = X509_get_subject_name(x);
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, ca == NULL ? "CA:TRUE" : "CA:FALSE");

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(x), -3600);
	X509_gmtime_adj(X509_getm_notAfter(x), 24L * 3600);
	X509_set_pubkey(x, key);
	X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(x, ca != NULL ? X509_get_subject_name(ca) : n);
	X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
	must(X509_sign(x, ca_key != NULL ? ca_key : key, EVP_sha256()) > 0);
	return x;
}

static void path(const struct certs *c, char out[96], const char *name)
{
	snprintf(out, 96, "%s/%s.pem", c->dir, name);
}

void certs_make(struct certs *c)
{
	EVP_PKEY *ca_key = EVP_EC_gen("P-256"), *key;
	X509 *ca = make("an authority", ca_key, NULL, NULL), *x;

	snprintf(c->dir, sizeof c->dir, "/tmp/sheaf-certs-XXXXXX");
	must(mkdtemp(c->dir) != NULL);
	path(c, c->ca, "ca");
	path(c, c->server_cert, "server");
	path(c, c->server_key, "server-key");
	path(c, c->client_cert, "client");
	path(c, c->client_key, "client-key");
	path(c, c->other_cert, "other");
	path(c, c->other_key, "other-key");
	save(c->ca, ca, NULL);
	struct {
		const char *name, *cert, *key;
	} all[] = { { "localhost", c->server_cert, c->server_key },
		    { "bob", c->client_cert, c->client_key },
		    { "mallory", c->other_cert, c->other_key } };
	for (int i = 0; i < 3; i++) {
		key = EVP_EC_gen("P-256");
		x = make(all[i].name, key, i < 2 ? ca : NULL, i < 2 ? ca_key : NULL);
		save(all[i].cert, x, NULL);
		save(all[i].key, NULL, key);
		X509_free(x);
		EVP_PKEY_free(key);
	}
	X509_free(ca);
	EVP_PKEY_free(ca_key);
}

void certs_remove(struct certs *c)
{
	const char *all[] = { c->ca,         c->server_cert, c->server_key, c->client_cert,
		              c->client_key, c->other_cert,  c->other_key };

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		unlink(all[i]);
	must(rmdir(c->dir) == 0);
}
