/* What fuzz_smtp begins with: dialogues put together of the vectors and of words of the dictionary. */
#include "tests/fuzz/driver.h"
#include "tests/unit/smtp/vectors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { WORDS_MOST = 40 };

static void make(struct rng *r, struct buf *b)
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
			buf_put_span(b, fuzz_word(r));
	}
}

const struct fuzzer fuzzer = {
	.name = "fuzz_smtp",
	.input = LLVMFuzzerTestOneInput,
	.make = make,
	.changes = 6,
	.telling = FUZZ_BYTES("\r\n\0. <>@\"\\:=+\377"),
	.dictionary = SHEAF_SMTP_DICTIONARY,
	.long_run = 15000,
};
