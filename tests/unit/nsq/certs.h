/* Certificates for tests, made anew in a folder of their own. */
#ifndef SHEAF_TESTS_UNIT_NSQ_CERTS_H
#define SHEAF_TESTS_UNIT_NSQ_CERTS_H

#include <limits.h>

struct certs {
	char dir[64];
	char ca[96];                          /* the authority's certificate */
	char server_cert[96], server_key[96]; /* signed by it; CN localhost */
	char client_cert[96], client_key[96]; /* signed by it; CN bob */
	char other_cert[96], other_key[96];   /* signed by itself; CN mallory */
};

void certs_make(struct certs *c);
void certs_remove(struct certs *c);

#endif
