/* See cert.h. */
#include "keys/cert.h"

#include <czmq.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

enum { FILE_MOST = 4096, DEPTH_MOST = 8 };

static int bad(char *err, const char *path, const char *what)
{
	text_format(err, KEYS_ERR, "%s: %s", path, what);
	return -1;
}

bool key_bytes(const char *text, uint8_t bytes[KEY_BYTES])
{
	return strlen(text) == KEY_TEXT - 1 && zmq_z85_decode(bytes, text) != NULL;
}

/* czmq's reader prints on stdout what it dislikes. So each line is looked at first: empty, a comment, or NAME or
 * NAME = "VALUE" behind four blanks for each level. */
static bool good_line(const char *line, size_t n, size_t *depth)
{
	size_t blanks = 0, name;

	while (n > 0 && line[n - 1] == '\r')
		n--;
	while (blanks < n && line[blanks] == ' ')
		blanks++;
	if (blanks == n)
		return true;
	if (blanks % 4 != 0 || blanks / 4 > *depth || blanks / 4 > DEPTH_MOST)
		return false;
	if (line[blanks] == '#')
		return true;
	*depth = blanks / 4 + 1;
	line += blanks;
	n -= blanks;
	for (name = 0; name < n && (isalnum((unsigned char)line[name]) || strchr("-_.@$&+/", line[name]) != NULL);)
		name++;
	if (name == 0 || line[0] == '/' || line[name - 1] == '/')
		return false;
	if (name == n)
		return true;
	return n >= name + 5 && memcmp(line + name, " = \"", 4) == 0 && line[n - 1] == '"' &&
	       memchr(line + name + 4, '"', n - name - 5) == NULL;
}

static bool good_text(const char *text, size_t n)
{
	size_t depth = 0;

	if (memchr(text, '\0', n) != NULL)
		return false;
	while (n > 0) {
		const char *end = memchr(text, '\n', n);
		size_t line = end != NULL ? (size_t)(end - text) : n;

		if (!good_line(text, line, &depth))
			return false;
		n -= line + (end != NULL);
		text += line + (end != NULL);
	}
	return true;
}

/* What others may do with a secret file: nothing. A group may read it, for a service that shares one with root. */
static int check_mode(const char *path, mode_t mode, char *err)
{
	if ((mode & (S_IRWXO | S_IWGRP)) == 0)
		return 0;
	text_format(err, KEYS_ERR, "%s: its permissions are %04o, so that others can get at the secret: chmod 600 %s",
	            path, mode & 07777, path);
	return -1;
}

/* Reads the whole file, which is short. Its length, or -1. */
static ssize_t slurp(const char *path, bool secret, char text[FILE_MOST + 1], char *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return bad(err, path, strerrordesc_np(errno));
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return bad(err, path, "is no file");
	}
	if (secret && check_mode(path, st.st_mode, err) != 0) {
		close(fd);
		return -1;
	}
	n = read(fd, text, FILE_MOST + 1);
	close(fd);
	if (n < 0)
		return bad(err, path, strerrordesc_np(errno));
	if (n > FILE_MOST)
		return bad(err, path, "is too long for a certificate");
	text[n] = '\0';
	return n;
}

static int take_secret(const char *path, const char *text, struct cert *out, char *err)
{
	uint8_t bytes[KEY_BYTES];
	char belongs[KEY_TEXT];

	if (!key_bytes(text, bytes))
		return bad(err, path, "holds no secret key: is it the public file?");
	memcpy(out->secret, text, KEY_TEXT);
	if (zmq_curve_public(belongs, text) != 0)
		return bad(err, path, "this libzmq has no CURVE");
	return strcmp(belongs, out->public) == 0 ? 0
	                                         : bad(err, path, "its secret key does not belong to its public key");
}

static int take(const char *path, zconfig_t *root, bool secret, struct cert *out, char *err)
{
	const char *text = zconfig_get(root, "/curve/public-key", ""),
		   *role = zconfig_get(root, "/metadata/role", NULL);
	uint8_t bytes[KEY_BYTES];

	if (!key_bytes(text, bytes))
		return bad(err, path, "holds no public key");
	memcpy(out->public, text, KEY_TEXT);
	if (role != NULL) {
		out->role = role_find(span_str(role));
		if (out->role == ROLE_NONE) {
			text_format(err, KEYS_ERR, "%s: '%.60s' is no role: there are submit, work, read and admin",
			            path, role);
			return -1;
		}
	}
	return secret ? take_secret(path, zconfig_get(root, "/curve/secret-key", ""), out, err) : 0;
}

int cert_read(const char *path, bool secret, struct cert *out, char err[KEYS_ERR])
{
	char text[FILE_MOST + 1];
	ssize_t n = slurp(path, secret, text, err);
	zconfig_t *root;
	int status;

	*out = (struct cert){ .role = ROLE_NONE };
	if (n < 0)
		return -1;
	root = good_text(text, (size_t)n) ? zconfig_str_load(text) : NULL;
	status = root != NULL ? take(path, root, secret, out, err) : bad(err, path, "is no certificate of czmq's");
	zconfig_destroy(&root);
	explicit_bzero(text, sizeof text);
	if (status != 0)
		cert_wipe(out);
	return status;
}

void cert_make(struct cert *c, enum role role)
{
	int r = zmq_curve_keypair(c->public, c->secret);

	must(r == 0); /* the caller saw zmq_has("curve") */
	c->role = role;
}

void cert_wipe(struct cert *c)
{
	explicit_bzero(c->secret, sizeof c->secret);
}

static int write_new(const char *path, mode_t mode, const char *text, char *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	size_t n = strlen(text);
	bool good;

	if (fd < 0)
		return bad(err, path,
		           errno == EEXIST ? "is there already, and keys are never overwritten"
		                           : strerrordesc_np(errno));
	good = write(fd, text, n) == (ssize_t)n && fsync(fd) == 0;
	if (close(fd) != 0 || !good) {
		unlink(path);
		return bad(err, path, "cannot be written");
	}
	return 0;
}

/* As zcert_save() lays it out. */
static char *format(const struct cert *c, bool secret)
{
	zconfig_t *root = zconfig_new("root", NULL);
	char *text;

	zconfig_set_comment(root,
	                    secret ? "   ZeroMQ CURVE **Secret** Certificate" : "   ZeroMQ CURVE Public Certificate");
	zconfig_set_comment(root, secret ? "   DO NOT PROVIDE THIS FILE TO OTHER USERS nor change its permissions."
	                                 : "   Made by `sheaf keygen`; no secret.");
	zconfig_set_comment(root, "%s", "");
	if (c->role != ROLE_NONE)
		zconfig_put(root, "/metadata/role", role_name(c->role));
	zconfig_put(root, "/curve/public-key", c->public);
	if (secret)
		zconfig_put(root, "/curve/secret-key", c->secret);
	text = zconfig_str_save(root);
	must(text != NULL);
	zconfig_destroy(&root);
	return text;
}

int cert_write(const char *dir, const char *name, const struct cert *c, bool secret, char err[KEYS_ERR])
{
	for (int i = secret ? 1 : 0; i >= 0; i--) {
		char path[KEYS_PATH + KEYS_NAME + 16], *text = format(c, i == 1);
		int status;

		text_format(path, sizeof path, "%s/%s.key%s", dir, name, i == 1 ? "_secret" : "");
		status = write_new(path, i == 1 ? 0600 : 0644, text, err);
		explicit_bzero(text, strlen(text));
		free(text);
		if (status != 0)
			return -1;
	}
	return 0;
}
