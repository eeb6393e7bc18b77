/* Feeds the fuzzer without libFuzzer: what is good, then changed at random. The same seed gives the same inputs.
 * `fuzz_mime [--seconds N] [--seed S]`. */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/rand.h"
#include "base/units.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { CHANGES_MOST = 8, TURN = 64 };

#define SEED(text)                                                                                                     \
	{                                                                                                              \
		(const uint8_t *)(text), sizeof(text) - 1                                                              \
	}

static const struct span seeds[] = {
	SEED("Subject: =?utf-8?b?R3LDvMOfZQ==?= =?koi8-r?q?=F0?=\r\n x\r\nReceived: a\r\n\tb\r\n\r\nhi\r\n"),
	SEED("Content-Type: multipart/mixed; boundary=\"a\"\r\n\r\npre\r\n--a\r\nContent-Type: "
	     "multipart/alternative;\r\n"
	     " boundary=b\r\n\r\n--b\r\n\r\ntext\r\n--b\r\nContent-Type: text/html; charset=iso-8859-1\r\n\r\n<p>\xe4"
	     "\r\n--b--\r\n--a\r\nContent-Type: image/png; name*=utf-8''%C3%A4.png\r\nContent-ID: <x@y>\r\n"
	     "Content-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n--a--\r\nepilogue\r\n"),
	SEED("Content-Type: multipart/digest; boundary=d\r\n\r\n--d\r\n\r\nSubject: x\r\n\r\ny\r\n--d\r\n"
	     "Content-Type: message/rfc822\r\n\r\nContent-Type: multipart/mixed; boundary=d\r\n\r\n--d--\r\n"),
	SEED("Content-Type: text/plain; charset=shift_jis; format=flowed\r\nContent-Transfer-Encoding: quoted-printable"
	     "\r\nContent-Disposition: attachment; filename*0*=iso-8859-1'de'%E4; filename*1=\"b.txt\"\r\n\r\n"
	     "=93=FA=\r\n=96{ =20\r\n"),
	SEED("Content-Type: application/x\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\nbegin 644 a\r\n#86)C\r\n`\r\n"
	     "end\r\n"),
	SEED("Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n\x1b$BF|K\\\x1b(B.\r\n"),
};
enum { SEEDS = sizeof seeds / sizeof seeds[0] };

static const char telling[] = "--\r\n\r\n :;=\"<>@'*%?_./+abd0129\\()\0\t\x1b\x80\xe2\xed\xff";
/* What a mail may say next. */
static const char *const words[] = {
	"\r\n--a\r\n",
	"\r\n--b--\r\n",
	"\r\n\r\n",
	"Content-Type: ",
	"multipart/mixed; boundary=",
	"message/rfc822",
	"; charset=",
	"utf-16",
	"utf-7",
	"gb18030",
	"big5",
	"euc-kr",
	"iso-2022-kr",
	"Content-Transfer-Encoding: base64\r\n",
	"=?utf-8?q?",
	"=?big5?b?",
	"?=",
	"; name*0*=",
	"; boundary*=utf-8''",
	"Content-Disposition: inline\r\n",
	"\r\n\t(a (nested) comment) ",
};
enum { WORDS = sizeof words / sizeof words[0] };

static void change(struct rng *r, struct buf *b)
{
	size_t at = rng_below(r, b->n), n = 1 + rng_below(r, 8);

	n = n < b->n - at ? n : b->n - at;
	switch (rng_below(r, 6)) {
	case 5: {
		const char *word = words[rng_below(r, WORDS)];

		n = strlen(word);
		buf_room(b, n);
		memmove(b->p + at + n, b->p + at, b->n - at);
		memcpy(b->p + at, word, n);
		b->n += n;
		break;
	}
	case 0:
		b->p[at] ^= (uint8_t)(1u << rng_below(r, 8));
		break;
	case 1:
		b->p[at] = (uint8_t)telling[rng_below(r, sizeof telling - 1)];
		break;
	case 2:
		b->n = at;
		break;
	case 3:
		memmove(b->p + at, b->p + at + n, b->n - at - n);
		b->n -= n;
		break;
	default:
		buf_room(b, n);
		memmove(b->p + at + n, b->p + at, b->n - at);
		for (size_t i = 0; i < n; i++)
			b->p[at + i] = (uint8_t)telling[rng_below(r, sizeof telling - 1)];
		b->n += n;
	}
}

static void one(struct rng *r, struct buf *b)
{
	uint64_t changes = rng_below(r, CHANGES_MOST + 1);
	uint8_t *tight;

	buf_clear(b);
	buf_put_span(b, seeds[rng_below(r, SEEDS)]);
	while (changes-- > 0 && b->n > 1)
		change(r, b);
	tight = malloc(b->n); /* of just that size, so that a sanitizer sees what is read behind it */
	must(tight != NULL);
	memcpy(tight, b->p, b->n);
	LLVMFuzzerTestOneInput(tight, b->n);
	free(tight);
}

int main(int argc, char **argv)
{
	uint64_t seconds = 10, seed = 1, runs = 0, end;
	struct buf b;
	struct rng r;

	for (int i = 1; i + 1 < argc; i += 2) {
		if ((strcmp(argv[i], "--seconds") != 0 || !units_number(argv[i + 1], 0, 1000000, &seconds)) &&
		    (strcmp(argv[i], "--seed") != 0 || !units_number(argv[i + 1], 0, UINT64_MAX, &seed))) {
			fprintf(stderr, "fuzz_mime [--seconds N] [--seed S]\n");
			return 2;
		}
	}
	rng_seed(&r, seed);
	buf_init(&b);
	end = clock_mono_ms() + 1000 * seconds;
	do {
		for (int i = 0; i < TURN; i++, runs++)
			one(&r, &b);
	} while (clock_mono_ms() < end);
	printf("fuzz_mime: %llu inputs, seed %llu, nothing found\n", (unsigned long long)runs,
	       (unsigned long long)seed);
	buf_fini(&b);
	return 0;
}
