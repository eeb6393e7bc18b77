/* Making directories of keys; keys.h has their layout. Nothing that is there already is ever written over. */
#ifndef SHEAF_KEYS_MAKE_H
#define SHEAF_KEYS_MAKE_H

#include "keys/cert.h"

/* Makes DIR (0700) with the keys of a broker, a client (admin) and a worker (work). -1 with a sentence. */
MUST_CHECK int keys_make(const char *dir, char err[KEYS_ERR]);

/* Makes one key more: DIR/clients/NAME.key for the broker, and DIR/NAME with all that the machine of that name needs.
 * -1 with a sentence. */
MUST_CHECK int keys_add(const char *dir, const char *name, enum role role, char err[KEYS_ERR]);

#endif
