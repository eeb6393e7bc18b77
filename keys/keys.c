/* See keys.h. */
#include "keys/keys.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "base/text.h"

enum { FILE_PATH = KEYS_PATH + KEYS_NAME + 32 };

bool keys_name_ok(const char *name)
{
	size_t n = strlen(name);

	if (n == 0 || n >= KEYS_NAME || !isalnum((unsigned char)name[0]))
		return false;
	return strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == n;
}

static int check_dir(const char *dir, char *err)
{
	if (strlen(dir) >= KEYS_PATH)
		text_format(err, KEYS_ERR, "the path of the keys is longer than %d bytes", KEYS_PATH - 1);
	else if (access(dir, R_OK | X_OK) != 0)
		text_format(err, KEYS_ERR, "%s: %s", dir, strerrordesc_np(errno));
	else if (!zmq_has("curve"))
		text_format(err, KEYS_ERR, "there can be no keys: this libzmq was built without CURVE");
	else
		return 0;
	return -1;
}

/* ---- clients and workers ---- */

int keys_own_read(const char *dir, enum keys_who who, struct keys_own *out, char err[KEYS_ERR])
{
	static const char *const files[] = { [KEYS_CLIENT] = "client.key_secret", [KEYS_WORKER] = "worker.key_secret" };
	char path[FILE_PATH];
	struct cert broker;

	*out = (struct keys_own){ 0 };
	if (check_dir(dir, err) != 0)
		return -1;
	text_format(path, sizeof path, "%s/broker.key", dir);
	if (cert_read(path, false, &broker, err) != 0)
		return -1;
	memcpy(out->server, broker.public, sizeof out->server);
	text_format(path, sizeof path, "%s/%s", dir, files[who]);
	if (access(path, F_OK) != 0)
		text_format(path, sizeof path, "%s/%s", dir, files[who == KEYS_CLIENT ? KEYS_WORKER : KEYS_CLIENT]);
	if (access(path, F_OK) != 0) {
		text_format(err, KEYS_ERR,
		            "%s: holds no key of ours: there is no %s (`sheaf keygen` makes one where the broker is)",
		            dir, files[who]);
		return -1;
	}
	return cert_read(path, true, &out->cert, err);
}

void keys_own_wipe(struct keys_own *k)
{
	cert_wipe(&k->cert);
}

/* ---- the broker ---- */

static int by_key(const void *a, const void *b)
{
	return memcmp(((const struct keys_client *)a)->key, ((const struct keys_client *)b)->key, KEY_BYTES);
}

static int add_client(struct keys_broker *k, const char *folder, const char *file, size_t name, char *err)
{
	struct keys_client one = { .role = ROLE_NONE };
	char path[FILE_PATH + 256];
	struct cert c;

	text_format(path, sizeof path, "%s/%s", folder, file);
	text_format(one.name, sizeof one.name, "%.*s", (int)name, file);
	if (name >= sizeof one.name || !keys_name_ok(one.name)) {
		text_format(err, KEYS_ERR, "%s: a key's name is 1 to 63 of A-Z a-z 0-9 . _ -", path);
		return -1;
	}
	if (cert_read(path, false, &c, err) != 0)
		return -1;
	if (c.role == ROLE_NONE) {
		text_format(
		    err, KEYS_ERR,
		    "%s: has no role: below metadata a line role = \"submit\", \"work\", \"read\" or \"admin\" is "
		    "needed",
		    path);
		return -1;
	}
	if (k->n == LIMIT_KEYS) {
		text_format(err, KEYS_ERR, "%s: holds more than %d keys", folder, LIMIT_KEYS);
		return -1;
	}
	one.role = c.role;
	must(key_bytes(c.public, one.key));
	k->v = realloc(k->v, (k->n + 1) * sizeof k->v[0]);
	must(k->v != NULL);
	k->v[k->n++] = one;
	return 0;
}

static int read_clients(struct keys_broker *k, const char *folder, char *err)
{
	DIR *d = opendir(folder);
	struct dirent *e;
	int status = 0;

	if (d == NULL) {
		text_format(err, KEYS_ERR, "%s: %s: the keys that the broker admits are to stand there", folder,
		            strerrordesc_np(errno));
		return -1;
	}
	while (status == 0 && (e = readdir(d)) != NULL) { /* NOLINT(concurrency-mt-unsafe): the stream is ours */
		size_t n = strlen(e->d_name);

		if (n > 4 && e->d_name[0] != '.' && strcmp(e->d_name + n - 4, ".key") == 0)
			status = add_client(k, folder, e->d_name, n - 4, err);
	}
	closedir(d);
	return status;
}

/* One key, one role. */
static int check_twins(struct keys_broker *k, const char *folder, char *err)
{
	if (k->n > 1)
		qsort(k->v, k->n, sizeof k->v[0], by_key);
	for (uint32_t i = 1; i < k->n; i++) {
		if (by_key(&k->v[i - 1], &k->v[i]) != 0)
			continue;
		text_format(err, KEYS_ERR, "%s: %s.key and %s.key are the same key", folder, k->v[i - 1].name,
		            k->v[i].name);
		return -1;
	}
	return 0;
}

int keys_broker_read(const char *dir, struct keys_broker *out, char err[KEYS_ERR])
{
	char path[FILE_PATH];

	*out = (struct keys_broker){ 0 };
	if (check_dir(dir, err) != 0)
		return -1;
	text_format(path, sizeof path, "%s/broker.key_secret", dir);
	if (cert_read(path, true, &out->cert, err) != 0)
		return -1;
	text_format(path, sizeof path, "%s/clients", dir);
	if (read_clients(out, path, err) != 0)
		return -1;
	return check_twins(out, path, err);
}

void keys_broker_fini(struct keys_broker *k)
{
	cert_wipe(&k->cert);
	free(k->v);
	k->v = NULL;
	k->n = 0;
}

const struct keys_client *keys_find(const struct keys_broker *k, const uint8_t key[KEY_BYTES])
{
	struct keys_client wanted;

	memcpy(wanted.key, key, KEY_BYTES);
	return k->n > 0 ? bsearch(&wanted, k->v, k->n, sizeof k->v[0], by_key) : NULL;
}
