/* The bytes of one mail: in memory up to SPOOL_MEMORY, beyond that in a file without a name in the spool's directory,
 * which is gone with the process. Nothing of it is synced, for nothing has been promised yet. */
#ifndef SHEAF_SMTP_SPOOL_H
#define SHEAF_SMTP_SPOOL_H

#include "base/buf.h"
#include "base/must.h"

enum { SPOOL_MEMORY = 64 << 10, SPOOL_SHA256 = 32 };

/* What all spools share; one thread adds to spools, and any may look at one that is whole. */
struct spool_room {
	const char *dir;
	uint64_t limit; /* bytes of files in all */
	_Atomic uint64_t used;
};

struct spool;

struct spool *spool_new(struct spool_room *room);
void spool_free(struct spool *s);

enum spool_put { SPOOL_OK, SPOOL_FULL /* the limit, or the disk */, SPOOL_BROKEN /* an I/O error, logged */ };
MUST_CHECK enum spool_put spool_put(struct spool *s, struct span bytes);

/* Bytes in it. */
uint64_t spool_size(const struct spool *s);
/* All of it as one span: in memory, or mapped. Valid until spool_free. False: it cannot be read. */
MUST_CHECK bool spool_whole(struct spool *s, struct span *bytes);
/* Whether it is in a file, and so counts against those in flight. */
bool spool_large(const struct spool *s);
/* SHA-256 of its bytes, made as they came. */
void spool_sha256(struct spool *s, uint8_t to[SPOOL_SHA256]);

#endif
