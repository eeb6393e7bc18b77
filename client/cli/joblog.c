/* See joblog.h. */
#include "client/cli/joblog.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/cli/records.h"
#include "proto/limits.h"

#define SEQ_MOST ((uint64_t)1 << 33) /* a bit each: at most 1 GiB */

static const char head[] = "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n";

/* ---- numbers seen ---- */

bool seqset_has(const struct seqset *s, uint64_t seq)
{
	return seq < s->n && (s->bits[seq / 64] >> seq % 64 & 1);
}

bool seqset_add(struct seqset *s, uint64_t seq)
{
	if (seq == 0 || seq >= SEQ_MOST)
		return false;
	if (seq >= s->n) {
		uint64_t n = s->n ? s->n : 4096;

		while (n <= seq)
			n *= 2;
		s->bits = realloc(s->bits, n / 8);
		must(s->bits);
		memset(s->bits + s->n / 64, 0, (n - s->n) / 8);
		s->n = n;
	}
	s->bits[seq / 64] |= (uint64_t)1 << seq % 64;
	return true;
}

void seqset_fini(struct seqset *s)
{
	free(s->bits);
	*s = (struct seqset){ 0 };
}

/* ---- reading ---- */

/* The number at the beginning of a line; 0 if it is none that is followed by a tab. */
static uint64_t read_seq(struct span line)
{
	uint64_t seq = 0;
	size_t i = 0;

	for (; i < line.n && i < 12 && line.p[i] >= '0' && line.p[i] <= '9'; i++)
		seq = seq * 10 + (uint64_t)(line.p[i] - '0');
	return i > 0 && i < line.n && line.p[i] == '\t' ? seq : 0;
}

/* Reads the log; *end is where its last whole line ends. */
static const char *read_lines(struct joblog *l, int fd, off_t *end)
{
	static char why[128];
	struct records in;
	struct span line;
	uint64_t n = 0;
	const char *bad = NULL;
	enum records_got got;

	records_init(&in, fd, '\n', LIMIT_PAYLOAD);
	while (!bad && (got = records_next(&in, true, &line)) != RECORDS_END) {
		uint64_t seq;

		if (got == RECORDS_WAIT)
			continue;
		if (got != RECORDS_ONE) {
			bad = got == RECORDS_FAILED ? strerrordesc_np(in.error) : "a line of it is too long";
			break;
		}
		if (in.taken == (uint64_t)*end + line.n) /* torn: no newline behind it */
			break;
		*end = (off_t)in.taken;
		seq = read_seq(line);
		if (n++ == 0 && seq == 0)
			continue;
		if (!seqset_add(&l->seen, seq)) {
			snprintf(why, sizeof why, "line %" PRIu64 " does not begin with a record's number", n);
			bad = why;
		}
		l->n_seen++;
	}
	records_fini(&in);
	return bad;
}

static const char *open_again(struct joblog *l, int fd)
{
	const char *bad;
	off_t end = 0;

	bad = read_lines(l, fd, &end);
	if (bad)
		return bad;
	if (ftruncate(fd, end) < 0 || lseek(fd, end, SEEK_SET) < 0)
		return strerrordesc_np(errno);
	if (end == 0)
		out_put(&l->out, head, sizeof head - 1);
	return NULL;
}

const char *joblog_open(struct joblog *l, const char *path, bool resume)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | (resume ? 0 : O_TRUNC), 0666);
	const char *bad = NULL;

	*l = (struct joblog){ 0 };
	out_init(&l->out, fd);
	if (fd < 0)
		return strerrordesc_np(errno);
	if (resume)
		bad = open_again(l, fd);
	else
		out_put(&l->out, head, sizeof head - 1);
	if (!bad && !out_flush(&l->out))
		bad = strerrordesc_np(l->out.error);
	return bad;
}

/* ---- writing ---- */

/* Tabs, newlines and other control bytes as \t, \n, \xNN; a backslash as two. */
static void put_command(struct buf *b, struct span s)
{
	if (s.n > JOBLOG_COMMAND)
		s.n = JOBLOG_COMMAND;
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];
		uint8_t *room = buf_room(b, 5);

		if (c == '\t' || c == '\n' || c == '\r' || c == '\\') {
			room[0] = '\\';
			room[1] = c == '\t' ? 't' : c == '\n' ? 'n' : c == '\r' ? 'r' : '\\';
			b->n += 2;
		} else if (c < ' ' || c == 0x7f) {
			b->n += (size_t)snprintf((char *)room, 5, "\\x%02x", c);
		} else {
			*room = c;
			b->n++;
		}
	}
}

void joblog_format(struct buf *b, const struct joblog_line *line)
{
	int killed = line->exit > 128 && line->exit <= 128 + 64 ? line->exit - 128 : 0;
	int n =
	    snprintf((char *)buf_room(b, 256), 256,
	             "%" PRIu64 "\t:\t%" PRIu64 ".%03u\t%6" PRIu64 ".%03u\t%" PRIu64 "\t%" PRIu64 "\t%d\t%d\t",
	             line->seq, line->started_ms / 1000, (unsigned int)(line->started_ms % 1000), line->run_ms / 1000,
	             (unsigned int)(line->run_ms % 1000), line->sent, line->received, line->exit, killed);

	must(n > 0 && n < 256);
	b->n += (size_t)n;
	put_command(b, line->command);
	buf_put_u8(b, '\n');
}

void joblog_add(struct joblog *l, struct span lines)
{
	out_span(&l->out, lines);
}

bool joblog_flush(struct joblog *l)
{
	return out_flush(&l->out);
}

void joblog_close(struct joblog *l)
{
	if (l->out.fd >= 0)
		close(l->out.fd);
	out_fini(&l->out);
	seqset_fini(&l->seen);
}
