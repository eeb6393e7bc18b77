/* See choose.h. */
#include "worker/choose.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "base/units.h"

static int refuse(char *err, const char *text)
{
	text_format(err, OPTIONS_ERR, "%s", text);
	return -1;
}

static int read_size(const struct options *o, const char *name, uint64_t *bytes, const char **text, char *err)
{
	*text = options_get(o, name);
	if (*text == NULL || (units_size(*text, bytes) && *bytes > 0))
		return 0;
	text_format(err, OPTIONS_ERR, "--%s: '%.60s' is no size such as 512K, 64M or 2G", name, *text);
	return -1;
}

static int read_limits(struct job_limits *l, const struct options *o, char *err)
{
	l->cpu_text = options_get(o, "limit-cpu");
	if (l->cpu_text != NULL && (!units_duration(l->cpu_text, &l->cpu_ms) || l->cpu_ms == 0)) {
		text_format(err, OPTIONS_ERR, "--limit-cpu: '%.60s' is no duration such as 500ms, 30s or 5m",
		            l->cpu_text);
		return -1;
	}
	if (read_size(o, "limit-mem", &l->mem, &l->mem_text, err) != 0 ||
	    read_size(o, "limit-output", &l->output, &l->output_text, err) != 0)
		return -1;
	if (l->mem > 0 && l->mem < MIB)
		return refuse(err, "--limit-mem: less than 1M is not enough for any process");
	return 0;
}

static int read_dir(struct choice *c, const struct options *o, char *err)
{
	const char *dir = options_get(o, "dir");
	struct stat st;

	if (dir == NULL)
		return 0;
	if (strcmp(dir, "tmp:") == 0) {
		c->exec.scratch = c->scratch; /* made in choice_begin */
		return 0;
	}
	if (stat(dir, &st) != 0) {
		text_format(err, OPTIONS_ERR, "--dir %.200s: %s", dir, strerror(errno));
		return -1;
	}
	if (!S_ISDIR(st.st_mode)) {
		text_format(err, OPTIONS_ERR, "--dir %.200s: it is no directory", dir);
		return -1;
	}
	c->exec.dir = dir;
	return 0;
}

/* `clean`, `keep`, or NAME=VALUE, any number of times. */
static int read_env(struct choice *c, const struct options *o, char *err)
{
	char **words;
	int n = options_list(o, "env", &words), kept = 0;

	for (int i = 0; i < n; i++) {
		char *word = words[i], *equals = strchr(word, '=');
		size_t name = equals != NULL ? (size_t)(equals - word) : 0;

		if (strcmp(word, "clean") == 0 || strcmp(word, "keep") == 0) {
			c->exec.env_clean = word[0] == 'c';
			continue;
		}
		for (size_t k = 0; k < name; k++)
			if (!isalnum((unsigned char)word[k]) && word[k] != '_')
				name = 0;
		if (name == 0 || isdigit((unsigned char)word[0])) {
			text_format(err, OPTIONS_ERR, "--env: '%.60s' is not clean, keep, or NAME=VALUE", word);
			return -1;
		}
		/* the variables come to the front; each word stays somewhere in the list, which owns it */
		words[i] = words[kept];
		words[kept++] = word;
	}
	c->exec.env = words;
	c->exec.n_env = kept;
	return 0;
}

/* Options that say how processes run are for handlers that have some. */
static int check_processes(const struct choice *c, const struct options *o, const char *what, char *err)
{
	static const char *const names[] = { "dir", "env", "limit-mem", "limit-cpu" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (c->processes || options_get(o, names[i]) == NULL)
			continue;
		text_format(err, OPTIONS_ERR, "--%s is for processes, and %s runs none", names[i], what);
		return -1;
	}
	return 0;
}

static int read_builtin(struct choice *c, const struct options *o, const char *name, char *err)
{
	const struct handler *found = builtin_find(name);

	if (found == NULL) {
		text_format(err, OPTIONS_ERR, "--builtin: '%.60s' is not echo, noop, sleep or fail", name);
		return -1;
	}
	if (options_get(o, "limit-output") != NULL)
		return refuse(err, "--limit-output is for a command or a plugin, not for --builtin");
	c->handler = *found;
	return check_processes(c, o, "--builtin", err);
}

static int read_plugin(struct choice *c, const struct options *o, const char *path, char *err)
{
	if (check_processes(c, o, "--plugin", err) != 0)
		return -1;
	c->plugin = plugin_open(path, o->n_rest, o->rest, err, OPTIONS_ERR);
	if (c->plugin == NULL)
		return -1;
	c->native = plugin_native(c->plugin);
	c->native.output = c->exec.limits.output;
	c->native.output_text = c->exec.limits.output_text;
	c->handler = (struct handler){ .name = "plugin", .run = native_run, .arg = &c->native };
	return 0;
}

int choice_read(struct choice *c, const struct options *o, char err[OPTIONS_ERR])
{
	const char *builtin = options_get(o, "builtin"), *plugin = options_get(o, "plugin");
	bool pipe = options_flag(o, "pipe");

	*c = (struct choice){ .exec = { .guardian = -1 } };
	if ((builtin != NULL) + (plugin != NULL) + pipe > 1)
		return refuse(err, "--builtin, --pipe and --plugin exclude each other");
	if (builtin != NULL && o->n_rest > 0)
		return refuse(err, "--builtin and a command exclude each other");
	if (read_limits(&c->exec.limits, o, err) != 0)
		return -1;
	if (builtin != NULL)
		return read_builtin(c, o, builtin, err);
	if (plugin != NULL)
		return read_plugin(c, o, plugin, err);
	if (o->n_rest == 0)
		return refuse(err, pipe ? "a command is needed behind --, such as: sheaf-worker QUEUE --pipe -- COMMAND"
		                        : "a command is needed behind --, such as: sheaf-worker QUEUE -- COMMAND");
	c->processes = true;
	c->pipe = pipe;
	c->exec.argv = o->rest;
	c->exec.words = o->n_rest;
	c->handler = (struct handler){ .name = "exec", .run = exec_run, .arg = &c->exec };
	return read_dir(c, o, err) != 0 ? -1 : read_env(c, o, err);
}

int choice_begin(struct choice *c, uint32_t slots, uint64_t kill_ms, char err[OPTIONS_ERR])
{
	if (!c->processes)
		return 0;
	c->exec.kill_ms = kill_ms;
	if (c->exec.scratch != NULL && !scratch_open(c->scratch)) {
		text_format(err, OPTIONS_ERR, "--dir tmp: cannot make %.200s: %s", c->scratch, strerror(errno));
		c->scratch[0] = '\0';
		return -1;
	}
	c->exec.guardian = guardian_start(c->exec.scratch);
	if (!c->pipe)
		return 0;
	c->pipes = pipes_new(&c->exec, slots);
	c->handler =
	    (struct handler){ .name = "pipe", .run = pipe_run, .arg = c->pipes, .begin = pipe_begin, .end = pipe_end };
	return 0;
}

void choice_end(struct choice *c)
{
	pipes_free(c->pipes);
	plugin_close(c->plugin);
	if (c->scratch[0] != '\0')
		scratch_remove(c->scratch);
	guardian_stop(c->exec.guardian);
	*c = (struct choice){ .exec = { .guardian = -1 } };
}
