/* Who may authenticate: what files are taken, and passwords. */
#include "broker/smtp/users.h"

#include <crypt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/base/suite.h"

/* Of "secret", by openssl passwd -6 and mkpasswd -m sha-256. */
static char six[CRYPT_OUTPUT_SIZE], five[CRYPT_OUTPUT_SIZE], yes[CRYPT_OUTPUT_SIZE];
static char path[] = "/tmp/sheaf-users-XXXXXX";

static void make_hash(const char *setting, char to[CRYPT_OUTPUT_SIZE])
{
	static struct crypt_data data;
	const char *hash = crypt_rn("secret", setting, &data, (int)sizeof data);

	ck_assert_ptr_nonnull(hash);
	snprintf(to, CRYPT_OUTPUT_SIZE, "%s", hash);
}

static void begin(void)
{
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	close(fd);
	make_hash("$6$rounds=1000$saltsalt", six);
	make_hash("$5$rounds=1000$saltsalt", five);
	make_hash("$y$j75$saltsalt", yes);
}

static void write_users(const char *text)
{
	FILE *f = fopen(path, "we");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

static void refused(const char *text, const char *said)
{
	char err[USERS_ERR] = "", want[USERS_ERR];

	write_users(text);
	snprintf(want, sizeof want, "%s%s", path, said);
	ck_assert_msg(users_read(path, err) == NULL, "taken: %s", text);
	ck_assert_msg(strncmp(err, want, strlen(want)) == 0, "'%s' does not begin '%s'", err, want);
}

START_TEST(test_passwords)
{
	char text[2048], err[USERS_ERR];
	struct smtp_users *u;

	begin();
	snprintf(text, sizeof text, "# who may\n\nbob:%s\r\nada:%s\n#eve:%s\nj\xc3\xb6rg@x.test:%s", five, six, six,
	         yes);
	write_users(text);
	u = users_read(path, err);
	ck_assert_msg(u != NULL, "%s", err);
	ck_assert_uint_eq(users_count(u), 3);
	ck_assert(users_has(u, "ada") && users_has(u, "bob") && users_has(u, "j\xc3\xb6rg@x.test"));
	ck_assert(!users_has(u, "eve") && !users_has(u, "") && !users_has(u, "Ada") && !users_has(u, "ad"));
	ck_assert(users_check(u, "ada", "secret") && users_check(u, "bob", "secret"));
	ck_assert(users_check(u, "j\xc3\xb6rg@x.test", "secret"));
	ck_assert(!users_check(u, "ada", "secre") && !users_check(u, "ada", "secret ") && !users_check(u, "ada", ""));
	ck_assert(!users_check(u, "eve", "secret") &&
	          !users_check(u, "", "secret")); /* somebody's password, not theirs */
	memset(text, 'x', sizeof text);
	text[1500] = '\0';
	ck_assert(!users_check(u, "ada", text));
	ck_assert(!users_check(u, "ada", six));
	users_free(u);
	users_free(NULL);
	unlink(path);
}
END_TEST

START_TEST(test_files)
{
	char text[4096], err[USERS_ERR], name[300];

	begin();
	refused("", " names nobody");
	refused("# nobody\n\n", " names nobody");
	refused("ada\n", ":1: not NAME:HASH");
	refused("#\nada:\n", ":2: 'ada' has no hash behind its colon");
	refused("ada:secret\n", ":1: 'ada' has no hash that crypt(3) knows");
	refused("ada:!\n", ":1: 'ada' has no hash that crypt(3) knows");
	refused("ada:abJnggxhB/yWI\n", ":1: 'ada' has a hash that is too weak"); /* DES */
	refused("ada:$1$saltsalt$dxHnsOMmxlhDtuYwixn.71\n", ":1: 'ada' has a hash that is too weak");
	refused("ada:$6$saltsalt\n", ":1: 'ada' has only the beginning of a hash");
	refused("ada:$6$saltsalt$abc\n", ":1: 'ada' has only the beginning of a hash");
	snprintf(text, sizeof text, "ada:%s\nbob:%s\nada:%s\n", six, six, five);
	refused(text, ":3: 'ada' has a line already, 1");
	snprintf(text, sizeof text, "*:%s\n", six);
	refused(text, ":1: '*' is no name: it stands for everybody");
	snprintf(text, sizeof text, "a b:%s\n", six);
	refused(text, ":1: 'a b' is no name");
	snprintf(text, sizeof text, ":%s\n", six);
	refused(text, ":1: '' is no name");
	snprintf(name, sizeof name, "%0256d", 1);
	snprintf(text, sizeof text, "%s:%s\n", name, six);
	refused(text, ":1: '000");
	snprintf(text, sizeof text, "%01000d:%s\n", 1, six);
	refused(text, ":1: the line is too long");
	snprintf(text, sizeof text, "ada:%s\n", six);
	write_users(text);
	ck_assert_int_eq(chmod(path, 0644), 0);
	refused(text, " holds hashes of passwords, and others may read or change it: chmod 640");
	ck_assert_int_eq(chmod(path, 0660), 0);
	refused(text, " holds hashes of passwords, and others");
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_ptr_null(users_read(path, err));
	ck_assert_ptr_nonnull(strstr(err, "No such file"));
	ck_assert_ptr_null(users_read("/tmp", err));
	ck_assert_ptr_nonnull(strstr(err, "/tmp is no file"));
}
END_TEST

SUITE_MAIN("users", test_passwords, test_files)
