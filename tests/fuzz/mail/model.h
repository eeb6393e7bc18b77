/* What a mail's bytes mean, written as simply as can be: a byte at a time, and headers when all is there. */
#ifndef SHEAF_TESTS_FUZZ_MAIL_MODEL_H
#define SHEAF_TESTS_FUZZ_MAIL_MODEL_H

#include "broker/smtp/content.h"

struct model {
	enum content_verdict verdict;
	size_t taken;
	struct buf bytes; /* that are put */
	uint32_t received;
	uint64_t header_bytes;
	char subject[LIMIT_MAIL_HEADER + 1];
	bool long_subject; /* it is not said how that is cut */
};

void model_take(struct model *m, enum content_mode mode, struct span in);

#endif
