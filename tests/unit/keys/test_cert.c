/* Certificates: ours are read by czmq and czmq's by us; what is wrong with a file is said, on stderr's side alone. */
#include <czmq.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys/cert.h"
#include "tests/unit/base/suite.h"
#include "tests/unit/keys/folder.h"

#define KEY_A "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"

static char err[KEYS_ERR];

static int read_cert(const char *name, bool secret)
{
	struct cert c;

	err[0] = 0;
	return cert_read(folder_path(name), secret, &c, err);
}

START_TEST(test_round_trip)
{
	struct cert made, got;
	struct stat st;

	folder_make();
	cert_make(&made, ROLE_READ);
	ck_assert_int_eq(cert_write(folder, "a", &made, true, err), 0);
	ck_assert_int_eq(stat(folder_path("a.key_secret"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	ck_assert_int_eq(cert_read(folder_path("a.key_secret"), true, &got, err), 0);
	ck_assert_str_eq(got.public, made.public);
	ck_assert_str_eq(got.secret, made.secret);
	ck_assert_int_eq(got.role, ROLE_READ);
	ck_assert_int_eq(cert_read(folder_path("a.key"), false, &got, err), 0);
	ck_assert_str_eq(got.public, made.public);
	ck_assert_str_eq(got.secret, "");
	folder_remove();
}
END_TEST

START_TEST(test_never_overwritten)
{
	struct cert c;
	char before[4096], after[4096];

	folder_make();
	cert_make(&c, ROLE_NONE);
	ck_assert_int_eq(cert_write(folder, "a", &c, true, err), 0);
	folder_read("a.key_secret", before, sizeof before);
	cert_make(&c, ROLE_NONE);
	ck_assert_int_eq(cert_write(folder, "a", &c, true, err), -1);
	has(err, "a.key_secret");
	has(err, "never overwritten");
	folder_read("a.key_secret", after, sizeof after);
	ck_assert_str_eq(before, after);
	folder_remove();
}
END_TEST

START_TEST(test_with_czmq)
{
	struct cert c;
	zcert_t *z;

	folder_make();
	cert_make(&c, ROLE_WORK);
	ck_assert_int_eq(cert_write(folder, "ours", &c, true, err), 0);
	z = zcert_load(folder_path("ours.key"));
	ck_assert_ptr_nonnull(z);
	ck_assert_str_eq(zcert_public_txt(z), c.public);
	ck_assert_str_eq(zcert_secret_txt(z), c.secret);
	ck_assert_str_eq(zcert_meta(z, "role"), "work");
	zcert_destroy(&z);

	z = zcert_new();
	zcert_set_meta(z, "role", "%s", "submit");
	zcert_set_meta(z, "owner", "%s", "somebody with = and blanks");
	ck_assert_int_eq(zcert_save(z, folder_path("theirs.key")), 0);
	ck_assert_int_eq(cert_read(folder_path("theirs.key_secret"), true, &c, err), 0);
	ck_assert_str_eq(zcert_secret_txt(z), c.secret);
	ck_assert_int_eq(c.role, ROLE_SUBMIT);
	zcert_destroy(&z);
	folder_remove();
}
END_TEST

START_TEST(test_secrets_that_others_can_read)
{
	struct cert c;

	folder_make();
	cert_make(&c, ROLE_NONE);
	ck_assert_int_eq(cert_write(folder, "a", &c, true, err), 0);
	chmod(folder_path("a.key_secret"), 0644);
	ck_assert_int_eq(read_cert("a.key_secret", true), -1);
	has(err, "0644");
	has(err, "chmod 600");
	chmod(folder_path("a.key_secret"), 0640); /* a service that shares it with root */
	ck_assert_int_eq(read_cert("a.key_secret", true), 0);
	chmod(folder_path("a.key_secret"), 0660);
	ck_assert_int_eq(read_cert("a.key_secret", true), -1);
	folder_remove();
}
END_TEST

START_TEST(test_halves_that_do_not_belong)
{
	struct cert a, b;

	folder_make();
	cert_make(&a, ROLE_NONE);
	cert_make(&b, ROLE_NONE);
	memcpy(a.secret, b.secret, sizeof a.secret);
	ck_assert_int_eq(cert_write(folder, "a", &a, true, err), 0);
	ck_assert_int_eq(read_cert("a.key_secret", true), -1);
	has(err, "does not belong");
	ck_assert_int_eq(read_cert("a.key", true), -1); /* the public file */
	folder_remove();
}
END_TEST

/* Each is refused, and czmq is never asked about what it would complain about on stdout. */
START_TEST(test_bad_files)
{
	static const char *const bad[] = {
		"",
		"nonsense",
		"curve\n    public-key = \"short\"\n",
		"curve\n    public-key = " KEY_A "\n",
		"curve\n  public-key = \"" KEY_A "\"\n",
		"curve\n        public-key = \"" KEY_A "\"\n",
		"curve\n\tpublic-key = \"" KEY_A "\"\n",
		"curve\n    public-key = \"" KEY_A "\n",
		"curve\n    public-key = \"" KEY_A "\" x\n",
		"curve\n    public-key = \"a\"" KEY_A "\"\n",
		"    public-key = \"" KEY_A "\"\n",
		"[curve]\npublic-key=" KEY_A "\n",
		"curve\n    public-key = \"~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\"\n",
		"metadata\n    role = \"king\"\ncurve\n    public-key = \"" KEY_A "\"\n",
		"\x01\x02\xff\xfe\n",
	};
	char *large = malloc(10000);

	folder_make();
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		folder_write("a.key", bad[i], 0600);
		ck_assert_msg(read_cert("a.key", false) == -1, "'%s' is taken", bad[i]);
		has(err, "a.key");
	}
	folder_write("a.key", "curve\n    public-key = \"" KEY_A "\"\n", 0600);
	ck_assert_msg(read_cert("a.key", false) == 0, "%s", err);
	folder_write("a.key", "# x\r\n\r\ncurve\r\n    public-key = \"" KEY_A "\"\r\n", 0600);
	ck_assert_int_eq(read_cert("a.key", true), -1);
	has(err, "no secret key");
	memset(large, '#', 9999);
	large[9999] = 0;
	folder_write("a.key", large, 0600);
	ck_assert_int_eq(read_cert("a.key", false), -1);
	free(large);
	ck_assert_int_eq(read_cert("missing.key", false), -1);
	has(err, "No such file");
	ck_assert_int_eq(cert_read(folder, false, &(struct cert){ 0 }, err), -1);
	has(err, "is no file");
	folder_remove();
}
END_TEST

/* Each byte of a good file in turn becomes another one: what is taken is whole, and nothing is printed. */
START_TEST(test_mutations)
{
	static const char others[] = { '\0', '\n', ' ', '"', '#', '=', '\t', (char)0xff, 'a', '/' };
	char text[4096], printed[16];
	struct cert c, got;
	int out = dup(STDOUT_FILENO);
	size_t n;

	folder_make();
	cert_make(&c, ROLE_WORK);
	ck_assert_int_eq(cert_write(folder, "a", &c, true, err), 0);
	folder_read("a.key_secret", text, sizeof text);
	n = strlen(text);
	fflush(stdout);
	ck_assert_ptr_nonnull(freopen(folder_path("printed"), "w", stdout));
	for (size_t i = 0; i < n; i++) {
		char was = text[i];
		FILE *f;

		for (size_t k = 0; k < sizeof others; k++) {
			text[i] = others[k];
			f = fopen(folder_path("b"), "w");
			ck_assert_ptr_nonnull(f);
			fwrite(text, 1, n, f);
			fclose(f);
			chmod(folder_path("b"), 0600);
			if (cert_read(folder_path("b"), true, &got, err) != 0)
				continue;
			ck_assert_str_eq(got.public, c.public); /* the change was in a comment */
			ck_assert_str_eq(got.secret, c.secret);
		}
		text[i] = was;
	}
	fflush(stdout);
	dup2(out, STDOUT_FILENO);
	close(out);
	folder_read("printed", printed, sizeof printed);
	ck_assert_str_eq(printed, "");
	folder_remove();
}
END_TEST

SUITE_MAIN("cert", test_round_trip, test_never_overwritten, test_with_czmq, test_secrets_that_others_can_read,
           test_halves_that_do_not_belong, test_bad_files, test_mutations)
