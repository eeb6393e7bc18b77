/* TLS, snappy and deflate, each alone and one over the other; what came too early; bombs. Two stacks talk: the client's
 * compression is ours too, its TLS is OpenSSL's client. */
#include "broker/nsq/layers.h"

#include "tests/unit/base/suite.h"
#include "tests/unit/nsq/certs.h"
#include "tests/unit/nsq/tls_client.h"

enum over { NOTHING, SNAPPY, DEFLATE };

static struct certs certs;
static struct tls_context *context;
static struct layers server, peer; /* the peer compresses only */
static struct tls_client client;
static bool with_tls;
static struct buf to_server, to_client, said, heard; /* raw, raw, by the client, by the server */
static enum layers_read state;

static void start_compression(enum over o)
{
	if (o == SNAPPY) {
		layers_start_snappy(&server, span_of(NULL, 0));
		layers_start_snappy(&peer, span_of(NULL, 0));
	} else if (o == DEFLATE) {
		layers_start_deflate(&server, 6, span_of(NULL, 0));
		layers_start_deflate(&peer, 6, span_of(NULL, 0));
	}
}

/* What the client sends is taken by the server, `step` bytes at a time. */
static void to_the_server(size_t step)
{
	for (size_t at = 0; at < to_server.n; at += step) {
		size_t n = to_server.n - at < step ? to_server.n - at : step, before = said.n;

		state = layers_read(&server, span_of(to_server.p + at, n), &said, &to_client);
		ck_assert_uint_le(said.n - before, LAYERS_STEP);
		while (state == LAYERS_MORE) {
			before = said.n;
			state = layers_read(&server, span_of(NULL, 0), &said, &to_client);
			ck_assert_uint_le(said.n - before, LAYERS_STEP);
		}
		if (state != LAYERS_SHORT)
			break;
	}
	buf_clear(&to_server);
}

static void to_the_client(void)
{
	struct buf packed = { 0 };

	if (with_tls)
		tls_client_take(&client, buf_span(&to_client), &packed, &to_server);
	else
		buf_put_span(&packed, buf_span(&to_client));
	buf_clear(&to_client);
	if (layers_any(&peer)) {
		while (layers_read(&peer, buf_span(&packed), &heard, &to_server) == LAYERS_MORE)
			buf_clear(&packed);
	} else {
		buf_put_span(&heard, buf_span(&packed));
	}
	buf_fini(&packed);
}

static void client_says(struct span plain)
{
	struct buf packed = { 0 };

	if (layers_any(&peer))
		ck_assert(layers_write(&peer, plain, &packed));
	else
		buf_put_span(&packed, plain);
	if (with_tls)
		tls_client_say(&client, buf_span(&packed), &to_server);
	else
		buf_put_span(&to_server, buf_span(&packed));
	buf_fini(&packed);
}

static void shake_hands(struct span early)
{
	layers_start_tls(&server, context, 1000, early);
	ck_assert(layers_any(&server) && layers_shaking(&server));
	ck_assert_uint_eq(layers_deadline(&server), 1000 + LAYERS_HANDSHAKE_MS);
	state = layers_read(&server, span_of(NULL, 0), &said, &to_client);
	do {
		to_the_client();
		to_the_server(100000);
	} while (to_client.n > 0);
	ck_assert(!layers_shaking(&server));
	ck_assert_uint_eq(layers_deadline(&server), UINT64_MAX);
}

static void begin(bool tls)
{
	struct tls_config c = { .min_version = 12 };
	char err[TLS_ERR];

	certs_make(&certs);
	c.cert = certs.server_cert;
	c.key = certs.server_key;
	context = tls_context_new(&c, err);
	ck_assert_ptr_nonnull(context);
	layers_init(&server);
	layers_init(&peer);
	with_tls = tls;
	tls_client_init(&client, certs.ca, NULL, NULL, 0);
}

static void end(void)
{
	layers_fini(&server);
	layers_fini(&peer);
	tls_client_fini(&client);
	tls_context_free(context);
	certs_remove(&certs);
	buf_fini(&to_server);
	buf_fini(&to_client);
	buf_fini(&said);
	buf_fini(&heard);
}

START_TEST(test_stacks)
{
	for (int tls = 0; tls < 2; tls++)
		for (int o = tls ? NOTHING : SNAPPY; o <= DEFLATE; o++)
			for (size_t step = 1; step <= 70000; step = step * 41 + 1) {
				struct buf much = { 0 };
				uint32_t x = 5;

				begin(tls);
				if (tls)
					shake_hands(span_of(NULL, 0));
				start_compression((enum over)o);
				client_says(span_str("NOP\n"));
				to_the_server(step);
				ck_assert_int_eq(state, LAYERS_SHORT);
				ck_assert_uint_eq(said.n, 4);
				ck_assert_mem_eq(said.p, "NOP\n", 4);
				buf_clear(&said);
				for (int i = 0; i < (step == 1 ? 3000 : 200000); i++) {
					x = x * 1664525 + 1013904223;
					buf_put_u8(&much, (uint8_t)(x >> 27));
				}
				client_says(buf_span(&much));
				to_the_server(step);
				ck_assert_uint_eq(said.n, much.n);
				ck_assert_mem_eq(said.p, much.p, much.n);
				ck_assert(layers_write(&server, buf_span(&much), &to_client));
				ck_assert(layers_write(&server, span_str("OK"), &to_client));
				to_the_client();
				ck_assert_uint_eq(heard.n, much.n + 2);
				ck_assert_mem_eq(heard.p, much.p, much.n);
				layers_end(&server, &to_client);
				to_the_client();
				ck_assert_int_eq(client.ended, tls);
				buf_fini(&much);
				end();
			}
}
END_TEST

/* Bytes that were read before their layer was on. */
START_TEST(test_early)
{
	struct buf hello = { 0 }, packed = { 0 };

	begin(true);
	tls_client_take(&client, span_of(NULL, 0), &heard, &hello);
	shake_hands(buf_span(&hello));
	buf_fini(&hello);
	layers_start_snappy(&peer, span_of(NULL, 0));
	ck_assert(layers_write(&peer, span_str("NOP\n"), &packed));
	layers_start_snappy(&server, buf_span(&packed));
	state = layers_read(&server, span_of(NULL, 0), &said, &to_client);
	ck_assert_int_eq(state, LAYERS_SHORT);
	ck_assert_uint_eq(said.n, 4);
	buf_fini(&packed);
	end();
}
END_TEST

/* 16 MiB of nothing: never more than a step at a time, in the buffers as well. */
START_TEST(test_bombs)
{
	enum { WHOLE = 16 << 20 };
	char *zeroes = calloc(1, WHOLE);

	for (int tls = 0; tls < 2; tls++)
		for (int o = SNAPPY; o <= DEFLATE; o++) {
			size_t total = 0;

			begin(tls);
			if (tls)
				shake_hands(span_of(NULL, 0));
			start_compression((enum over)o);
			client_says(span_of(zeroes, WHOLE));
			ck_assert_uint_lt(to_server.n, WHOLE / 15);
			for (size_t at = 0; at < to_server.n;) {
				size_t n = to_server.n - at < 65536 ? to_server.n - at : 65536;

				state = layers_read(&server, span_of(to_server.p + at, n), &said, &to_client);
				at += n;
				for (;;) {
					ck_assert_uint_le(said.n, LAYERS_STEP);
					ck_assert_uint_le(server.packed.cap, 2 * LAYERS_STEP);
					total += said.n;
					buf_clear(&said);
					if (state != LAYERS_MORE)
						break;
					state = layers_read(&server, span_of(NULL, 0), &said, &to_client);
				}
				ck_assert_int_eq(state, LAYERS_SHORT);
			}
			ck_assert_uint_eq(total, WHOLE);
			end();
		}
	free(zeroes);
}
END_TEST

START_TEST(test_broken)
{
	for (int o = SNAPPY; o <= DEFLATE; o++) {
		begin(false);
		start_compression((enum over)o);
		buf_put(&to_server, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
		to_the_server(8);
		ck_assert_int_eq(state, LAYERS_BROKEN);
		ck_assert_str_ne(layers_why(&server), "");
		end();
	}
	begin(true);
	layers_start_tls(&server, context, 0, span_str("PUB topic\n"));
	state = layers_read(&server, span_of(NULL, 0), &said, &to_client);
	ck_assert_int_eq(state, LAYERS_BROKEN);
	ck_assert_str_ne(layers_why(&server), "");
	end();
}
END_TEST

START_TEST(test_deflate_end)
{
	begin(false);
	layers_start_deflate(&server, 1, span_of("\x03\x00", 2));
	state = layers_read(&server, span_of(NULL, 0), &said, &to_client);
	ck_assert_int_eq(state, LAYERS_END);
	end();
}
END_TEST

SUITE_MAIN("layers", test_stacks, test_early, test_bombs, test_broken, test_deflate_end)
