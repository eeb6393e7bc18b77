/* See joblog.h. */
#include "client/cli/joblog.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/units.h"
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

void seqset_drop(struct seqset *s, uint64_t seq)
{
	if (seq < s->n)
		s->bits[seq / 64] &= ~((uint64_t)1 << seq % 64);
}

void seqset_fini(struct seqset *s)
{
	free(s->bits);
	*s = (struct seqset){ 0 };
}

/* ---- reading ---- */

/* What stands before the next tab, which is passed; all that is left if there is none. */
static struct span column(struct span *line)
{
	const uint8_t *tab = memchr(line->p, '\t', line->n);
	struct span got = span_of(line->p, tab ? (size_t)(tab - line->p) : line->n);

	*line = span_of(line->p + got.n + (tab != NULL), line->n - got.n - (tab != NULL));
	return got;
}

static bool number(struct span text, uint64_t most, uint64_t *out)
{
	char copy[24];

	if (text.n == 0 || text.n >= sizeof copy)
		return false;
	snprintf(copy, sizeof copy, "%.*s", (int)text.n, (const char *)text.p);
	return units_number(copy, 0, most, out);
}

bool joblog_parse(struct span line, struct joblog_line *out)
{
	struct span columns[8];
	uint64_t status = 1, killed;
	bool below;

	for (size_t i = 0; i < 8; i++)
		columns[i] = column(&line);
	*out = (struct joblog_line){ .command = line };
	below = columns[6].n > 1 && columns[6].p[0] == '-'; /* no program's, but a plugin may say so */
	if (!number(columns[0], SEQ_MOST, &out->seq) || out->seq == 0 || !number(columns[4], UINT64_MAX, &out->sent) ||
	    (!below && !number(columns[6], INT32_MAX, &status)) || !number(columns[7], 255, &killed))
		return false;
	out->exit = status ? (int)status : killed ? (int)killed + 128 : 0;
	return true;
}

static int hex(uint8_t c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool joblog_record(struct buf *b, const struct joblog_line *line)
{
	const uint8_t *p = line->command.p, *end = p + line->command.n;
	size_t before = b->n;

	while (p < end) {
		uint8_t c = *p++;

		if (c != '\\' || p == end) {
			buf_put_u8(b, c);
			continue;
		}
		c = *p++;
		if (c == 'x' && end - p >= 2 && hex(p[0]) >= 0 && hex(p[1]) >= 0) {
			buf_put_u8(b, (uint8_t)(hex(p[0]) << 4 | hex(p[1])));
			p += 2;
		} else {
			buf_put_u8(b, c == 't' ? '\t' : c == 'n' ? '\n' : c == 'r' ? '\r' : c);
		}
	}
	return b->n - before == line->sent;
}

/* What one line says, for what the log is used for. NULL, or what is wrong with it. */
static const char *learn(struct joblog *l, enum joblog_use use, struct span text)
{
	struct joblog_line line;
	struct span rest = text;
	uint64_t seq;

	if (!number(column(&rest), SEQ_MOST, &seq) || seq == 0 || rest.n == 0)
		return "does not begin with a record's number";
	l->n_seen++;
	if (use == JOBLOG_RESUME)
		return seqset_add(&l->seen, seq) ? NULL : "does not begin with a record's number";
	if (!joblog_parse(text, &line))
		return "has no exit status";
	/* the last line of a record counts */
	if ((line.exit != 0) == (use == JOBLOG_RETRY))
		return seqset_add(&l->seen, seq) ? NULL : "does not begin with a record's number";
	seqset_drop(&l->seen, seq);
	return NULL;
}

/* Reads the log; *end is where its last whole line ends. */
static const char *read_lines(struct joblog *l, int fd, enum joblog_use use, off_t *end)
{
	static char why[128];
	struct records in;
	struct span line;
	uint64_t n = 0;
	const char *bad = NULL;
	enum records_got got;

	records_init(&in, fd, '\n', LIMIT_PAYLOAD);
	while (!bad && (got = records_next(&in, true, &line)) != RECORDS_END) {
		const char *wrong;

		if (got == RECORDS_WAIT)
			continue;
		if (got != RECORDS_ONE) {
			bad = got == RECORDS_FAILED ? strerrordesc_np(in.error) : "a line of it is too long";
			break;
		}
		if (in.taken == (uint64_t)*end + line.n) /* torn: no newline behind it */
			break;
		*end = (off_t)in.taken;
		wrong = learn(l, use, line);
		if (n++ == 0 || !wrong) /* the first one may be the head */
			continue;
		snprintf(why, sizeof why, "line %" PRIu64 " %s", n, wrong);
		bad = why;
	}
	records_fini(&in);
	return bad;
}

static const char *open_again(struct joblog *l, int fd, const char *path, enum joblog_use use)
{
	const char *bad;
	off_t end = 0;

	bad = read_lines(l, fd, use, &end);
	if (bad)
		return bad;
	if (ftruncate(fd, end) < 0 || lseek(fd, end, SEEK_SET) < 0)
		return strerrordesc_np(errno);
	l->end = (uint64_t)end;
	if (use == JOBLOG_RETRY) {
		l->again_fd = open(path, O_RDONLY | O_CLOEXEC);
		if (l->again_fd < 0)
			return strerrordesc_np(errno);
	}
	if (end == 0)
		out_put(&l->out, head, sizeof head - 1);
	return NULL;
}

const char *joblog_open(struct joblog *l, const char *path, enum joblog_use use)
{
	int how = use == JOBLOG_NEW ? O_CREAT | O_TRUNC : use == JOBLOG_RETRY ? 0 : O_CREAT;
	int fd = open(path, O_RDWR | O_CLOEXEC | how, 0666);
	const char *bad = NULL;

	*l = (struct joblog){ .again_fd = -1 };
	out_init(&l->out, fd);
	if (fd < 0)
		return strerrordesc_np(errno);
	if (use == JOBLOG_NEW)
		out_put(&l->out, head, sizeof head - 1);
	else
		bad = open_again(l, fd, path, use);
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
	if (l->again_fd >= 0)
		close(l->again_fd);
	out_fini(&l->out);
	seqset_fini(&l->seen);
}
