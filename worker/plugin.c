/* See plugin.h. */
#include "worker/plugin.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "worker/report.h"

/* ---- a job ---- */

/* The job as its handler sees it, and behind it what it does not see. */
struct view {
	struct sheaf_job job; /* first: the calls are handed this */
	struct job_run *run;
	struct job_outcome *out;
	uint64_t most; /* bytes of result */
	bool over;
	char *text; /* owned: the queue's name and the headers, with NULs */
	struct sheaf_header headers[LIMIT_HEADERS];
};

static struct view *view_of(struct sheaf_job *job)
{
	return (struct view *)job;
}

static void set_result(struct sheaf_job *job, const void *bytes, size_t n)
{
	struct view *v = view_of(job);

	v->over = v->over || n > v->most - v->out->result.n;
	if (!v->over)
		buf_put(&v->out->result, bytes, n);
}

static void set_error(struct sheaf_job *job, const char *text)
{
	struct view *v = view_of(job);

	buf_clear(&v->out->error);
	buf_put(&v->out->error, text, strnlen(text, LIMIT_ERROR));
}

static void touch(struct sheaf_job *job, int percent, const char *text)
{
	char clean[LIMIT_PROGRESS_TEXT];
	uint32_t n = text != NULL ? report_text(span_str(text), clean) : 0;

	job_touch(view_of(job)->run, percent >= 0 && percent <= 100 ? (uint32_t)percent : PERCENT_UNKNOWN,
	          span_of(clean, n));
}

static int cancelled(const struct sheaf_job *job)
{
	return atomic_load(&((const struct view *)job)->run->cancelled) != END_NOT;
}

/* Names and values of the headers as C strings. */
static void split_headers(struct view *v, char *at, char *end)
{
	while (at < end && v->job.n_headers < LIMIT_HEADERS) {
		size_t n = strlen(at), name = strcspn(at, "=");

		at[name] = '\0';
		v->headers[v->job.n_headers++] =
		    (struct sheaf_header){ .name = at, .value = at + name + (name < n ? 1 : 0) };
		at += n + 1;
	}
}

static void make_view(struct view *v, struct job_run *run, struct job_outcome *out)
{
	static const struct sheaf_job_calls calls = { set_result, set_error, touch, cancelled };
	const struct msg_job_rec *j = &run->job;
	char *headers;

	v->text = malloc(run->queue.n + 1 + j->headers.n + 1);
	must(v->text != NULL);
	memcpy(v->text, run->queue.p, run->queue.n);
	v->text[run->queue.n] = '\0';
	headers = v->text + run->queue.n + 1;
	if (j->headers.n > 0)
		memcpy(headers, j->headers.p, j->headers.n);
	headers[j->headers.n] = '\0';
	v->run = run;
	v->out = out;
	v->job = (struct sheaf_job){ .id = j->id,
		                     .token = j->token,
		                     .attempt = j->attempt,
		                     .queue = v->text,
		                     .payload = j->payload.n > 0 ? (const void *)j->payload.p : "",
		                     .payload_n = j->payload.n,
		                     .headers = v->headers,
		                     .lease_ms = j->lease_ms,
		                     .cancel_fd = run->cancel_fd,
		                     .calls = &calls };
	split_headers(v, headers, headers + j->headers.n);
}

void native_run(void *arg, struct job_run *run, struct job_outcome *out)
{
	const struct native *n = arg;
	struct view v = { .most = n->output > 0 && n->output < LIMIT_PAYLOAD ? n->output : LIMIT_PAYLOAD };
	char text[128];
	int exit;

	make_view(&v, run, out);
	exit = n->run(n->arg, &v.job);
	free(v.text);
	if (v.over) {
		out->verdict = VERDICT_KILLED;
		out->exit = 1;
		buf_clear(&out->result);
		if (v.most < LIMIT_PAYLOAD)
			text_format(text, sizeof text, "it returned more than --limit-output %s allows",
			            n->output_text);
		else
			text_format(text, sizeof text, "its result is over the limit of 16 MiB");
		set_error(&v.job, text);
		return;
	}
	out->exit = exit < 0 || exit > 255 ? 1 : exit;
	out->verdict = exit == 0 ? VERDICT_DONE : VERDICT_FAILED;
	if (exit == 0) {
		buf_clear(&out->error);
	} else if (out->error.n == 0) {
		text_format(text, sizeof text, "the handler returned %d", exit);
		set_error(&v.job, text);
	}
}

/* ---- a shared object ---- */

struct plugin {
	const struct sheaf_plugin *symbols; /* in the object */
	void *arg;                          /* what its init made */
};

struct plugin *plugin_open(const char *path, int argc, char **argv, char *err, size_t n)
{
	const struct sheaf_plugin *symbols;
	char why[256] = "";
	struct plugin *p;
	void *object;

	object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (object == NULL) {
		text_format(err, n, "--plugin: %.400s%s", dlerror(),
		            strchr(path, '/') == NULL ? " (a file in this directory is ./FILE.so)" : "");
		return NULL;
	}
	symbols = dlsym(object, "sheaf_plugin");
	if (symbols == NULL) {
		text_format(err, n,
		            "--plugin %.200s: it has no symbol `sheaf_plugin`: see SHEAF_PLUGIN() in sheaf_worker.h",
		            path);
	} else if (symbols->abi != SHEAF_WORKER_ABI || symbols->run == NULL) {
		text_format(err, n, "--plugin %.200s: it is made for version %u of sheaf_worker.h, this worker has %u",
		            path, symbols->abi, SHEAF_WORKER_ABI);
	} else {
		p = calloc(1, sizeof *p);
		must(p != NULL);
		p->symbols = symbols;
		if (symbols->init == NULL || symbols->init(&p->arg, argc, argv, why, sizeof why) == 0)
			return p;
		why[sizeof why - 1] = '\0';
		text_format(err, n, "--plugin %.200s: %s", path, why[0] != '\0' ? why : "its init failed");
		free(p);
	}
	dlclose(object);
	return NULL;
}

struct native plugin_native(const struct plugin *p)
{
	return (struct native){ .run = p->symbols->run, .arg = p->arg };
}

void plugin_close(struct plugin *p)
{
	if (p == NULL)
		return;
	if (p->symbols->fini != NULL)
		p->symbols->fini(p->arg);
	free(p);
}
