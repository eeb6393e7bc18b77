/* One write per line, so that threads do not mix theirs; see log.h. */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 1024 };

static const char *program = "sheaf";
static atomic_int lowest = LOG_INFO; /* another thread may set it */

void log_setup(const char *name, enum log_level level)
{
	program = name;
	log_set_lowest(level);
}

void log_set_lowest(enum log_level level)
{
	atomic_store_explicit(&lowest, (int)level, memory_order_relaxed);
}

enum log_level log_lowest(void)
{
	return (enum log_level)atomic_load_explicit(&lowest, memory_order_relaxed);
}

void log_line(enum log_level level, const char *id, const char *format, ...)
{
	static const char *names[] = { "debug", "info", "warn", "error" };
	char line[LINE_MAX_BYTES];
	struct timespec now;
	struct tm tm;
	va_list args;
	size_t n;
	int more;

	if (level < log_lowest())
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	n = (size_t)snprintf(line, sizeof line, "%s: ", program);
	n += strftime(line + n, sizeof line - n, "%Y-%m-%dT%H:%M:%S", &tm);
	n += (size_t)snprintf(line + n, sizeof line - n, ".%03ldZ %s %s ", now.tv_nsec / 1000000, names[level], id);
	va_start(args, format);
	more = vsnprintf(line + n, sizeof line - n, format, args);
	va_end(args);
	n = more < 0 ? n : n + (size_t)more;
	if (n > sizeof line - 2)
		n = sizeof line - 2;
	line[n++] = '\n';
	if (write(STDERR_FILENO, line, n) < 0)
		return; /* nowhere left to say it */
}
