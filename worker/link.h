/* The worker's sockets: as they have to be. */
#ifndef SHEAF_WORKER_LINK_H
#define SHEAF_WORKER_LINK_H

#include "keys/keys.h"

/* A connected socket of this type, with keys unless that is NULL. */
void *link_open(void *context, int type, int linger_ms, const char *endpoint, const struct keys_own *keys);
/* Closes it and sets it to NULL; NULL does nothing. */
void link_close(void **socket);

#endif
