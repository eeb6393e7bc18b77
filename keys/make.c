/* See make.h. */
#include "keys/make.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include "base/text.h"
#include "keys/keys.h"

enum { FOLDER = KEYS_PATH + KEYS_NAME + 16 };

static int make_folder(const char *path, char *err)
{
	if (mkdir(path, 0700) == 0 || (errno == EEXIST && access(path, W_OK | X_OK) == 0))
		return 0;
	text_format(err, KEYS_ERR, "%s: %s", path, strerrordesc_np(errno));
	return -1;
}

static int check(const char *dir, char *err)
{
	if (strlen(dir) < KEYS_PATH && *dir != '\0' && zmq_has("curve"))
		return 0;
	text_format(err, KEYS_ERR,
	            zmq_has("curve") ? "the directory's path has to have 1 to %d bytes"
	                             : "this libzmq was built without CURVE: there can be no keys",
	            KEYS_PATH - 1);
	return -1;
}

/* A new pair as FOLDER/FILE.key, its public half as CLIENTS/NAME.key too: that one first, since it says whether the
 * name is taken. */
static int make_pair(const char *folder, const char *file, const char *clients, const char *name, enum role role,
                     char *err)
{
	struct cert c;
	int status = 0;

	cert_make(&c, role);
	if (clients != NULL)
		status = cert_write(clients, name, &c, false, err);
	if (status == 0)
		status = cert_write(folder, file, &c, true, err);
	cert_wipe(&c);
	return status;
}

int keys_make(const char *dir, char err[KEYS_ERR])
{
	char clients[FOLDER];

	if (check(dir, err) != 0)
		return -1;
	text_format(clients, sizeof clients, "%s/clients", dir);
	if (make_folder(dir, err) != 0)
		return -1;
	if (make_pair(dir, "broker", NULL, NULL, ROLE_NONE, err) != 0) /* says that the keys are there already, if so */
		return -1;
	if (make_folder(clients, err) != 0)
		return -1;
	if (make_pair(dir, "client", clients, "client", ROLE_ADMIN, err) != 0)
		return -1;
	return make_pair(dir, "worker", clients, "worker", ROLE_WORK, err);
}

static int check_name(const char *name, char *err)
{
	if (keys_name_ok(name) && strcmp(name, "clients") != 0 && strcmp(name, "broker") != 0)
		return 0;
	text_format(err, KEYS_ERR,
	            "'%.80s' is no name for a key: 1 to 63 of A-Z a-z 0-9 . _ - with a letter or digit "
	            "first, but not broker or clients",
	            name);
	return -1;
}

int keys_add(const char *dir, const char *name, enum role role, char err[KEYS_ERR])
{
	char folder[FOLDER], clients[FOLDER];
	struct cert broker;

	if (check(dir, err) != 0 || check_name(name, err) != 0)
		return -1;
	text_format(clients, sizeof clients, "%s/clients", dir);
	text_format(folder, sizeof folder, "%s/broker.key", dir);
	if (cert_read(folder, false, &broker, err) != 0)
		return -1;
	text_format(folder, sizeof folder, "%s/%s", dir, name);
	if (mkdir(folder, 0700) != 0) {
		text_format(err, KEYS_ERR, "%s: %s", folder,
		            errno == EEXIST ? "is there already, and keys are never overwritten"
		                            : strerrordesc_np(errno));
		return -1;
	}
	if (make_folder(clients, err) != 0 ||
	    make_pair(folder, role == ROLE_WORK ? "worker" : "client", clients, name, role, err) != 0) {
		rmdir(folder); /* if it is empty still */
		return -1;
	}
	return cert_write(folder, "broker", &broker, false, err);
}
