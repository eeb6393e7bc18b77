/* What the fuzzers share: their options, the row of seeds, changes at random, and what is said about a finding.
 *
 *	fuzz_NAME [--seconds N] [--seed S]     inputs made from seed S and those that follow from it
 *	fuzz_NAME FILE...                      these inputs, as they are (those that are fed with bytes)
 *
 * Each input has a seed, the first has S. So the seed of a finding as S and 0 seconds give just that input again.
 * Exits 0 if nothing was found, 1 if something was, 2 if the arguments are wrong; what must() stops ends in abort().
 * Each fuzzer defines `fuzzer`. Those that are fed with bytes keep it apart from LLVMFuzzerTestOneInput, so that a
 * build by clang can have libFuzzer in place of all this. */
#ifndef SHEAF_TESTS_FUZZ_DRIVER_H
#define SHEAF_TESTS_FUZZ_DRIVER_H

#include "base/buf.h"
#include "base/rand.h"

struct fuzzer {
	const char *name;
	/* Both may be NULL. The end says what was wrong with all of it, NULL if nothing. */
	void (*begin)(void);
	const char *(*end)(void);

	/* Either makes an input and tries it, all by itself, and says what is wrong; */
	const char *(*one)(struct rng *r);
	/* or is fed with what `make` has put into the empty buffer, or if that is NULL with one of `seeds`; changed. */
	int (*input)(const uint8_t *data, size_t n);
	void (*make)(struct rng *r, struct buf *b);
	const struct span *seeds;
	size_t n_seeds;
	unsigned changes; /* of one input, at most */

	/* How fuzz_change changes. */
	struct span telling;      /* bytes around which things change */
	const struct span *words; /* that are put in whole; may be none */
	size_t n_words;
	const char *dictionary; /* more words: the path of a file as libFuzzer reads them; NULL: none */
	size_t fixed;           /* bytes at the begin that stay */
	size_t early;           /* half of the changes are in so many bytes at the begin; 0: anywhere */
	size_t long_run;        /* of one byte, at most, now and then; 0: never */
	void (*change)(struct rng *r, struct buf *b); /* one more kind of change; NULL: none. The buffer is not empty */
};

extern const struct fuzzer fuzzer;

/* For tables of seeds and of words: the bytes of a literal, NULs within it too. */
#define FUZZ_BYTES(text)                                                                                               \
	{                                                                                                              \
		(const uint8_t *)(text), sizeof(text) - 1                                                              \
	}

/* Reads the dictionary. */
void fuzz_words_begin(void);
void fuzz_words_end(void);

/* One of the words, if there are any. */
struct span fuzz_word(struct rng *r);

/* Changes the buffer in one place, if it has more than what stays. */
void fuzz_change(struct rng *r, struct buf *b);

#endif
