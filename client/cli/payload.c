/* See payload.h. */
#include "client/cli/payload.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/units.h"
#include "client/cli/records.h"

enum { READ_BYTES = 64 * KIB };

static int too_large(const char *more_than, uint64_t bytes)
{
	char limit[24];

	return cli_fail(EXIT_USAGE, "the payload has %s%" PRIu64 " bytes; the limit is %" PRIu64 " (%s)", more_than,
	                bytes, (uint64_t)LIMIT_PAYLOAD, units_show_size(LIMIT_PAYLOAD, limit));
}

/* A file says how large it is before it is read. */
static int look_at_stdin(void)
{
	struct stat st;
	off_t at;

	if (fstat(STDIN_FILENO, &st) < 0 || !S_ISREG(st.st_mode))
		return EXIT_DONE;
	at = lseek(STDIN_FILENO, 0, SEEK_CUR);
	if (at >= 0 && st.st_size - at > (off_t)LIMIT_PAYLOAD)
		return too_large("", (uint64_t)(st.st_size - at));
	return EXIT_DONE;
}

/* Waits until there is something to read; drives the session meanwhile. */
static int await_stdin(struct cli *c)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };

	for (;;) {
		uint64_t left = cli_left(c);
		int n = poll(&input, 1, left < INPUT_IDLE_MS ? (int)left : INPUT_IDLE_MS);
		struct sheaf_event ev;
		enum sheaf_error e;

		if (n > 0)
			return EXIT_DONE;
		e = sheaf_next(c->s, 0, &ev);
		if (!e && cli_left(c) == 0)
			e = SHEAF_E_TIMEOUT;
		if (e)
			return cli_error(c, e);
	}
}

static int read_stdin(struct cli *c, struct buf *b)
{
	for (;;) {
		int status = await_stdin(c);
		ssize_t n;

		if (status)
			return status;
		n = read(STDIN_FILENO, buf_room(b, READ_BYTES), READ_BYTES);
		if (n == 0)
			return EXIT_DONE;
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			return cli_fail(EXIT_FAILED, "cannot read stdin: %s", strerrordesc_np(errno));
		b->n += (size_t)n;
		if (b->n > LIMIT_PAYLOAD)
			return too_large("more than ", LIMIT_PAYLOAD);
	}
}

int payload_open(struct cli *c, struct payload *p, const char *word)
{
	bool from_stdin = !word || strcmp(word, "-") == 0;
	int status = EXIT_DONE;

	buf_init(&p->stdin_bytes);
	p->bytes = from_stdin ? span_of(NULL, 0) : span_str(word);
	if (p->bytes.n > LIMIT_PAYLOAD)
		return too_large("", p->bytes.n);
	if (from_stdin)
		status = look_at_stdin();
	if (!status)
		status = cli_open(c);
	if (status || !from_stdin)
		return status;
	status = read_stdin(c, &p->stdin_bytes);
	p->bytes = buf_span(&p->stdin_bytes);
	return status;
}

void payload_fini(struct payload *p)
{
	buf_fini(&p->stdin_bytes);
}
