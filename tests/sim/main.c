/* sim_run: seeds of a simulated Sheaf, one after the other, until one fails. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/units.h"
#include "tests/sim/sim.h"

static volatile uint64_t current_seed;

static void usage(void)
{
	fprintf(stderr, "usage: sim_run [--seeds N|N-M] [--steps N] [--check N] [--trace] [--verbose]\n"
	                "  --seeds  which (default 1-100)        --steps  most events between two stages of a seed\n"
	                "  --check  core_check after each N-th step (default 16; 1 checks the order of grants, too)\n"
	                "  --trace  what happens, as text        --verbose  a line for each seed\n");
	exit(2);
}

/* The core found a broken invariant: says which seed. */
static void on_abort(int signal_number)
{
	char line[128];
	int n = snprintf(line, sizeof line, "sim: seed %llu aborts; repeat it with: sim_run --seeds %llu --trace\n",
	                 (unsigned long long)current_seed, (unsigned long long)current_seed);

	if (n > 0 && write(STDERR_FILENO, line, (size_t)n) < 0)
		_exit(4);
	signal(signal_number, SIG_DFL);
	raise(signal_number);
}

static void parse_seeds(const char *text, uint64_t *first, uint64_t *last)
{
	char *end;

	*first = *last = strtoull(text, &end, 10);
	if (*end == '-')
		*last = strtoull(end + 1, &end, 10);
	if (*end != '\0' || *last < *first)
		usage();
}

static uint64_t number(const char *text)
{
	uint64_t n;

	if (!units_number(text, 1, UINT32_MAX, &n))
		usage();
	return n;
}

int main(int argc, char **argv)
{
	struct sim_options options = { .check_each = 16 };
	struct sim_totals t = { 0 };
	uint64_t first = 1, last = 100;

	for (int i = 1; i < argc; i++) {
		bool more = i + 1 < argc;

		if (strcmp(argv[i], "--seeds") == 0 && more)
			parse_seeds(argv[++i], &first, &last);
		else if (strcmp(argv[i], "--steps") == 0 && more)
			options.steps = number(argv[++i]);
		else if (strcmp(argv[i], "--check") == 0 && more)
			options.check_each = (uint32_t)number(argv[++i]);
		else if (strcmp(argv[i], "--trace") == 0)
			options.trace = true;
		else if (strcmp(argv[i], "--verbose") == 0)
			options.verbose = true;
		else
			usage();
	}
	signal(SIGABRT, on_abort);
	for (current_seed = first; current_seed <= last; current_seed++) {
		uint64_t hash = world_run(current_seed, &options, &t);

		if (options.verbose || options.trace)
			printf("seed %llu hash %016llx events %llu\n", (unsigned long long)current_seed,
			       (unsigned long long)hash, (unsigned long long)t.events);
	}
	printf("sim: %llu seeds, %llu events, %llu steps, %llu jobs, %llu grants (%llu again), %llu messages, "
	       "%llu deliveries, %llu crashes, %llu resets, "
	       "%llu deaths, %llu segments moved, %llu trims\n",
	       (unsigned long long)(last - first + 1), (unsigned long long)t.events, (unsigned long long)t.steps,
	       (unsigned long long)t.jobs, (unsigned long long)t.grants, (unsigned long long)t.regranted,
	       (unsigned long long)t.messages, (unsigned long long)t.deliveries, (unsigned long long)t.crashes,
	       (unsigned long long)t.resets, (unsigned long long)t.kills, (unsigned long long)t.moved,
	       (unsigned long long)t.trims);
	return 0;
}
