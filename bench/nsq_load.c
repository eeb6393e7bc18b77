/* nsq-load: puts load on a server of NSQ's TCP protocol, checks every answer, and says how fast it was. The server
 * may be Sheaf's edge or any nsqd. */
#include "bench/nsq_load.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { WARNINGS_MOST = 10 };

volatile bool load_stopped;

static void stop(int sig)
{
	(void)sig;
	load_stopped = true;
}

static void say(const char *format, va_list args)
{
	fflush(stdout);
	fputs("nsq-load: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

void load_die(int status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
	exit(status);
}

void load_warn(const char *format, ...)
{
	static int warnings;
	va_list args;

	if (warnings++ >= WARNINGS_MOST)
		return;
	va_start(args, format);
	say(format, args);
	va_end(args);
}

/* Thousands of connections need as many files. */
static void allow_files(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
		r.rlim_cur = r.rlim_max;
		setrlimit(RLIMIT_NOFILE, &r);
	}
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(const struct load_options *o);
	} modes[] = {
		{ "publish", load_publish },
		{ "consume", load_consume },
		{ "latency", load_latency },
		{ "crowd", load_crowd },
	};
	struct sigaction action = { .sa_handler = stop };
	struct load_options o;

	options_of_load(&o, argc, argv);
	allow_files();
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
		if (strcmp(o.mode, modes[i].name) == 0)
			return modes[i].run(&o);
	load_die(LOAD_USAGE, "there is no mode '%s'; there are publish, consume, latency, crowd", o.mode);
}
