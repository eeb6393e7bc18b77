/* What fuzz_mime begins with: mails that are good, and what a mail may say next. */
#include "tests/fuzz/driver.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct span seeds[] = {
	FUZZ_BYTES("Subject: =?utf-8?b?R3LDvMOfZQ==?= =?koi8-r?q?=F0?=\r\n x\r\nReceived: a\r\n\tb\r\n\r\nhi\r\n"),
	FUZZ_BYTES(
	    "Content-Type: multipart/mixed; boundary=\"a\"\r\n\r\npre\r\n--a\r\nContent-Type: "
	    "multipart/alternative;\r\n"
	    " boundary=b\r\n\r\n--b\r\n\r\ntext\r\n--b\r\nContent-Type: text/html; charset=iso-8859-1\r\n\r\n<p>\xe4"
	    "\r\n--b--\r\n--a\r\nContent-Type: image/png; name*=utf-8''%C3%A4.png\r\nContent-ID: <x@y>\r\n"
	    "Content-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n--a--\r\nepilogue\r\n"),
	FUZZ_BYTES("Content-Type: multipart/digest; boundary=d\r\n\r\n--d\r\n\r\nSubject: x\r\n\r\ny\r\n--d\r\n"
	           "Content-Type: message/rfc822\r\n\r\nContent-Type: multipart/mixed; boundary=d\r\n\r\n--d--\r\n"),
	FUZZ_BYTES(
	    "Content-Type: text/plain; charset=shift_jis; format=flowed\r\nContent-Transfer-Encoding: quoted-printable"
	    "\r\nContent-Disposition: attachment; filename*0*=iso-8859-1'de'%E4; filename*1=\"b.txt\"\r\n\r\n"
	    "=93=FA=\r\n=96{ =20\r\n"),
	FUZZ_BYTES(
	    "Content-Type: application/x\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\nbegin 644 a\r\n#86)C\r\n`\r\n"
	    "end\r\n"),
	FUZZ_BYTES("Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n\x1b$BF|K\\\x1b(B.\r\n"),
};
enum { SEEDS = sizeof seeds / sizeof seeds[0] };

static const char telling[] = "--\r\n\r\n :;=\"<>@'*%?_./+abd0129\\()\0\t\x1b\x80\xe2\xed\xff";
/* What a mail may say next. */
static const struct span words[] = {
	FUZZ_BYTES("\r\n--a\r\n"),
	FUZZ_BYTES("\r\n--b--\r\n"),
	FUZZ_BYTES("\r\n\r\n"),
	FUZZ_BYTES("Content-Type: "),
	FUZZ_BYTES("multipart/mixed; boundary="),
	FUZZ_BYTES("message/rfc822"),
	FUZZ_BYTES("; charset="),
	FUZZ_BYTES("utf-16"),
	FUZZ_BYTES("utf-7"),
	FUZZ_BYTES("gb18030"),
	FUZZ_BYTES("big5"),
	FUZZ_BYTES("euc-kr"),
	FUZZ_BYTES("iso-2022-kr"),
	FUZZ_BYTES("Content-Transfer-Encoding: base64\r\n"),
	FUZZ_BYTES("=?utf-8?q?"),
	FUZZ_BYTES("=?big5?b?"),
	FUZZ_BYTES("?="),
	FUZZ_BYTES("; name*0*="),
	FUZZ_BYTES("; boundary*=utf-8''"),
	FUZZ_BYTES("Content-Disposition: inline\r\n"),
	FUZZ_BYTES("\r\n\t(a (nested) comment) "),
};
enum { WORDS = sizeof words / sizeof words[0] };

const struct fuzzer fuzzer = {
	.name = "fuzz_mime",
	.input = LLVMFuzzerTestOneInput,
	.seeds = seeds,
	.n_seeds = SEEDS,
	.changes = 8,
	.telling = FUZZ_BYTES(telling),
	.words = words,
	.n_words = WORDS,
};
