/* Who uses the processors while `sheaf bench` runs: this process by getrusage, the broker and the workers by what
 * /proc says, if they run on this machine. */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "client/cli/bench.h"

/* Reads a file of /proc/PID, ended by a NUL; its length, or -1. */
static ssize_t read_proc(uint64_t pid, const char *name, char *out, size_t n)
{
	char path[64];
	ssize_t got;
	int fd;

	snprintf(path, sizeof path, "/proc/%llu/%s", (unsigned long long)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	got = read(fd, out, n - 1);
	close(fd);
	if (got >= 0)
		out[got] = 0;
	return got;
}

static bool is_named(uint64_t pid, const char *name)
{
	char comm[32];
	ssize_t n = read_proc(pid, "comm", comm, sizeof comm);

	return n > 0 && strncmp(comm, name, strlen(name)) == 0 && comm[strlen(name)] == '\n';
}

enum { STAT_UTIME = 14, STAT_CSTIME = 17 }; /* fields of /proc/PID/stat, from 1; proc(5) */

/* Processor seconds of a process, all its threads and dead children that it waited for; < 0 if there is none. */
static double seconds_of(uint64_t pid)
{
	unsigned long long ticks = 0;
	char stat[1024], *p;

	if (read_proc(pid, "stat", stat, sizeof stat) < 0)
		return -1;
	p = strrchr(stat, ')'); /* field 2, the name, may hold anything */
	for (int field = 3; p && field <= STAT_CSTIME; field++) {
		p = strchr(p + 1, ' ');
		if (p && field >= STAT_UTIME)
			ticks += strtoull(p + 1, NULL, 10);
	}
	return p ? (double)ticks / (double)sysconf(_SC_CLK_TCK) : -1;
}

/* Calls `each` with every process of that name. */
static void for_each_process(const char *name, void (*each)(void *ctx, uint64_t pid), void *ctx)
{
	DIR *proc = opendir("/proc");
	struct dirent *d;

	/* NOLINTNEXTLINE(concurrency-mt-unsafe): each directory stream has one reader */
	while (proc && (d = readdir(proc)) != NULL) {
		uint64_t pid = isdigit((unsigned char)d->d_name[0]) ? strtoull(d->d_name, NULL, 10) : 0;

		if (pid && is_named(pid, name))
			each(ctx, pid);
	}
	if (proc)
		closedir(proc);
}

/* The workers of one broker. */
struct workers {
	const char *url;
	double seconds;
};

/* Whether a worker was told this broker, on its command line or in its environment; or told none, and this is the
 * one that it takes then. */
static bool serves(uint64_t pid, const char *url)
{
	static const char variable[] = "SHEAF_BROKER=", option[] = "--broker";
	static char words[128 * KIB];
	bool told = false;

	for (int i = 0; i < 2; i++) {
		ssize_t n = read_proc(pid, i == 0 ? "cmdline" : "environ", words, sizeof words);

		if (n <= 0)
			continue;
		if (memmem(words, (size_t)n, url, strlen(url)))
			return true;
		told = told || memmem(words, (size_t)n, i == 0 ? option : variable, i == 0 ? 8 : 13);
	}
	return !told && strcmp(url, SHEAF_DEFAULT_BROKER) == 0;
}

static void add_seconds(void *ctx, uint64_t pid)
{
	struct workers *w = ctx;
	double s = serves(pid, w->url) ? seconds_of(pid) : 0;

	if (s > 0)
		w->seconds += s;
}

void bench_cpu(const struct bench_broker *b, struct bench_cpu *cpu)
{
	struct workers workers = { .url = b->url };
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	*cpu = (struct bench_cpu){ .broker = -1, .workers = -1 };
	cpu->client =
	    (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
	if (!b->local)
		return;
	if (b->pid)
		cpu->broker = seconds_of(b->pid);
	for_each_process("sheaf-worker", add_seconds, &workers);
	cpu->workers = workers.seconds;
}

/* ---- where the broker lives ---- */

struct found {
	uint64_t pid;
	unsigned int n;
};

static void note(void *ctx, uint64_t pid)
{
	struct found *f = ctx;

	f->pid = pid;
	f->n++;
}

/* The value of --data on its command line; NULL if it is not there. */
static const char *data_argument(const char *line, size_t n)
{
	for (size_t at = 0; at < n; at += strlen(line + at) + 1) {
		if (strncmp(line + at, "--data=", 7) == 0)
			return line + at + 7;
		if (strcmp(line + at, "--data") == 0 && at + 7 < n)
			return line + at + 7;
	}
	return NULL;
}

void bench_find(struct bench_broker *b)
{
	char line[4096];
	struct found f = { 0 };
	const char *data;
	ssize_t n;

	snprintf(b->data, sizeof b->data, ".");
	if (!b->local || (b->pid && !is_named(b->pid, "sheafd"))) {
		b->pid = 0;
		return;
	}
	if (!b->pid) {
		for_each_process("sheafd", note, &f);
		b->pid = f.n == 1 ? f.pid : 0;
	}
	n = b->pid ? read_proc(b->pid, "cmdline", line, sizeof line) : -1;
	data = n > 0 ? data_argument(line, (size_t)n) : NULL;
	if (data && data[0] == '/')
		snprintf(b->data, sizeof b->data, "%s", data);
	else if (data)
		snprintf(b->data, sizeof b->data, "/proc/%llu/cwd/%s", (unsigned long long)b->pid, data);
}
