/* See payload.h. */
#include "client/cli/payload.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/units.h"

enum { READ_BYTES = 64 * KIB };

static int too_large(const char *more_than, uint64_t bytes)
{
	char limit[24];

	return cli_fail(EXIT_USAGE, "the payload has %s%" PRIu64 " bytes; the limit is %" PRIu64 " (%s)", more_than,
	                bytes, (uint64_t)LIMIT_PAYLOAD, units_show_size(LIMIT_PAYLOAD, limit));
}

static int read_stdin(struct buf *b)
{
	struct stat st;
	off_t at;

	if (fstat(STDIN_FILENO, &st) == 0 && S_ISREG(st.st_mode)) {
		at = lseek(STDIN_FILENO, 0, SEEK_CUR);
		if (at >= 0 && st.st_size - at > (off_t)LIMIT_PAYLOAD)
			return too_large("", (uint64_t)(st.st_size - at));
	}
	for (;;) {
		ssize_t n = read(STDIN_FILENO, buf_room(b, READ_BYTES), READ_BYTES);

		if (n == 0)
			return EXIT_DONE;
		if (n < 0 && errno == EINTR && !cli_signals())
			continue;
		if (n < 0 && errno == EINTR)
			return EXIT_INTERRUPTED;
		if (n < 0)
			return cli_fail(EXIT_FAILED, "cannot read stdin: %s", strerror(errno));
		b->n += (size_t)n;
		if (b->n > LIMIT_PAYLOAD)
			return too_large("more than ", LIMIT_PAYLOAD);
	}
}

int payload_get(struct payload *p, const char *word)
{
	int status = EXIT_DONE;

	buf_init(&p->stdin_bytes);
	if (word && strcmp(word, "-") != 0) {
		p->bytes = span_str(word);
		if (p->bytes.n > LIMIT_PAYLOAD)
			return too_large("", p->bytes.n);
		return EXIT_DONE;
	}
	status = read_stdin(&p->stdin_bytes);
	p->bytes = buf_span(&p->stdin_bytes);
	return status;
}

void payload_fini(struct payload *p)
{
	buf_fini(&p->stdin_bytes);
}
