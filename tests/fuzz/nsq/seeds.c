/* What fuzz_nsq begins with: a client's conversation, put together of good commands. */
#include <stdio.h>

#include "broker/nsq/parse.h"
#include "tests/fuzz/driver.h"
#include "tests/unit/nsq/vectors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { COMMANDS_MOST = 30 };

/* Bytes around which things change: in lines, in sizes, in JSON. */
static const char telling[] = "\0\1\2\4\n\r  019af-\"{}:,$#\377";

static const char identify[] = "IDENTIFY\n\0\0\0\70{\"feature_negotiation\":true,\"tls_v1\":true,\"snappy\":true}";

static void put_message_command(struct rng *r, struct buf *b)
{
	static const char *const formats[] = { "FIN %016llx\n", "REQ %016llx 100\n", "TOUCH %016llx\n" };
	uint64_t kind = rng_below(r, 6);
	char line[64];
	int n;

	n = snprintf(line, sizeof line, formats[kind < 3 ? kind : 0],
	             (unsigned long long)(64 * (1 + rng_below(r, 4)) + rng_below(r, 4)));
	buf_put(b, line, (size_t)n);
}

/* A conversation: the vectors' commands that do not end one, and what a consumer says. */
static void make(struct rng *r, struct buf *b)
{
	uint64_t n = rng_below(r, COMMANDS_MOST);

	buf_put(b, "  V2", 4);
	if (rng_below(r, 3) == 0)
		buf_put(b, identify, sizeof identify - 1);
	if (rng_below(r, 4) == 0)
		buf_put(b, "AUTH\n\0\0\0\3abc", 12);
	if (rng_below(r, 2) == 0)
		buf_put_span(b, span_str("SUB t c\nRDY 5\n"));
	while (n-- > 0) {
		const struct vector *v = &vectors[rng_below(r, VECTORS)];

		if (rng_below(r, 2) == 0)
			put_message_command(r, b);
		else if (rng_below(r, 16) == 0 || strchr(v->told, 'x') == NULL)
			buf_put(b, v->in, v->n);
	}
}

const struct fuzzer fuzzer = {
	.name = "fuzz_nsq",
	.input = LLVMFuzzerTestOneInput,
	.make = make,
	.changes = 4,
	.telling = FUZZ_BYTES(telling),
};
