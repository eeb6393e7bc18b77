/* See users.h. */
#include "broker/smtp/users.h"

#include <crypt.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/crc32c.h"
#include "base/text.h"
#include "proto/limits.h"

enum {
	LINE = LIMIT_MAIL_USER + CRYPT_OUTPUT_SIZE + 16, /* bytes of one at most */
	DES = 13,                                        /* characters of a hash by DES */
	DIGEST = 43                                      /* characters of a hash behind its salt, at least */
};

struct user {
	char *name; /* owned; the hash stands behind its NUL */
	const char *hash;
	int line;
};

struct smtp_users {
	struct user *v; /* owned, sorted by name */
	uint32_t n;
};

static int by_name(const void *a, const void *b)
{
	const struct user *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order != 0 ? order : x->line - y->line;
}

static const struct user *find(const struct smtp_users *u, const char *name)
{
	uint32_t low = 0, high = u->n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = strcmp(name, u->v[middle].name);

		if (order == 0)
			return &u->v[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/* ---- the file ---- */

/* NULL, or what is wrong with a hash. crypt_checksalt looks at its beginning only: without a digest behind the salt no
 * password would fit, ever. SHA-256 is in the library's list of old methods, but sound. */
static const char *hash_fault(const char *hash)
{
	const char *digest = strrchr(hash, '$');
	int found = crypt_checksalt(hash);

	if (*hash == '\0')
		return "has no hash behind its colon";
	if (strchr("$_", *hash) == NULL && strlen(hash) != DES) /* crypt_checksalt takes most words for one */
		return "has no hash that crypt(3) knows";
	if (found == CRYPT_SALT_METHOD_LEGACY && strncmp(hash, "$5$", 3) != 0)
		return "has a hash that is too weak (DES, MD5, SHA-1 or NT)";
	if (found == CRYPT_SALT_INVALID)
		return "has no hash that crypt(3) knows";
	if (found != CRYPT_SALT_OK && found != CRYPT_SALT_METHOD_LEGACY)
		return "has a hash that this system's crypt(3) refuses";
	if (digest == NULL || strlen(digest + 1) < DIGEST)
		return "has only the beginning of a hash";
	return NULL;
}

static const char *name_fault(const char *name)
{
	size_t n = strlen(name);

	if (n == 0 || n > LIMIT_MAIL_USER)
		return "is no name of 1 to 255 bytes";
	if (strcmp(name, "*") == 0)
		return "is no name: it stands for everybody";
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)name[i] <= ' ' || name[i] == 127 || name[i] == ',')
			return "is no name: there may be no blanks and no commas in it";
	return NULL;
}

static void add(struct smtp_users *u, const char *name, const char *hash, int line)
{
	size_t n = strlen(name) + 1, m = strlen(hash) + 1;
	char *text = malloc(n + m);

	u->v = realloc(u->v, (u->n + 1) * sizeof u->v[0]);
	must(u->v != NULL && text != NULL);
	memcpy(text, name, n);
	memcpy(text + n, hash, m);
	u->v[u->n++] = (struct user){ .name = text, .hash = text + n, .line = line };
}

static bool refused(char *err, const char *path, int line, const char *what)
{
	text_format(err, USERS_ERR, "%.200s:%d: %s", path, line, what);
	return false;
}

static bool read_line(struct smtp_users *u, char *text, const char *path, int line, char *err)
{
	static const char make[] = "`mkpasswd` or `openssl passwd -6` makes one";
	char *colon, said[200];
	const char *why;
	size_t n = strcspn(text, "\r\n");

	if (text[n] == '\0' && n == LINE - 1)
		return refused(err, path, line, "the line is too long for NAME:HASH");
	text[n] = '\0';
	if (n == 0 || text[0] == '#')
		return true;
	colon = strchr(text, ':');
	if (colon == NULL)
		return refused(err, path, line, "not NAME:HASH");
	*colon = '\0';
	why = name_fault(text);
	if (why != NULL) {
		text_format(said, sizeof said, "'%.60s' %s", text, why);
		return refused(err, path, line, said);
	}
	why = hash_fault(colon + 1);
	if (why != NULL) {
		text_format(said, sizeof said, "'%.60s' %s: %s", text, why, make);
		return refused(err, path, line, said);
	}
	if (u->n == LIMIT_USERS)
		return refused(err, path, line, "more than 10000 users");
	add(u, text, colon + 1, line);
	return true;
}

/* Sorts them, too. */
static bool all_different(struct smtp_users *u, const char *path, char *err)
{
	char said[200];

	qsort(u->v, u->n, sizeof u->v[0], by_name);
	for (uint32_t i = 1; i < u->n; i++) {
		if (strcmp(u->v[i - 1].name, u->v[i].name) != 0)
			continue;
		text_format(said, sizeof said, "'%.60s' has a line already, %d", u->v[i].name, u->v[i - 1].line);
		return refused(err, path, u->v[i].line, said);
	}
	return true;
}

static bool may_be_read(FILE *f, const char *path, char *err)
{
	struct stat st;

	if (fstat(fileno(f), &st) != 0 || !S_ISREG(st.st_mode))
		text_format(err, USERS_ERR, "%.200s is no file of lines NAME:HASH", path);
	else if (st.st_mode & (S_IRWXO | S_IWGRP))
		text_format(err, USERS_ERR,
		            "%.200s holds hashes of passwords, and others may read or change it: chmod 640 ends that",
		            path);
	else
		return true;
	return false;
}

static bool read_all(struct smtp_users *u, FILE *f, const char *path, char *err)
{
	char text[LINE];
	bool fine = may_be_read(f, path, err);

	for (int line = 1; fine && fgets(text, sizeof text, f) != NULL; line++)
		fine = read_line(u, text, path, line, err);
	if (fine && ferror(f)) {
		text_format(err, USERS_ERR, "%.200s: %s", path, strerror(errno));
		fine = false;
	}
	explicit_bzero(text, sizeof text);
	if (fine && u->n == 0) {
		text_format(err, USERS_ERR, "%.200s names nobody: it has lines NAME:HASH", path);
		fine = false;
	}
	return fine && all_different(u, path, err);
}

struct smtp_users *users_read(const char *path, char err[USERS_ERR])
{
	struct smtp_users *u;
	FILE *f = fopen(path, "re");
	bool fine;

	if (f == NULL) {
		text_format(err, USERS_ERR, "%.200s: %s", path, strerror(errno));
		return NULL;
	}
	u = calloc(1, sizeof *u);
	must(u != NULL);
	fine = read_all(u, f, path, err);
	fclose(f);
	if (fine)
		return u;
	users_free(u);
	return NULL;
}

void users_free(struct smtp_users *u)
{
	if (u == NULL)
		return;
	for (uint32_t i = 0; i < u->n; i++)
		free(u->v[i].name);
	free(u->v);
	free(u);
}

uint32_t users_count(const struct smtp_users *u)
{
	return u->n;
}

bool users_has(const struct smtp_users *u, const char *name)
{
	return find(u, name) != NULL;
}

/* ---- passwords ---- */

/* Takes as long for all texts of one length. */
static bool same(const char *a, const char *b)
{
	size_t n = strlen(a);
	unsigned char differ = 0;

	if (n != strlen(b))
		return false;
	for (size_t i = 0; i < n; i++)
		differ |= (unsigned char)(a[i] ^ b[i]);
	return differ == 0;
}

bool users_check(const struct smtp_users *u, const char *name, const char *password)
{
	const struct user *found = find(u, name), *against = found;
	struct crypt_data *data = calloc(1, sizeof *data);
	char *hash;
	bool fits;

	must(data != NULL);
	if (found == NULL) /* somebody's, always the same for one name: what it costs differs between methods */
		against = &u->v[crc32c(0, name, strlen(name)) % u->n];
	hash = crypt_rn(password, against->hash, data, (int)sizeof *data);
	fits = hash != NULL && same(against->hash, hash) && found != NULL;
	explicit_bzero(data, sizeof *data);
	free(data);
	return fits;
}
