/* What fuzz_mail begins with: what is good, of each kind, and words that matter. */
#include "tests/fuzz/driver.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct span seeds[] = {
	FUZZ_BYTES("p<orders+priority=7@mail.example.com> SIZE=5"),
	FUZZ_BYTES("p<@one,@two.example:\"a \\\"b\\\\\"@[IPv6:2001:db8::1]>"),
	FUZZ_BYTES("p<\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80@\xc3\xbc.example>"),
	FUZZ_BYTES("p<a.b@[127.0.0.1]>"),
	FUZZ_BYTES("p<PostMaster>"),
	FUZZ_BYTES("rOrders.eu_west-1+priority=9+delay=1.5h+expires=2d+key=a b"),
	FUZZ_BYTES("rq+delay=500ms"),
	FUZZ_BYTES(
	    "dReceived: a\r\n by b\r\nMessage-ID: <1@x>\r\nSubject : x\r\n\ty\r\nX-Job-Priority: 7\r\nX-Job-Key: "
	    "k\r\n\r\n"
	    "..x\r\nbody\r\n...\r\n.\r\nQUIT\r\n"),
	FUZZ_BYTES("d.\r\n"),
	FUZZ_BYTES("dno header\r\n\r\n\r\n.\r\n"),
	FUZZ_BYTES("cSubject: a\r\nReceived: b\r\nX-Job-Delay: 5m\r\nx-job-expires: 1h\r\n\r\n.\r\n..\r\nend"),
	FUZZ_BYTES("bSubject: a\n b\nMessage-ID: \xff\r\n\r\n\0\r\n.\r\n"),
	FUZZ_BYTES("xPROXY TCP4 192.0.2.1 198.51.100.7 4711 25\r\nEHLO x\r\n"),
	FUZZ_BYTES("xPROXY TCP6 2001:db8::1 ::1 65535 1\r\n"),
	FUZZ_BYTES("xPROXY UNKNOWN ffff:f...f:ffff 1 2\r\n"),
	FUZZ_BYTES("x\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x14\1\2\3\4\5\6\7\x8\0\1\0\2\2\0\5h.org"),
	FUZZ_BYTES("x\r\n\r\n\0\r\nQUIT\n\x21\x21\0\x24"
	           "0123456789abcdef0123456789abcdef\0\1\0\2"),
	FUZZ_BYTES("x\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"),
	FUZZ_BYTES("n192.0.2.0/24"),
	FUZZ_BYTES("n2001:db8::/33"),
	FUZZ_BYTES("n::ffff:192.0.2.0/120"),
};
enum { SEEDS = sizeof seeds / sizeof seeds[0] };

static const struct span words[] = {
	FUZZ_BYTES("\r\n.\r\n"),     FUZZ_BYTES("\r\n"),         FUZZ_BYTES("\r\n.\n"),
	FUZZ_BYTES("\n.\r\n"),       FUZZ_BYTES("\r\r\n"),       FUZZ_BYTES("\r\n "),
	FUZZ_BYTES("\r\n\r\n"),      FUZZ_BYTES("\r\n.."),       FUZZ_BYTES("\r\nSubject: "),
	FUZZ_BYTES("\r\nReceived:"), FUZZ_BYTES("X-Job-"),       FUZZ_BYTES("\r\nX-Job"),
	FUZZ_BYTES("Message-ID:"),   FUZZ_BYTES("+priority=10"), FUZZ_BYTES("+key="),
	FUZZ_BYTES("+expires="),     FUZZ_BYTES("IPv6:"),        FUZZ_BYTES("::ffff:"),
	FUZZ_BYTES("@[127.0.0.1]"),  FUZZ_BYTES("\\\""),         FUZZ_BYTES("PROXY "),
	FUZZ_BYTES("TCP6 "),         FUZZ_BYTES("UNKNOWN"),      FUZZ_BYTES("\x03\0\4\0\0\0"),
	FUZZ_BYTES("\xed\xa0\x80"),  FUZZ_BYTES("\xc0\xaf"),     FUZZ_BYTES("0.0.0.0/0"),
	FUZZ_BYTES("postmaster"),
};
enum { WORDS = sizeof words / sizeof words[0] };

static const char telling[] = "\r\n.\0<>@\"\\:;,+=[]()/| \t0129afzAZ-_%\x7f\x80\xc3\xe2\xed\xf4\xff";

const struct fuzzer fuzzer = {
	.name = "fuzz_mail",
	.input = LLVMFuzzerTestOneInput,
	.seeds = seeds,
	.n_seeds = SEEDS,
	.changes = 6,
	.telling = FUZZ_BYTES(telling),
	.words = words,
	.n_words = WORDS,
	.fixed = 1,
	.long_run = 10000,
};
