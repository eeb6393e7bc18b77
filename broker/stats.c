/* What the shell knows of itself, added to the core's counters in the answer to STATS. */
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "broker/loop.h"

enum { SHELL_STATS = 24 };

static uint64_t resident_bytes(void)
{
	unsigned long long total, resident = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (f == NULL)
		return 0;
	if (fscanf(f, "%llu %llu", &total, &resident) != 2)
		resident = 0;
	fclose(f);
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Of the disk that the journal is on, for those who are not root. */
static uint64_t free_bytes(const char *folder)
{
	struct statvfs v;

	return statvfs(folder, &v) == 0 ? (uint64_t)v.f_bavail * v.f_frsize : 0;
}

const struct msg *stats_extend(struct loop *l, const struct msg *m)
{
	static struct msg_stat_rec v[LIMIT_LISTED];
	static struct msg out;
	uint32_t fsync = l->config->fsync_ms == FSYNC_ALWAYS ? 0 : l->config->fsync_ms == FSYNC_NEVER ? 2 : 1;
	uint32_t n = m->u.stats_info.n;
	struct journal_status s;

	must(n + SHELL_STATS + l->n_edges * LOOP_EDGE_STATS <= LIMIT_LISTED);
	journal_status(l->journal, &s);
	memcpy(v, m->u.stats_info.v, n * sizeof v[0]);
#define STAT(text, x) v[n++] = (struct msg_stat_rec){ span_str(text), x }
	STAT("pid", (uint64_t)getpid());
	STAT("uptime_ms", l->now.mono_ms - l->started_ms);
	STAT("rss", resident_bytes());
	STAT("fsync", fsync);
	STAT("fsync_ms", fsync == 1 ? l->config->fsync_ms : 0);
	STAT("messages.in", l->messages_in);
	STAT("messages.out", l->messages_out);
	STAT("outbox.bytes", outbox_bytes(l->outbox));
	STAT("journal.segments", s.segments);
	STAT("journal.pool", s.pool);
	STAT("journal.disk_bytes", s.disk_bytes);
	STAT("journal.written", s.written);
	STAT("journal.syncs", s.syncs);
	STAT("journal.sync_us", s.sync_ns / 1000);
	STAT("journal.cache_bytes", s.cache_bytes);
	STAT("journal.reads", s.reads);
	STAT("disk.cap_bytes", l->config->disk);
	STAT("disk.free_bytes", free_bytes(l->config->data));
	if (l->sockets.door != NULL) {
		struct door_counts k = door_counts(l->sockets.door);

		STAT("keys.admitted", k.keys);
		STAT("keys.refused", k.refused);
		STAT("keys.denied", k.denied);
	}
#undef STAT
	for (uint32_t i = 0; i < l->n_edges; i++)
		if (l->edges[i].stats != NULL)
			n += l->edges[i].stats(l->edges[i].ctx, v + n);
	out = *m;
	out.u.stats_info.v = v;
	out.u.stats_info.n = n;
	return &out;
}
