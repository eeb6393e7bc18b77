/* Changes at random, and the words that they put in. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/fuzz/driver.h"

enum { DICTIONARY = 256, PIECE = 12, RUN = 300 };

static struct buf read_words[DICTIONARY];
static size_t n_read;

static int hex(int c)
{
	return c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
}

/* "text", with \\, \" and \xNN. */
static void read_word(const char *p)
{
	struct buf *w = &read_words[n_read++];

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

void fuzz_words_begin(void)
{
	char line[512];
	FILE *f;

	if (fuzzer.dictionary == NULL)
		return;
	f = fopen(fuzzer.dictionary, "r");
	if (f == NULL) {
		fprintf(stderr, "%s: cannot read %s\n", fuzzer.name, fuzzer.dictionary);
		exit(2);
	}
	while (fgets(line, sizeof line, f) != NULL && n_read < DICTIONARY)
		if (line[0] == '"')
			read_word(line + 1);
	fclose(f);
	must(n_read > 0);
}

void fuzz_words_end(void)
{
	while (n_read > 0)
		buf_fini(&read_words[--n_read]);
}

struct span fuzz_word(struct rng *r)
{
	size_t n = fuzzer.n_words + n_read, i;

	if (n == 0)
		return span_of(NULL, 0);
	i = rng_below(r, n);
	return i < fuzzer.n_words ? fuzzer.words[i] : buf_span(&read_words[i - fuzzer.n_words]);
}

static uint8_t telling(struct rng *r)
{
	return fuzzer.telling.p[rng_below(r, fuzzer.telling.n)];
}

/* Room for n bytes at `at`. */
static uint8_t *part(struct buf *b, size_t at, size_t n)
{
	buf_room(b, n);
	memmove(b->p + at + n, b->p + at, b->n - at);
	b->n += n;
	return b->p + at;
}

static void insert_word(struct rng *r, struct buf *b, size_t at)
{
	struct span w = fuzz_word(r);

	if (w.n > 0)
		memcpy(part(b, at, w.n), w.p, w.n);
	else
		*part(b, at, 1) = telling(r);
}

/* Mostly short, now and then as long as may be: bounds. */
static void insert_run(struct rng *r, struct buf *b, size_t at)
{
	size_t most = fuzzer.long_run, n;

	if (most == 0)
		return;
	n = rng_below(r, rng_below(r, 8) == 0 || most < RUN ? most : RUN);
	memset(part(b, at, n), telling(r), n);
}

void fuzz_change(struct rng *r, struct buf *b)
{
	size_t open, at, n;

	if (b->n <= fuzzer.fixed)
		return;
	open = b->n - fuzzer.fixed;
	if (fuzzer.early > 0 && open > fuzzer.early && rng_below(r, 2) == 0)
		open = fuzzer.early;
	at = fuzzer.fixed + rng_below(r, open);
	n = 1 + rng_below(r, PIECE);
	n = n < b->n - at ? n : b->n - at;
	switch (rng_below(r, fuzzer.change != NULL ? 8 : 7)) {
	case 0:
		b->p[at] ^= (uint8_t)(1u << rng_below(r, 8));
		break;
	case 1:
		b->p[at] = telling(r);
		break;
	case 2:
		b->p[at] = (uint8_t)rng_next(r);
		break;
	case 3:
		n = rng_below(r, 4) == 0 ? b->n - at : n;
		memmove(b->p + at, b->p + at + n, b->n - at - n);
		b->n -= n;
		break;
	case 4:
		insert_word(r, b, at);
		break;
	case 5:
		part(b, at, n);
		for (size_t i = 0; i < n; i++)
			b->p[at + i] = telling(r);
		break;
	case 6:
		insert_run(r, b, at);
		break;
	default:
		fuzzer.change(r, b);
	}
}
