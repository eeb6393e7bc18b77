/* Directories of keys: as `sheaf keygen` makes them, in whole and in part, and what is wrong with bad ones. */
#include "keys/keys.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys/make.h"
#include "tests/unit/base/suite.h"
#include "tests/unit/keys/folder.h"

static char err[KEYS_ERR];

static void make(void)
{
	folder_make();
	ck_assert_msg(keys_make(folder, err) == 0, "%s", err);
}

static void copy(const char *from, const char *to, mode_t mode)
{
	char text[4096];

	folder_read(from, text, sizeof text);
	folder_write(to, text, mode);
}

static int broker(void)
{
	struct keys_broker b;
	int status = keys_broker_read(folder, &b, err);

	keys_broker_fini(&b);
	return status;
}

static int own(const char *dir, enum keys_who who)
{
	struct keys_own k;
	int status = keys_own_read(dir, who, &k, err);

	keys_own_wipe(&k);
	return status;
}

START_TEST(test_made)
{
	struct keys_own client, worker;
	struct keys_broker b;
	const struct keys_client *k;
	uint8_t bytes[KEY_BYTES];
	struct stat st;

	folder_make();
	rmdir(folder);
	ck_assert_msg(keys_make(folder, err) == 0, "%s", err);
	ck_assert_int_eq(stat(folder, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0700);
	ck_assert_msg(keys_broker_read(folder, &b, err) == 0, "%s", err);
	ck_assert_int_eq(keys_own_read(folder, KEYS_CLIENT, &client, err), 0);
	ck_assert_int_eq(keys_own_read(folder, KEYS_WORKER, &worker, err), 0);
	ck_assert_str_eq(client.server, b.cert.public);
	ck_assert_str_ne(client.cert.public, worker.cert.public);
	ck_assert_uint_eq(b.n, 2);
	ck_assert(key_bytes(client.cert.public, bytes));
	k = keys_find(&b, bytes);
	ck_assert_ptr_nonnull(k);
	ck_assert_str_eq(k->name, "client");
	ck_assert_int_eq(k->role, ROLE_ADMIN);
	ck_assert(key_bytes(worker.cert.public, bytes));
	ck_assert_int_eq(keys_find(&b, bytes)->role, ROLE_WORK);
	bytes[7] ^= 1;
	ck_assert_ptr_null(keys_find(&b, bytes));
	keys_broker_fini(&b);
	folder_remove();
}
END_TEST

START_TEST(test_made_once)
{
	char before[4096], after[4096];

	make();
	folder_read("client.key_secret", before, sizeof before);
	ck_assert_int_eq(keys_make(folder, err), -1);
	has(err, "broker.key_secret: is there already");
	folder_read("client.key_secret", after, sizeof after);
	ck_assert_str_eq(before, after);
	folder_remove();
}
END_TEST

START_TEST(test_added)
{
	struct keys_broker b;
	char web[FOLDER_PATH + 16];

	make();
	ck_assert_msg(keys_add(folder, "web", ROLE_SUBMIT, err) == 0, "%s", err);
	ck_assert_msg(keys_add(folder, "w-2", ROLE_WORK, err) == 0, "%s", err);
	ck_assert_int_eq(keys_broker_read(folder, &b, err), 0);
	ck_assert_uint_eq(b.n, 4);
	keys_broker_fini(&b);
	snprintf(web, sizeof web, "%s", folder_path("web"));
	ck_assert_msg(own(web, KEYS_CLIENT) == 0, "%s", err); /* the folder alone is enough */
	ck_assert_int_eq(own(folder_path("w-2"), KEYS_WORKER), 0);
	ck_assert_int_eq(own(folder_path("w-2"), KEYS_CLIENT), 0); /* to ping with */
	ck_assert_int_eq(keys_add(folder, "web", ROLE_ADMIN, err), -1);
	has(err, "is there already");
	ck_assert_int_eq(keys_add(folder, "client", ROLE_ADMIN, err), -1);
	ck_assert_int_eq(access(folder_path("client"), F_OK), -1); /* nothing is left of the attempt */
	ck_assert_int_eq(keys_add(folder, "../x", ROLE_ADMIN, err), -1);
	ck_assert_int_eq(keys_add(folder, "clients", ROLE_ADMIN, err), -1);
	ck_assert_int_eq(keys_add(folder, "", ROLE_ADMIN, err), -1);
	ck_assert_int_eq(keys_add("/tmp/no such place", "x", ROLE_ADMIN, err), -1);
	folder_remove();
}
END_TEST

START_TEST(test_parts_that_are_missing)
{
	make();
	unlink(folder_path("client.key_secret"));
	ck_assert_int_eq(own(folder, KEYS_CLIENT), 0); /* it has the worker's */
	unlink(folder_path("worker.key_secret"));
	ck_assert_int_eq(own(folder, KEYS_CLIENT), -1);
	has(err, "client.key_secret");
	ck_assert_int_eq(broker(), 0);
	unlink(folder_path("broker.key"));
	ck_assert_int_eq(own(folder, KEYS_WORKER), -1);
	has(err, "broker.key");
	unlink(folder_path("broker.key_secret"));
	ck_assert_int_eq(broker(), -1);
	has(err, "broker.key_secret");
	ck_assert_int_eq(own("/tmp/no such place", KEYS_CLIENT), -1);
	has(err, "No such file");
	folder_remove();
}
END_TEST

START_TEST(test_bad_clients)
{
	make();
	folder_write("clients/bad.key", "nonsense", 0600);
	ck_assert_int_eq(broker(), -1);
	has(err, "clients/bad.key");
	unlink(folder_path("clients/bad.key"));
	copy("broker.key", "clients/norole.key", 0600);
	ck_assert_int_eq(broker(), -1);
	has(err, "norole.key: has no role");
	unlink(folder_path("clients/norole.key"));
	copy("clients/client.key", "clients/twin.key", 0600);
	ck_assert_int_eq(broker(), -1);
	has(err, "the same key");
	has(err, "twin.key");
	unlink(folder_path("clients/twin.key"));
	copy("clients/client.key", "clients/a b.key", 0600);
	ck_assert_int_eq(broker(), -1);
	has(err, "a b.key");
	unlink(folder_path("clients/a b.key"));
	folder_write("clients/README", "not a key", 0600);
	folder_write("clients/.hidden.key", "not a key", 0600);
	ck_assert_msg(broker() == 0, "%s", err);
	folder_remove();
}
END_TEST

START_TEST(test_no_clients)
{
	struct keys_broker b;

	make();
	unlink(folder_path("clients/client.key"));
	unlink(folder_path("clients/worker.key"));
	ck_assert_int_eq(keys_broker_read(folder, &b, err), 0);
	ck_assert_uint_eq(b.n, 0);
	ck_assert_ptr_null(keys_find(&b, (uint8_t[KEY_BYTES]){ 0 }));
	keys_broker_fini(&b);
	rmdir(folder_path("clients"));
	ck_assert_int_eq(broker(), -1);
	has(err, "clients");
	folder_remove();
}
END_TEST

START_TEST(test_loose_secrets)
{
	make();
	chmod(folder_path("broker.key_secret"), 0604);
	ck_assert_int_eq(broker(), -1);
	has(err, "chmod 600");
	chmod(folder_path("client.key_secret"), 0604);
	ck_assert_int_eq(own(folder, KEYS_CLIENT), -1);
	has(err, "chmod 600");
	folder_remove();
}
END_TEST

START_TEST(test_names)
{
	ck_assert(keys_name_ok("a") && keys_name_ok("web-1.example_x") && keys_name_ok("0"));
	ck_assert(!keys_name_ok("") && !keys_name_ok(".") && !keys_name_ok("-x") && !keys_name_ok("a/b"));
	ck_assert(!keys_name_ok("0123456789012345678901234567890123456789012345678901234567890123"));
}
END_TEST

SUITE_MAIN("keys", test_made, test_made_once, test_added, test_parts_that_are_missing, test_bad_clients,
           test_no_clients, test_loose_secrets, test_names)
