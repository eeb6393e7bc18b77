/* See dedup.h. */
#include "broker/smtp/dedup.h"

#include <openssl/evp.h>
#include <pthread.h>

#include "base/must.h"
#include "broker/smtp/head.h"

static const EVP_MD *sha256;

/* Looked up once: that costs more than to hash a small mail. */
static void find(void)
{
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (sha256 == NULL)
		sha256 = EVP_sha256();
}

static EVP_MD_CTX *begin(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	EVP_MD_CTX *x;

	must(pthread_once(&once, find) == 0);
	x = EVP_MD_CTX_new();
	must(x != NULL && EVP_DigestInit_ex2(x, sha256, NULL) == 1);
	return x;
}

static void add(EVP_MD_CTX *x, struct span s)
{
	if (s.n > 0)
		must(EVP_DigestUpdate(x, s.p, s.n) == 1);
}

/* With its length first, so that no two rows of texts are the same bytes. */
static void add_text(EVP_MD_CTX *x, struct span s)
{
	uint8_t n[4] = { (uint8_t)s.n, (uint8_t)(s.n >> 8), (uint8_t)(s.n >> 16), (uint8_t)(s.n >> 24) };

	add(x, span_of(n, sizeof n));
	add(x, s);
}

static void end(EVP_MD_CTX *x, uint8_t to[DEDUP_CONTENT])
{
	must(EVP_DigestFinal_ex(x, to, NULL) == 1);
	EVP_MD_CTX_free(x);
}

void dedup_content(struct span mail, uint8_t to[DEDUP_CONTENT])
{
	EVP_MD_CTX *x = begin();
	const uint8_t *from = mail.p; /* of what is not hashed yet */
	struct span rest = mail;
	struct head_field f;

	while (head_next(&rest, &f)) {
		if (!head_is(&f, "received") && !head_is(&f, "return-path"))
			continue;
		add(x, span_of(from, (size_t)(f.whole.p - from)));
		from = rest.p;
	}
	if (mail.n > 0)
		add(x, span_of(from, (size_t)(mail.p + mail.n - from)));
	end(x, to);
}

void dedup_key(const uint8_t content[DEDUP_CONTENT], struct span queue, struct span sender, struct span message_id,
               char to[DEDUP_KEY_ROOM])
{
	EVP_MD_CTX *x = begin();
	uint8_t hash[DEDUP_CONTENT];

	add_text(x, queue);
	add_text(x, sender);
	add_text(x, message_id);
	add(x, span_of(content, DEDUP_CONTENT));
	end(x, hash);
	memcpy(to, "mail:", 5);
	dedup_hex(hash, sizeof hash, to + 5);
}

void dedup_hex(const uint8_t *bytes, size_t n, char *to)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		to[2 * i] = digits[bytes[i] >> 4];
		to[2 * i + 1] = digits[bytes[i] & 15];
	}
	to[2 * n] = 0;
}
