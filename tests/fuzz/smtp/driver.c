/* Feeds the fuzzer without libFuzzer: dialogues put together of the vectors and of words of the dictionary, then
 * changed at random. The same seed gives the same inputs. `fuzz_smtp [--seconds N] [--seed S]`. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/rand.h"
#include "base/units.h"
#include "tests/unit/smtp/vectors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { CHANGES_MOST = 6, WORDS_MOST = 40, TURN = 64, DICTIONARY = 256 };

static struct buf words[DICTIONARY];
static int n_words;

/* ---- the dictionary ---- */

static int hex(int c)
{
	return c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
}

/* "text", with \\, \" and \xNN. */
static void read_word(const char *p)
{
	struct buf *w = &words[n_words++];

	for (; *p != '"'; p++) {
		must(*p != '\0' && *p != '\n');
		if (p[0] == '\\' && p[1] == 'x') {
			buf_put_u8(w, (uint8_t)(16 * hex(p[2]) + hex(p[3])));
			p += 3;
		} else {
			p += p[0] == '\\';
			buf_put_u8(w, (uint8_t)*p);
		}
	}
}

static void read_dictionary(const char *path)
{
	FILE *f = fopen(path, "r");
	char line[512];

	if (f == NULL) {
		fprintf(stderr, "fuzz_smtp: cannot read %s\n", path);
		exit(1);
	}
	while (fgets(line, sizeof line, f) != NULL && n_words < DICTIONARY)
		if (line[0] == '"')
			read_word(line + 1);
	fclose(f);
	must(n_words > 0);
}

/* ---- dialogues ---- */

static void put_word(struct rng *r, struct buf *b)
{
	buf_put_span(b, buf_span(&words[rng_below(r, (uint64_t)n_words)]));
}

static void talk(struct rng *r, struct buf *b)
{
	const struct vector *v = &vectors[rng_below(r, VECTORS)];
	uint64_t n = rng_below(r, WORDS_MOST);
	static const uint8_t flag[] = { RIG_TLS, RIG_LMTP, RIG_USERS, RIG_CERT, RIG_FAR, RIG_SMALL };

	buf_put_u8(b, (uint8_t)(v->flags | (rng_below(r, 4) == 0 ? flag[rng_below(r, sizeof flag)] : 0)));
	buf_put_u8(b, (uint8_t)rng_next(r));
	buf_put_u8(b, (uint8_t)rng_next(r));
	if (rng_below(r, 4) != 0)
		buf_put(b, v->in, v->n);
	else
		buf_put_span(b, span_str((v->flags & RIG_LMTP) != 0 ? "LHLO x\r\n" : "EHLO x\r\n"));
	while (n-- > 0) {
		if (rng_below(r, 20) == 0)
			v = &vectors[rng_below(r, VECTORS)];
		if (rng_below(r, 10) == 0)
			buf_put(b, v->in, v->n);
		else
			put_word(r, b);
	}
}

static void insert(struct rng *r, struct buf *b, size_t at)
{
	const struct buf *w = &words[rng_below(r, (uint64_t)n_words)];

	buf_room(b, w->n);
	memmove(b->p + at + w->n, b->p + at, b->n - at);
	memcpy(b->p + at, w->p, w->n);
	b->n += w->n;
}

static void change(struct rng *r, struct buf *b)
{
	size_t at = rng_below(r, b->n), n = 1 + rng_below(r, 9);

	n = n < b->n - at ? n : b->n - at;
	switch (rng_below(r, 5)) {
	case 0:
		b->p[at] ^= (uint8_t)(1u << rng_below(r, 8));
		break;
	case 1:
		b->p[at] = (uint8_t) "\r\n\0. <>@\"\\:=+\377"[rng_below(r, 15)];
		break;
	case 2:
		memmove(b->p + at, b->p + at + n, b->n - at - n);
		b->n -= n;
		break;
	default:
		insert(r, b, at);
	}
}

/* Now and then a line that is too long. */
static void stretch(struct rng *r, struct buf *b)
{
	size_t at = rng_below(r, b->n), n = rng_below(r, 15000);

	if (rng_below(r, 50) != 0)
		return;
	buf_room(b, n);
	memmove(b->p + at + n, b->p + at, b->n - at);
	memset(b->p + at, 'x', n);
	b->n += n;
}

static void one(struct rng *r, struct buf *b)
{
	uint64_t changes = rng_below(r, CHANGES_MOST + 1);
	uint8_t *tight;

	buf_clear(b);
	talk(r, b);
	while (changes-- > 0 && b->n > 0)
		change(r, b);
	if (b->n > 0)
		stretch(r, b);
	tight = malloc(b->n ? b->n : 1); /* of just that size, so that a sanitizer sees what is read behind it */
	must(tight != NULL);
	if (b->n > 0)
		memcpy(tight, b->p, b->n);
	LLVMFuzzerTestOneInput(tight, b->n);
	free(tight);
}

int main(int argc, char **argv)
{
	uint64_t seconds = 10, seed = 1, runs = 0, end;
	struct buf b = { 0 };
	struct rng r;

	for (int i = 1; i + 1 < argc; i += 2) {
		if ((strcmp(argv[i], "--seconds") != 0 || !units_number(argv[i + 1], 0, 1000000, &seconds)) &&
		    (strcmp(argv[i], "--seed") != 0 || !units_number(argv[i + 1], 0, UINT64_MAX, &seed))) {
			fprintf(stderr, "fuzz_smtp [--seconds N] [--seed S]\n");
			return 2;
		}
	}
	read_dictionary(SHEAF_SMTP_DICTIONARY);
	rng_seed(&r, seed);
	end = clock_mono_ms() + 1000 * seconds;
	do {
		for (int i = 0; i < TURN; i++, runs++)
			one(&r, &b);
	} while (clock_mono_ms() < end);
	printf("fuzz_smtp: %llu inputs, seed %llu, nothing found\n", (unsigned long long)runs,
	       (unsigned long long)seed);
	buf_fini(&b);
	for (int i = 0; i < n_words; i++)
		buf_fini(&words[i]);
	return 0;
}
