/* What a handler gets of a mail: its text, or all of it as JSON; and what is handed on raw instead. */
#include <stdlib.h>

#include "base/base64.h"
#include "tests/unit/base/suite.h"
#include "tests/unit/smtp/jobs_rig.h"

static struct jobs_rig r;
static struct buf made; /* of a test; empty at its beginning */

static void begin(const char *queue)
{
	rig_begin(&r);
	rig_to(&r, queue);
}

static void end(void)
{
	rig_end(&r);
	buf_fini(&made);
	buf_init(&made);
}

static void add(const char *text)
{
	buf_put_span(&made, span_str(text));
}

static void check_body(const char *mail, const char *want)
{
	struct span p;

	begin("body");
	rig_make_text(&r, mail);
	ck_assert_msg(strcmp(rig_header(&r, 0, "mime"), "body") == 0, "%s of %s", rig_header(&r, 0, "mime_why"), mail);
	ck_assert_ptr_null(rig_header(&r, 0, "mime_why"));
	p = rig_payload(&r, 0);
	ck_assert_msg(span_eq(p, span_str(want)), "'%.*s' of %s", (int)p.n, p.p, mail);
	end();
}

/* In both queues it is raw, and this is said of it. */
static void check_raw(struct span mail, const char *why)
{
	begin("body");
	rig_to(&r, "json");
	rig_to(&r, "other");
	rig_make(&r, mail);
	for (uint32_t i = 0; i < 2; i++) {
		ck_assert_str_eq(rig_header(&r, i, "mime"), "raw");
		ck_assert_ptr_nonnull(rig_header(&r, i, "mime_why"));
		ck_assert_msg(strstr(rig_header(&r, i, "mime_why"), why) != NULL, "%s, not %s",
		              rig_header(&r, i, "mime_why"), why);
		ck_assert(span_eq(rig_payload(&r, i), rig_payload(&r, 2)));
	}
	ck_assert_uint_eq(r.jobs->all.v[2].same, 1);
	rig_end(&r);
}

static const char *text_at(json_t *j, const char *key)
{
	return json_string_value(json_object_get(j, key));
}

static json_t *attachment(json_t *j, size_t at)
{
	return json_array_get(json_object_get(j, "attachments"), at);
}

static void check_content(json_t *a, struct span want)
{
	struct buf b;

	buf_init(&b);
	ck_assert(base64_decode(&b, span_str(text_at(a, "content"))));
	ck_assert_msg(span_eq(buf_span(&b), want), "%.*s", (int)b.n, b.p);
	ck_assert_int_eq(json_integer_value(json_object_get(a, "size")), (json_int_t)want.n);
	buf_fini(&b);
}

START_TEST(test_bodies)
{
	check_body("Subject: x\r\n\r\none\r\ntwo\r\n", "one\ntwo\n");
	check_body("\r\none", "one");
	check_body("", "");
	check_body("no head at all\r\n", "");
	check_body(
	    "A: b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
	    "Gr=C3=BC=C3=9Fe, soft=\r\n line=20\r\n",
	    "Gr\xc3\xbc\xc3\x9f"
	    "e, soft line \n");
	check_body("content-transfer-encoding: BASE64 \r\ncontent-type: TEXT/PLAIN;\r\n\tCHARSET=\"ISO-8859-1\"\r\n\r\n"
	           "R3L8323c\r\n8/w=\r\n",
	           "Gr\xc3\xbc\xc3\x9f"
	           "m\xc3\x9c\xc3\xb3\xc3\xbc");
	check_body("Content-Transfer-Encoding: x-uuencode\r\n\r\nbegin 644 a\r\n#86)C\r\n`\r\nend\r\n", "abc");
	/* the first that is no attachment, however deep; HTML is not it */
	check_body(
	    "Content-Type: multipart/mixed; boundary=\"=_o\"\r\n\r\npreamble\r\n--=_o\r\n"
	    "Content-Type: text/plain\r\nContent-Disposition: attachment; filename=log\r\n\r\nlog\r\n"
	    "--=_o \t\r\nContent-Type: multipart/alternative; boundary=i\r\n\r\n--i\r\nContent-Type: text/html\r\n"
	    "\r\n<p>\r\n--i\r\n\r\ntext\r\n\r\n--i--\r\n--=_o\r\n\r\nfooter\r\n--=_o--\r\nepilogue\r\n",
	    "text\n");
	check_body("Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\nContent-Type: text/html\r\n\r\n<p>\r\n"
	           "--o\r\nContent-Type: text/plain; name=a.txt\r\n\r\nonly this\r\n--o--",
	           "only this");
}
END_TEST

START_TEST(test_html_alone_is_no_body)
{
	begin("body");
	rig_make_text(&r, "Content-Type: text/html\r\n\r\n<p>");
	ck_assert_str_eq(rig_header(&r, 0, "mime"), "raw");
	ck_assert_str_eq(rig_header(&r, 0, "mime_why"), "it has no text/plain part");
	end();
}
END_TEST

START_TEST(test_charsets)
{
	static const struct {
		const char *charset, *text, *want;
	} rows[] = {
		{ "koi8-r", "\xf0\xf2\xe9\xf7\xe5\xf4", "\xd0\x9f\xd0\xa0\xd0\x98\xd0\x92\xd0\x95\xd0\xa2" },
		{ "Shift_JIS", "\x93\xfa\x96\x7b", "\xe6\x97\xa5\xe6\x9c\xac" },
		{ "iso-2022-jp", "\x1b$BF|K\\\x1b(B.", "\xe6\x97\xa5\xe6\x9c\xac." },
		{ "iso-8859-15", "\xa4", "\xe2\x82\xac" },
		{ "windows-1252", "\x80\x93", "\xe2\x82\xac\xe2\x80\x9c" },
		{ "utf-8",
		  "a\xff"
		  "b",
		  "a\xef\xbf\xbd"
		  "b" },
		{ "UTF-8", "\xe2\x82\xac", "\xe2\x82\xac" },
		{ "us-ascii", "\xe2\x82\xac", "\xe2\x82\xac" },
		{ "us-ascii", "\xe4", "\xc3\xa4" },
		{ "no-such-charset", "\xe2\x82\xac", "\xe2\x82\xac" },
		{ "no-such-charset", "\xe4", "\xef\xbf\xbd" },
		{ "\"../../x//IGNORE\"", "\xe4", "\xc3\xa4" },
		{ "shift_jis", "a\x93", "a\xef\xbf\xbd" },
		{ "euc-jp",
		  "\xff"
		  "a",
		  "\xef\xbf\xbd"
		  "a" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char mail[200];

		snprintf(mail, sizeof mail, "Content-Type: text/plain; charset=%s\r\n\r\n%s", rows[i].charset,
		         rows[i].text);
		check_body(mail, rows[i].want);
	}
}
END_TEST

START_TEST(test_json)
{
	static const char mail[] =
	    "From: =?iso-8859-1?q?J=FCrgen?= <j@example.org>\r\nSubject: =?utf-8?b?R3LDvMOfZQ==?=\r\n"
	    " =?utf-8?q?_aus_K=C3=B6ln?=\r\nX-A: 1\r\nx-a:2 \r\nNot a header\r\nX-Empty:\r\n"
	    "Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\n"
	    "Content-Type: multipart/related; boundary=\"in ner\"\r\n\r\n--in ner\r\n"
	    "Content-Type: text/html; charset=iso-8859-1\r\n\r\n<p>\xe4</p>\r\n--in ner\r\n"
	    "Content-Type: IMAGE/PNG\r\nContent-ID: <pic@x>\r\nContent-Transfer-Encoding: base64\r\n\r\n"
	    "iVBO\r\nRw==\r\n--in ner--\r\n\r\n--o\r\nContent-Type: application/pdf\r\n"
	    "Content-Disposition: attachment;\r\n filename*0*=utf-8''r%C3%A9su;\r\n filename*1=\"me.pdf\"\r\n\r\n"
	    "%PDF\r\n--o\r\nContent-Type: text/csv; name=\"=?utf-8?q?=C3=A4.csv?=\"\r\n\r\na,b\r\n--o\r\n\r\nfooter\r\n"
	    "--o--\r\n";
	json_t *j, *e, *h, *a;

	begin("json");
	snprintf(r.l.user, sizeof r.l.user, "bob");
	rig_make_text(&r, mail);
	ck_assert_str_eq(rig_header(&r, 0, "mime"), "json");
	j = rig_json(&r, 0);
	ck_assert_uint_eq(json_object_size(j), 5);
	e = json_object_get(j, "envelope");
	ck_assert_uint_eq(json_object_size(e), 9);
	ck_assert_str_eq(text_at(e, "from"), "alice@example.org");
	ck_assert_str_eq(json_string_value(json_array_get(json_object_get(e, "to"), 0)), "json@example.net");
	ck_assert_str_eq(text_at(e, "auth_user"), "bob");
	ck_assert_str_eq(text_at(e, "received_at"), "2025-11-24T18:04:05.678Z");
	ck_assert_int_eq(json_integer_value(json_object_get(e, "size")), (json_int_t)strlen(mail));
	ck_assert_str_eq(text_at(e, "sha256"), rig_header(&r, 0, "sha256"));
	h = json_object_get(j, "headers");
	ck_assert_uint_eq(json_array_size(h), 6);
	ck_assert_str_eq(json_string_value(json_array_get(json_array_get(h, 0), 0)), "From");
	ck_assert_str_eq(json_string_value(json_array_get(json_array_get(h, 0), 1)), "J\xc3\xbcrgen <j@example.org>");
	ck_assert_str_eq(json_string_value(json_array_get(json_array_get(h, 1), 1)), "Gr\xc3\xbc\xc3\x9f"
	                                                                             "e aus K\xc3\xb6ln");
	ck_assert_str_eq(json_string_value(json_array_get(json_array_get(h, 3), 0)), "x-a");
	ck_assert_str_eq(json_string_value(json_array_get(json_array_get(h, 3), 1)), "2");
	ck_assert_str_eq(json_string_value(json_array_get(json_array_get(h, 4), 1)), "");
	ck_assert_str_eq(text_at(j, "text"), "footer");
	ck_assert_str_eq(text_at(j, "html"), "<p>\xc3\xa4</p>");
	ck_assert_uint_eq(json_array_size(json_object_get(j, "attachments")), 3);
	a = attachment(j, 0);
	ck_assert(json_is_null(json_object_get(a, "name")));
	ck_assert_str_eq(text_at(a, "type"), "image/png");
	ck_assert_str_eq(text_at(a, "id"), "pic@x");
	check_content(a, span_str("\x89PNG"));
	a = attachment(j, 1);
	ck_assert_str_eq(text_at(a, "name"), "r\xc3\xa9sume.pdf");
	check_content(a, span_str("%PDF"));
	a = attachment(j, 2);
	ck_assert_str_eq(text_at(a, "name"), "\xc3\xa4.csv");
	check_content(a, span_str("a,b"));
	json_decref(j);
	end();
}
END_TEST

START_TEST(test_json_of_little)
{
	json_t *j;

	begin("json");
	rig_make_text(&r, "");
	j = rig_json(&r, 0);
	ck_assert_uint_eq(json_array_size(json_object_get(j, "headers")), 0);
	ck_assert_str_eq(text_at(j, "text"), "");
	ck_assert(json_is_null(json_object_get(j, "html")));
	json_decref(j);
	rig_make_text(&r, "Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n!\r\n");
	j = rig_json(&r, 0); /* a mail that is one picture, and a bad one */
	ck_assert(json_is_null(json_object_get(j, "text")));
	check_content(attachment(j, 0), span_str(""));
	json_decref(j);
	rig_make(&r, span_of("A: \0b\r\n\r\nx\0\xff\n", 13)); /* by BINARYMIME */
	j = rig_json(&r, 0);
	ck_assert_uint_eq(json_string_length(json_object_get(j, "text")), 5); /* x, NUL, y with diaeresis, LF */
	json_decref(j);
	end();
}
END_TEST

START_TEST(test_messages_in_messages_stay_whole)
{
	static const char inner[] =
	    "To: a@b\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\n\r\nhi\r\n--i--\r\n";
	json_t *j;

	begin("json");
	add("Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\nContent-Type: message/rfc822\r\n\r\n");
	add(inner);
	add("\r\n--o\r\nContent-Type: multipart/digest; boundary=d\r\n\r\n--d\r\n\r\nSubject: x\r\n\r\nin a "
	    "digest\r\n--d--\r\n");
	add("--o--\r\n");
	rig_make(&r, buf_span(&made));
	j = rig_json(&r, 0);
	ck_assert(json_is_null(json_object_get(j, "text"))); /* what others wrote is not what this mail says */
	ck_assert_uint_eq(json_array_size(json_object_get(j, "attachments")), 2);
	ck_assert_str_eq(text_at(attachment(j, 0), "type"), "message/rfc822");
	check_content(attachment(j, 0), span_str(inner));
	ck_assert_str_eq(text_at(attachment(j, 1), "type"), "message/rfc822");
	check_content(attachment(j, 1), span_str("Subject: x\r\n\r\nin a digest"));
	json_decref(j);
	end();
}
END_TEST

START_TEST(test_boundaries)
{
	static const char *const bad[] = {
		"Content-Type: multipart/mixed\r\n\r\n--x\r\n\r\nhi\r\n--x--\r\n",
		"Content-Type: multipart/mixed; boundary=\"\"\r\n\r\n--\r\n\r\nhi\r\n",
		"Content-Type: multipart/mixed; boundary=x\r\n\r\nno part\r\n--xy\r\n\r\n --x\r\n",
		"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x--\r\n--x\r\n\r\nhi\r\n",
		"Content-Type: multipart/mixed; boundary=x\r\n",
	};

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		check_raw(span_str(bad[i]), "a multipart without ");
	check_body("Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nbroken off\r\n", "broken off\n");
	check_body("Content-Type: multipart/mixed; boundary=x\r\n\r\n--x", "");
	check_body("Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\n--xx\r\n--x-\r\n-x\r\n--x--\r\n",
	           "--xx\n--x-\n-x");
	/* one of the outer parts ends the inner ones, whether they have ended or not */
	check_body(
	    "Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\nContent-Type: multipart/mixed; boundary=i\r\n"
	    "\r\n--i\r\n\r\none\r\n--o\r\n\r\ntwo\r\n--o--",
	    "one");
	check_body("Content-Type: multipart/mixed; boundary=x\n\n--x\n\nbare\n--x--\n", "bare");
}
END_TEST

/* So many multiparts, one in the other. */
static void nest(unsigned int depth)
{
	char text[80];

	buf_clear(&made);
	for (unsigned int i = 0; i < depth; i++) {
		snprintf(text, sizeof text, "Content-Type: multipart/mixed; boundary=b%u\r\n\r\n--b%u\r\n", i, i);
		add(text);
	}
	add("\r\ndeep\r\n");
}

START_TEST(test_bombs)
{
	begin("body");
	nest(LIMIT_MIME_DEPTH);
	rig_make(&r, buf_span(&made));
	ck_assert(span_eq(rig_payload(&r, 0), span_str("deep\n")));
	rig_end(&r);
	nest(LIMIT_MIME_DEPTH + 1);
	check_raw(buf_span(&made), "nested too deep");
	nest(1000);
	check_raw(buf_span(&made), "nested too deep");
	nest(10000);
	check_raw(buf_span(&made), "nested too deep");
	end();
}
END_TEST

START_TEST(test_many_parts)
{
	json_t *j;

	begin("json");
	add("Content-Type: multipart/mixed; boundary=x\r\n\r\n");
	for (int i = 0; i < LIMIT_MIME_PARTS - 1; i++)
		add("--x\r\n\r\n");
	rig_make(&r, buf_span(&made));
	j = rig_json(&r, 0);
	ck_assert_uint_eq(json_array_size(json_object_get(j, "attachments")), LIMIT_MIME_PARTS - 2);
	json_decref(j);
	rig_end(&r);
	add("--x\r\n\r\n");
	check_raw(buf_span(&made), "too many parts");
	while (made.n < LIMIT_MAIL - 8)
		add("--x\r\n\r\n");
	check_raw(buf_span(&made), "too many parts");
	end();
}
END_TEST

START_TEST(test_heads_without_end)
{
	json_t *j;

	begin("json");
	for (int i = 0; i < 50000; i++)
		add("a: =?utf-8?q?=41?=\r\n");
	rig_make(&r, buf_span(&made));
	j = rig_json(&r, 0);
	ck_assert_uint_eq(json_array_size(json_object_get(j, "headers")), 50000);
	json_decref(j);
	rig_end(&r);
	buf_clear(&made); /* a field that GMime would have to take apart */
	add("Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain");
	while (made.n < LIMIT_MAIL - 16)
		add("; a*0=b");
	check_raw(buf_span(&made), "8 KiB");
	buf_clear(&made);
	add("Content-Type: text/plain");
	for (int i = 0; i <= LIMIT_MIME_PARAMETERS; i++)
		add(";a=");
	check_raw(buf_span(&made), "too many parameters");
	buf_clear(&made); /* what has to be looked at again and again */
	nest(LIMIT_MIME_DEPTH);
	while (made.n < LIMIT_MIME_LINES / 16)
		add("\r\n--\r\n");
	check_raw(buf_span(&made), "too many lines");
	end();
}
END_TEST

START_TEST(test_what_is_too_large)
{
	json_t *j;

	begin("json");
	add("\r\n"); /* each byte becomes \u0001 */
	memset(buf_room(&made, LIMIT_PAYLOAD / 6), 1, LIMIT_PAYLOAD / 6);
	made.n += LIMIT_PAYLOAD / 6;
	rig_make(&r, buf_span(&made));
	ck_assert_str_eq(rig_header(&r, 0, "mime"), "raw");
	made.n -= 1000;
	rig_make(&r, buf_span(&made));
	ck_assert_str_eq(rig_header(&r, 0, "mime"), "json");
	rig_end(&r);

	buf_clear(&made); /* two of it are too much for one mail */
	add("Content-Type: application/x\r\n\r\n");
	memset(buf_room(&made, 7 * MIB), 'x', 7 * MIB);
	made.n += 7 * MIB;
	rig_begin(&r);
	rig_to(&r, "json");
	r.policies[0].payload = SMTP_JSON;
	rig_make(&r, buf_span(&made));
	j = rig_json(&r, 0);
	json_decref(j);
	rig_to(&r, "plain");
	rig_make(&r, buf_span(&made));
	ck_assert_str_eq(rig_header(&r, 0, "mime"), "raw");
	ck_assert_str_eq(rig_header(&r, 1, "mime"), "raw");
	ck_assert_ptr_nonnull(strstr(rig_header(&r, 0, "mime_why"), "payloads of a mail"));
	end();

	begin("json"); /* beside what may not be left out, too */
	rig_to(&r, "body");
	rig_to(&r, "plain");
	rig_to(&r, "other");
	add("Content-Type: text/plain\r\n\r\n");
	memset(buf_room(&made, 7 * MIB), 'x', 7 * MIB);
	made.n += 7 * MIB;
	rig_make(&r, buf_span(&made));
	ck_assert_str_eq(rig_header(&r, 0, "mime"), "raw");
	ck_assert_str_eq(rig_header(&r, 1, "mime"), "raw");
	ck_assert_ptr_nonnull(strstr(rig_header(&r, 1, "mime_why"), "payloads of a mail"));
	ck_assert(span_eq(rig_payload(&r, 2), buf_span(&made)));
	end();

	begin("body"); /* Latin 1 of 9 MiB is 18 in UTF-8 */
	add("Content-Type: text/plain; charset=iso-8859-1\r\n\r\n");
	memset(buf_room(&made, 9 * MIB), 0xe4, 9 * MIB);
	made.n += 9 * MIB;
	rig_make(&r, buf_span(&made));
	ck_assert_str_eq(rig_header(&r, 0, "mime"), "raw");
	ck_assert_str_eq(rig_header(&r, 0, "mime_why"), "it has more bytes than a payload may have");
	end();
}
END_TEST

START_TEST(test_queues_of_all_kinds)
{
	begin("body");
	rig_to(&r, "json");
	rig_to(&r, "plain");
	rig_to(&r, "other");
	r.policies[3].payload = SMTP_BODY;
	rig_to(&r, "dedup");
	rig_make_text(&r, "\r\nhi\r\n");
	ck_assert(span_eq(rig_payload(&r, 0), span_str("hi\n")));
	ck_assert_uint_eq(r.jobs->all.v[4].same, 1);
	ck_assert(span_eq(rig_payload(&r, 2), span_str("\r\nhi\r\n")));
	ck_assert_ptr_null(rig_header(&r, 2, "mime"));
	ck_assert_uint_gt(rig_payload(&r, 3).n, 100);
	json_decref(rig_json(&r, 1));
	end();
}
END_TEST

SUITE_MAIN("job payloads", test_bodies, test_html_alone_is_no_body, test_charsets, test_json, test_json_of_little,
           test_messages_in_messages_stay_whole, test_boundaries, test_bombs, test_many_parts, test_heads_without_end,
           test_what_is_too_large, test_queues_of_all_kinds)
