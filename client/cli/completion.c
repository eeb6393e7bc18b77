/* `sheaf completion`: a few lines for each shell, which ask `sheaf completion words` what may stand there; so they
 * know what this program knows, and the queues and workers of the broker. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/cli/complete.h"

enum { ASK_MS = 700 }; /* nobody waits longer for a name */

static const char for_bash[] =
    "# bash completion of sheaf: eval \"$(sheaf completion bash)\"\n"
    "_sheaf()\n"
    "{\n"
    "\tlocal rest=$COMP_LINE words=() out=() w i cut=\n"
    "\t# bash takes words apart at = and :, here they are put together again\n"
    "\tfor ((i = 0; i <= COMP_CWORD; i++)); do\n"
    "\t\tw=${COMP_WORDS[i]}\n"
    "\t\tif ((i > 0)) && [[ -n $rest && $rest != [[:space:]]* ]]; then\n"
    "\t\t\twords[${#words[@]}-1]+=$w\n"
    "\t\telse\n"
    "\t\t\twords+=(\"$w\")\n"
    "\t\tfi\n"
    "\t\trest=${rest#*\"$w\"}\n"
    "\tdone\n"
    "\tw=${words[${#words[@]}-1]}\n"
    "\tmapfile -t out < <(\"${words[0]}\" completion words -- \"${words[@]:1}\" 2>/dev/null)\n"
    "\tCOMPREPLY=()\n"
    "\tcase ${out[0]-} in\n"
    "\t:files) compopt -o default 2>/dev/null ;;\n"
    "\t:dirs) compopt -o dirnames 2>/dev/null ;;\n"
    "\t*)\n"
    "\t\t# it puts an answer behind the last = or :\n"
    "\t\t[[ $w == *[=:]* ]] && cut=${w%\"${w##*[=:]}\"}\n"
    "\t\tfor i in \"${out[@]%%$'\\t'*}\"; do COMPREPLY+=(\"${i#\"$cut\"}\"); done\n"
    "\t\t;;\n"
    "\tesac\n"
    "}\n"
    "complete -F _sheaf sheaf\n";

static const char for_zsh[] =
    "#compdef sheaf\n"
    "# zsh completion of sheaf: a file _sheaf in $fpath, or eval \"$(sheaf completion zsh)\"\n"
    "_sheaf()\n"
    "{\n"
    "\tlocal -a out names lines\n"
    "\tlocal line\n"
    "\tout=(\"${(@f)$(\"${(Q)words[1]}\" completion words -- "
    "\"${(@Q)words[2,CURRENT]}\" 2>/dev/null)}\")\n"
    "\tcase $out[1] in\n"
    "\t'') return 1 ;;\n"
    "\t:files) compset -P '*='; _files; return ;;\n"
    "\t:dirs) compset -P '*='; _files -/; return ;;\n"
    "\tesac\n"
    "\tfor line in $out; do\n"
    "\t\tnames+=(\"${line%%$'\\t'*}\")\n"
    "\t\tlines+=(\"${line/$'\\t'/  -- }\")\n"
    "\tdone\n"
    "\tcompadd -l -d lines -a names\n"
    "}\n"
    "if [[ $funcstack[1] == _sheaf ]]; then\n"
    "\t_sheaf \"$@\"\n"
    "else\n"
    "\tcompdef _sheaf sheaf\n"
    "fi\n";

static const char for_fish[] = "# fish completion of sheaf: sheaf completion fish | source\n"
			       "function __sheaf_complete\n"
			       "\tset -l words (commandline -opc)\n"
			       "\tset -l last (commandline -ct)\n"
			       "\tset -l out ($words[1] completion words -- $words[2..-1] \"$last\" 2>/dev/null)\n"
			       "\tswitch \"$out[1]\"\n"
			       "\t\tcase :files\n"
			       "\t\t\t__fish_complete_path (string replace -r '^--[^=]*=' '' -- \"$last\")\n"
			       "\t\tcase :dirs\n"
			       "\t\t\t__fish_complete_directories (string replace -r '^--[^=]*=' '' -- \"$last\")\n"
			       "\t\tcase '*'\n"
			       "\t\t\tprintf '%s\\n' $out\n"
			       "\tend\n"
			       "end\n"
			       "complete -c sheaf -f -a '(__sheaf_complete)'\n";

/* ---- words ---- */

struct words {
	struct cli *c;
	struct completion k;
};

static void put(void *ctx, const char *word, const char *line)
{
	struct words *w = ctx;

	out_put(&w->c->out, w->k.prefix, w->k.prefix_n);
	out_format(&w->c->out, "%s%s%s\n", word, line ? "\t" : "", line ? line : "");
}

static void put_name(struct words *w, struct span name, const char *line)
{
	char text[LIMIT_NAME + 1];

	if (name.n > LIMIT_NAME || name.n < strlen(w->k.typed) || memcmp(name.p, w->k.typed, strlen(w->k.typed)) != 0)
		return;
	snprintf(text, sizeof text, "%.*s", (int)name.n, (const char *)name.p);
	put(w, text, line);
}

static void put_queue(void *ctx, const struct msg_queue_rec *q)
{
	char line[96];

	snprintf(line, sizeof line, "%" PRIu64 " ready, %" PRIu64 " running", q->states[JOB_READY],
	         q->states[JOB_RUNNING]);
	put_name(ctx, q->name, line);
}

static void put_worker(void *ctx, const struct msg_worker_rec *r)
{
	char line[96];

	snprintf(line, sizeof line, "%u of %u slots run%s", r->running, r->slots, r->draining ? ", draining" : "");
	put_name(ctx, r->name, line);
}

static void put_topic(void *ctx, const struct msg_topic_rec *t)
{
	char line[96];

	if (t->channel.n)
		return;
	snprintf(line, sizeof line, "%" PRIu64 " messages", t->messages);
	put_name(ctx, t->topic, line);
}

/* An option that stands on the line already: the broker is asked as the command would ask it. */
static void seen(void *ctx, const struct option *o, const char *value)
{
	struct words *w = ctx;

	(void)!flags_set(&w->c->flags, o, value);
}

/* Whatever goes wrong, nothing is said: somebody is typing. */
static void ask(struct words *w)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (null >= 0)
		dup2(null, STDERR_FILENO);
	w->c->flags.timeout_ms = ASK_MS;
	if (cli_open(w->c) == EXIT_DONE) {
		if (w->k.kind == COMPLETE_QUEUE)
			(void)!sheaf_queues(w->c->s, cli_left(w->c), put_queue, w);
		else if (w->k.kind == COMPLETE_TOPIC)
			(void)!sheaf_topics(w->c->s, NULL, cli_left(w->c), put_topic, w);
		else
			(void)!sheaf_workers(w->c->s, cli_left(w->c), put_worker, w);
	}
	if (null >= 0)
		close(null);
}

static int words(struct cli *c)
{
	struct words w = { .c = c };

	complete_look(&w.k, c->n_args - 1, c->args + 1, seen, &w);
	switch (w.k.kind) {
	case COMPLETE_FILE:
		out_format(&c->out, ":files\n");
		break;
	case COMPLETE_DIR:
		out_format(&c->out, ":dirs\n");
		break;
	case COMPLETE_QUEUE:
	case COMPLETE_WORKER:
	case COMPLETE_TOPIC:
		ask(&w);
		break;
	default:
		complete_known(&w.k, put, &w);
	}
	return EXIT_DONE;
}

static int cmd_completion(struct cli *c)
{
	static const struct {
		const char *shell, *script;
	} shells[] = { { "bash", for_bash }, { "zsh", for_zsh }, { "fish", for_fish } };

	if (strcmp(c->args[0], "words") == 0)
		return words(c);
	for (size_t i = 0; i < sizeof shells / sizeof shells[0]; i++) {
		if (strcmp(c->args[0], shells[i].shell) != 0)
			continue;
		if (c->n_args > 1)
			return cli_fail(EXIT_USAGE, "completion does not know what to do with '%s'", c->args[1]);
		out_format(&c->out, "%s", shells[i].script);
		return EXIT_DONE;
	}
	return cli_fail(EXIT_USAGE, "there is no completion for '%s': bash, zsh and fish are what there is",
	                c->args[0]);
}

const struct command command_completion = {
	.name = "completion",
	.args = "bash|zsh|fish",
	.group = GROUP_SHEAF,
	.least = 1,
	.most = -1,
	.line = "what a shell needs to complete commands, options and names",
	.text = "Prints a script for the shell. It completes commands, options, their values where these are\n"
		"known, and the names of the broker's queues and workers. The broker is asked as the line says\n"
		"(--broker), briefly, and nothing is said if it does not answer.\n"
		"\n"
		"The scripts ask `sheaf completion words -- WORD...` what may stand in place of the last word: a\n"
		"candidate a line, behind a tab what it is; or :files, or :dirs.",
	.example = "eval \"$(sheaf completion bash)\"\n"
		   "sheaf completion zsh >~/.zfunc/_sheaf\n"
		   "sheaf completion fish >~/.config/fish/completions/sheaf.fish",
	.run = cmd_completion,
};
