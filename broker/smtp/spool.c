/* See spool.h. What goes to the file is gathered to SPOOL_MEMORY first, so that a mail of many short runs costs few
 * calls; the file's blocks are asked for ahead, so that a full disk shows while it can still be answered. */
#include "broker/smtp/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

enum { AHEAD = 1 << 20, LOG_MS = 10000, PATH_BYTES = 4096 };

struct spool {
	struct spool_room *room;
	struct buf memory; /* all of it, or what the file does not have yet */
	uint64_t filed;    /* bytes in the file */
	uint64_t ahead;    /* bytes of blocks that the file has, or may have */
	uint64_t counted;  /* of room->used */
	int fd;            /* -1: all is in memory */
	void *map;         /* of all of it; NULL = not yet */
	EVP_MD_CTX *hash;  /* of what is in the file; NULL = nothing is, or it is `hashed` */
	bool hashed;
	enum spool_put failed; /* it stays so: a part of the mail is missing */
	uint8_t sha256[SPOOL_SHA256];
};

static EVP_MD *sha256;
static pthread_once_t sha256_once = PTHREAD_ONCE_INIT;

static void fetch(void)
{
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	must(sha256 != NULL);
}

static EVP_MD_CTX *hash_begin(void)
{
	EVP_MD_CTX *h = EVP_MD_CTX_new();
	bool good;

	pthread_once(&sha256_once, fetch);
	good = h != NULL && EVP_DigestInit_ex(h, sha256, NULL) == 1;
	must(good);
	return h;
}

static void hash_more(EVP_MD_CTX *h, struct span bytes)
{
	bool good = EVP_DigestUpdate(h, bytes.p, bytes.n) == 1;

	must(good);
}

struct spool *spool_new(struct spool_room *room)
{
	struct spool *s = calloc(1, sizeof *s);

	must(s != NULL);
	s->room = room;
	s->fd = -1;
	buf_init(&s->memory);
	return s;
}

void spool_free(struct spool *s)
{
	if (s == NULL)
		return;
	if (s->map != NULL)
		munmap(s->map, s->filed);
	if (s->fd >= 0)
		close(s->fd);
	atomic_fetch_sub(&s->room->used, s->counted);
	EVP_MD_CTX_free(s->hash);
	buf_fini(&s->memory);
	free(s);
}

/* A disk that is full meets every large mail: it is said once in a while. */
static void complain(const struct spool *s, const char *what, int error)
{
	static _Atomic uint64_t last;
	uint64_t now = clock_mono_ms(), before = atomic_load(&last);

	if ((before == 0 || now - before >= LOG_MS) && atomic_compare_exchange_strong(&last, &before, now))
		log_line(LOG_ERROR, "spool-failed", "what=%s dir=%s why=%s", what, s->room->dir, strerror(error));
}

static enum spool_put failed(const struct spool *s, const char *what, int error)
{
	complain(s, what, error);
	return error == ENOSPC || error == EDQUOT || error == EFBIG ? SPOOL_FULL : SPOOL_BROKEN;
}

/* For file systems that do not know O_TMPFILE. */
static int open_named(const char *dir)
{
	char path[PATH_BYTES];
	int fd;

	if (text_format(path, sizeof path, "%s/spool-XXXXXX", dir) + 1 >= sizeof path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	return fd;
}

static enum spool_put open_file(struct spool *s)
{
	s->fd = open(s->room->dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (s->fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL))
		s->fd = open_named(s->room->dir);
	if (s->fd < 0)
		return failed(s, "open", errno);
	s->hash = hash_begin();
	return SPOOL_OK;
}

/* Counts `more` bytes of files. */
static bool count(struct spool *s, uint64_t more)
{
	struct spool_room *room = s->room;

	if (atomic_fetch_add(&room->used, more) + more > room->limit) {
		atomic_fetch_sub(&room->used, more);
		return false;
	}
	s->counted += more;
	return true;
}

/* Blocks for all that it has and `more`. */
static enum spool_put reserve(struct spool *s, uint64_t more)
{
	uint64_t want = s->filed + s->memory.n + more;

	if (want <= s->ahead)
		return SPOOL_OK;
	want = (want + AHEAD - 1) / AHEAD * AHEAD;
	while (fallocate(s->fd, FALLOC_FL_KEEP_SIZE, (off_t)s->ahead, (off_t)(want - s->ahead)) != 0) {
		if (errno == EOPNOTSUPP || errno == ENOSYS)
			break; /* then the write says it */
		if (errno != EINTR)
			return failed(s, "allocate", errno);
	}
	s->ahead = want;
	return SPOOL_OK;
}

static enum spool_put write_out(struct spool *s, struct span bytes)
{
	if (s->hash != NULL)
		hash_more(s->hash, bytes);
	while (bytes.n > 0) {
		ssize_t n = write(s->fd, bytes.p, bytes.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return failed(s, "write", n < 0 ? errno : ENOSPC);
		bytes = span_of(bytes.p + n, bytes.n - (size_t)n);
		s->filed += (uint64_t)n;
	}
	return SPOOL_OK;
}

static enum spool_put flush(struct spool *s)
{
	enum spool_put r = write_out(s, buf_span(&s->memory));

	buf_clear(&s->memory);
	return r;
}

/* It is too large for memory. */
static enum spool_put put_filed(struct spool *s, struct span bytes)
{
	enum spool_put r = SPOOL_OK;

	if (!count(s, bytes.n + (s->fd < 0 ? s->memory.n : 0)))
		return SPOOL_FULL;
	if (s->fd < 0)
		r = open_file(s);
	if (r == SPOOL_OK)
		r = reserve(s, bytes.n);
	if (r == SPOOL_OK && s->memory.n + bytes.n > SPOOL_MEMORY)
		r = flush(s);
	if (r == SPOOL_OK && bytes.n >= SPOOL_MEMORY)
		r = write_out(s, bytes);
	else if (r == SPOOL_OK)
		buf_put_span(&s->memory, bytes);
	return r;
}

enum spool_put spool_put(struct spool *s, struct span bytes)
{
	must(!s->hashed && s->map == NULL);
	if (s->failed != SPOOL_OK)
		return s->failed;
	if (s->fd < 0 && s->memory.n + bytes.n <= SPOOL_MEMORY)
		buf_put_span(&s->memory, bytes);
	else
		s->failed = put_filed(s, bytes);
	return s->failed;
}

uint64_t spool_size(const struct spool *s)
{
	return s->filed + s->memory.n;
}

bool spool_whole(struct spool *s, struct span *bytes)
{
	if (s->failed != SPOOL_OK)
		return false;
	if (s->fd < 0) {
		*bytes = buf_span(&s->memory);
		return true;
	}
	s->failed = flush(s);
	if (s->failed != SPOOL_OK)
		return false;
	if (s->map == NULL) {
		void *map = mmap(NULL, s->filed, PROT_READ, MAP_SHARED, s->fd, 0);

		if (map == MAP_FAILED) {
			complain(s, "map", errno);
			return false;
		}
		s->map = map;
	}
	*bytes = span_of(s->map, s->filed);
	return true;
}

bool spool_large(const struct spool *s)
{
	return s->fd >= 0;
}

void spool_sha256(struct spool *s, uint8_t to[SPOOL_SHA256])
{
	if (!s->hashed) {
		EVP_MD_CTX *h = s->hash != NULL ? s->hash : hash_begin();
		bool good;

		hash_more(h, buf_span(&s->memory));
		good = EVP_DigestFinal_ex(h, s->sha256, NULL) == 1;
		must(good);
		EVP_MD_CTX_free(h);
		s->hash = NULL;
		s->hashed = true;
	}
	memcpy(to, s->sha256, SPOOL_SHA256);
}
