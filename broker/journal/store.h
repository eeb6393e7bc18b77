/* The files of a data directory: segments, the pool of spare ones, the lock and the failed marker. Functions
 * that can fail return -1 with a sentence in err (STORE_ERR bytes). No state, so any thread may call them. */
#ifndef SHEAF_JOURNAL_STORE_H
#define SHEAF_JOURNAL_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/must.h"

enum { STORE_ERR = 512, STORE_PATH = 4096 };

/* Makes the directory if it is missing and takes the lock; *fd holds it until closed. With `read_only` nothing is
 * made, and *fd is -1 where there is no lock file; a lock that a broker holds is an error all the same. */
MUST_CHECK int store_lock(const char *dir, bool read_only, int *fd, char *err);

/* Numbers of the segments that are there, ascending; *v is the caller's to free. */
MUST_CHECK int store_list(const char *dir, uint64_t **v, uint32_t *n, char *err);

enum store_header { STORE_GOOD, STORE_DAMAGED, STORE_NEWER };

/* Opens a segment. *header says what its header looks like; *bytes is the segment size that it names. */
MUST_CHECK int store_open_segment(const char *dir, uint64_t number, bool writable, int *fd, enum store_header *header,
                                  uint64_t *bytes, char *err);

/* Makes segment `number` ready to be written: a spare one from the pool, or a new file filled with zeros; its
 * header, its name and the directory are synced. */
MUST_CHECK int store_prepare(const char *dir, uint64_t number, uint64_t bytes, char *err);

/* Moves a segment into the pool. */
MUST_CHECK int store_retire(const char *dir, uint64_t number, char *err);

/* Spare segments in the pool, and taking one of them away for good. */
uint32_t store_pool(const char *dir);
void store_shrink(const char *dir);

/* Writes segment `number` anew from `used` bytes at p (its header included), in place of the old one. */
MUST_CHECK int store_rewrite(const char *dir, uint64_t number, uint64_t bytes, const uint8_t *p, uint64_t used,
                             char *err);

/* Gives a segment its header and its full length back, where it has not got them. */
MUST_CHECK int store_mend(const char *dir, uint64_t number, uint64_t bytes, char *err);

/* Removes what a crash left half made. */
void store_tidy(const char *dir);

/* The marker of a failed write or sync. */
void store_mark_failed(const char *dir);
bool store_is_failed(const char *dir);
void store_clear_failed(const char *dir);

/* Copies a damaged range into quarantine/, named by its position. */
MUST_CHECK int store_quarantine(const char *dir, uint64_t position, const uint8_t *p, uint64_t n, char *err);

/* Reads exactly n bytes at `offset`; false on a short file or an error. */
bool store_read(int fd, uint8_t *p, uint64_t n, uint64_t offset);
/* Reads what there is of n bytes at `offset`; the rest, behind the end or not readable, becomes zeros. */
void store_read_what(int fd, uint8_t *p, uint64_t n, uint64_t offset);
/* Writes exactly n bytes; false with errno set. */
bool store_write(int fd, const uint8_t *p, uint64_t n, uint64_t offset);

#endif
