/* See watch.h. */
#include "worker/watch.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"

enum { FIRST_LOOK_MS = 5, LOOK_MS = 50, FAIR_LOOK_MS = 250, TREE_MOST = 256, TEXT_BYTES = 4096 };
#define MEM_SLACK ((uint64_t)1 << 30) /* beyond the limit, of one process, until the next look */

/* ---- what is used ---- */

struct used {
	uint64_t mem;   /* bytes */
	uint64_t ticks; /* of processor time, those of children that have ended included */
};

/* The file's beginning as text; 0 = none. */
static size_t read_text(const char *path, char *out, size_t n)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got;

	if (fd < 0)
		return 0;
	got = read(fd, out, n - 1);
	close(fd);
	out[got > 0 ? got : 0] = '\0';
	return got > 0 ? (size_t)got : 0;
}

/* Adds what one process uses. */
static void add_process(struct used *u, int pid)
{
	enum { UTIME = 11, CSTIME = 14, RSS = 21 }; /* words behind the name */
	char path[64], text[1024], *p;

	text_format(path, sizeof path, "/proc/%d/stat", pid);
	if (read_text(path, text, sizeof text) == 0 || (p = strrchr(text, ')')) == NULL)
		return;
	p++;
	for (int i = 0; i <= RSS && *p != '\0'; i++) {
		while (*p == ' ')
			p++;
		if (i >= UTIME && i <= CSTIME)
			u->ticks += strtoull(p, NULL, 10);
		if (i == RSS)
			u->mem += strtoull(p, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
		p += strcspn(p, " ");
	}
}

/* The process's part of the memory that it shares with others, as the kernel works it out; 0 = it does not say. */
static uint64_t fair_share(int pid)
{
	char path[64], text[1024];
	const char *p;

	text_format(path, sizeof path, "/proc/%d/smaps_rollup", pid);
	if (read_text(path, text, sizeof text) == 0 || (p = strstr(text, "\nPss:")) == NULL)
		return 0;
	return strtoull(p + 5, NULL, 10) * KIB;
}

/* Adds the children of one of its threads to the list. */
static int add_children(int *pids, int n, int pid, const char *thread)
{
	char path[96], text[TEXT_BYTES], *p = text, *end;

	text_format(path, sizeof path, "/proc/%d/task/%.20s/children", pid, thread);
	if (read_text(path, text, sizeof text) == 0)
		return n;
	for (; n < TREE_MOST; p = end) {
		long child = strtol(p, &end, 10);

		if (end == p || child <= 0)
			break;
		pids[n++] = (int)child;
	}
	return n;
}

/* What the process and all below it use. Resident memory is cheap to learn and counts what processes share once for
 * each; `fair` is neither. */
static struct used used_by(int root, bool fair)
{
	int pids[TREE_MOST] = { root }, n = 1;
	struct used u = { 0 };

	for (int i = 0; i < n; i++) {
		char path[64];
		DIR *threads;

		if (fair)
			u.mem += fair_share(pids[i]);
		else
			add_process(&u, pids[i]);
		text_format(path, sizeof path, "/proc/%d/task", pids[i]);
		threads = opendir(path);
		for (struct dirent *t; threads != NULL && (t = readdir(threads)) != NULL;)
			if (t->d_name[0] != '.')
				n = add_children(pids, n, pids[i], t->d_name);
		if (threads != NULL)
			closedir(threads);
	}
	return u;
}

/* ---- limits ---- */

void watch_begin(struct watch *w, const struct job_limits *limits, int pid, uint64_t now_ms)
{
	bool any = limits->mem > 0 || limits->cpu_ms > 0;

	*w = (struct watch){ .limits = limits, .pid = pid, .pause_ms = FIRST_LOOK_MS };
	w->look_at = any ? now_ms + FIRST_LOOK_MS : UINT64_MAX;
	if (limits->cpu_ms > 0)
		w->ticks = used_by(pid, false).ticks;
}

static void go_over(struct watch *w, enum over over)
{
	if (w->over == OVER_NOT)
		w->over = over;
	w->look_at = UINT64_MAX;
}

/* It is over by the cheap count: over by the fair one, too? If that is not to be had, the cheap one stands. */
static bool over_mem(struct watch *w, uint64_t now_ms)
{
	uint64_t fair = used_by(w->pid, true).mem;

	w->look_at = now_ms + FAIR_LOOK_MS; /* this look was not cheap */
	return fair == 0 || fair > w->limits->mem;
}

void watch_look(struct watch *w, uint64_t now_ms)
{
	struct used u;

	if (now_ms < w->look_at)
		return;
	w->pause_ms = 2 * w->pause_ms < LOOK_MS ? 2 * w->pause_ms : LOOK_MS;
	w->look_at = now_ms + w->pause_ms;
	u = used_by(w->pid, false);
	if (w->limits->mem > 0 && u.mem > w->limits->mem && over_mem(w, now_ms))
		go_over(w, OVER_MEM);
	u.ticks -= w->ticks < u.ticks ? w->ticks : u.ticks;
	if (w->limits->cpu_ms > 0 && u.ticks * 1000 / (uint64_t)sysconf(_SC_CLK_TCK) >= w->limits->cpu_ms)
		go_over(w, OVER_CPU);
}

static uint64_t ms_of(const struct timeval *t)
{
	return (uint64_t)t->tv_sec * 1000 + (uint64_t)t->tv_usec / 1000;
}

void watch_ended(struct watch *w, int status, const struct rusage *used)
{
	bool well = WIFEXITED(status) && WEXITSTATUS(status) == 0;

	if (w->limits->cpu_ms > 0 && !well && ms_of(&used->ru_utime) + ms_of(&used->ru_stime) >= w->limits->cpu_ms)
		go_over(w, OVER_CPU);
}

void watch_output(struct watch *w, uint64_t result, uint64_t errors)
{
	if (w->limits->output > 0 && (result > w->limits->output || errors > w->limits->output))
		go_over(w, OVER_OUTPUT);
	else if (result > LIMIT_PAYLOAD)
		go_over(w, OVER_RESULT);
}

void watch_why(const struct watch *w, char *out, size_t n)
{
	const struct job_limits *l = w->limits;

	switch (w->over) {
	case OVER_MEM:
		text_format(out, n, "it used more memory than --limit-mem %s allows", l->mem_text);
		break;
	case OVER_CPU:
		text_format(out, n, "it used more processor time than --limit-cpu %s allows", l->cpu_text);
		break;
	case OVER_OUTPUT:
		text_format(out, n, "it wrote more than --limit-output %s allows", l->output_text);
		break;
	default:
		text_format(out, n, "its output is over the limit of 16 MiB");
	}
}

/* Lowers a limit; one that is lower already stays. */
static void lower(__rlimit_resource_t what, uint64_t soft, uint64_t hard)
{
	struct rlimit now;

	if (getrlimit(what, &now) != 0)
		return;
	if (now.rlim_max > hard)
		now.rlim_max = hard;
	if (now.rlim_cur > soft || now.rlim_cur > now.rlim_max)
		now.rlim_cur = soft < now.rlim_max ? soft : now.rlim_max;
	setrlimit(what, &now);
}

void watch_arm(const struct job_limits *limits, bool lasts)
{
	uint64_t seconds = limits->cpu_ms / 1000 + 2;

	if (limits->mem > 0)
		lower(RLIMIT_DATA, limits->mem + MEM_SLACK, limits->mem + MEM_SLACK);
	if (limits->cpu_ms > 0 && !lasts)
		lower(RLIMIT_CPU, seconds, seconds + 1);
}
