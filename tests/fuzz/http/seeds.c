/* What fuzz_http begins with: what is good, of each kind. */
#include "tests/fuzz/driver.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct span seeds[] = {
	FUZZ_BYTES("1topic=orders&channel=c%23ephemeral&defer=5&binary=true\0\0\0\0\2\0\0\0\1a\0\0\0\3bcd"),
	FUZZ_BYTES("1topic=a&channel=b&include_clients=0&format=json\0one\ntwo\n\nthree"),
	FUZZ_BYTES("2{\"ttl\":60,\"identity\":\"bob\",\"authorizations\":[{\"topic\":\"^(?:or|a)[\\\\w.\\\\-]+?$\","
	           "\"channels\":"
	           "[\".*\",\"\\\\d{1,3}[^a-f\\\\s]\"],\"permissions\":[\"subscribe\",\"publish\"]}]}"),
	FUZZ_BYTES("2{\"ttl\":1,\"authorizations\":[{\"topic\":\"a|(b*c)+\",\"channels\":[\"\\\\Ax\\\\z\"]}]}"),
	FUZZ_BYTES("3plain \"quoted\" <a&b> \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\n\x01"),
};
enum { SEEDS = sizeof seeds / sizeof seeds[0] };

static const char telling[] = "\"\\[](){}*+?|^$.:,%&=;0129aAdwszZ#\n\0\x80\xe2\xed\xff";

const struct fuzzer fuzzer = {
	.name = "fuzz_http",
	.input = LLVMFuzzerTestOneInput,
	.seeds = seeds,
	.n_seeds = SEEDS,
	.changes = 5,
	.telling = FUZZ_BYTES(telling),
	.fixed = 1,
};
