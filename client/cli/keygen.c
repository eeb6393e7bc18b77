/* `sheaf keygen`: makes keys, and says what to copy where. */
#include "client/cli/commands.h"
#include "client/cli/show.h"
#include "keys/make.h"

static void tell_all(struct cli *c, const char *dir)
{
	out_format(&c->out,
	           "made keys in %s: a broker's, a client's (role admin) and a worker's (role work)\n"
	           "  on the broker's machine  sheafd --keys %s        reads broker.key_secret, clients/\n"
	           "  on a worker's            sheaf-worker --keys %s  reads broker.key, worker.key_secret\n"
	           "  on a client's            sheaf --keys %s         reads broker.key, client.key_secret\n"
	           "Copy to each machine what it reads and nothing else, over a channel that you trust. More keys:\n"
	           "  sheaf keygen %s --add NAME --role submit|work|read|admin\n",
	           dir, dir, dir, dir, dir);
}

static void tell_one(struct cli *c, const char *dir, const char *name, enum role role)
{
	out_format(&c->out,
	           "made the key %s (role %s)\n"
	           "  on its machine           copy %s/%s there: %s --keys %s\n"
	           "  on the broker's machine  copy %s/clients/%s.key into clients/ there, then send sheafd a SIGHUP\n",
	           name, role_name(role), dir, name, role == ROLE_WORK ? "sheaf-worker" : "sheaf", name, dir, name);
}

static int cmd_keygen(struct cli *c)
{
	const char *dir = c->args[0], *name = c->flags.add;
	enum role role = c->flags.role ? role_find(span_str(c->flags.role)) : ROLE_NONE;
	char err[KEYS_ERR];

	if (!name && role)
		return cli_fail(EXIT_USAGE, "--role goes with --add NAME");
	if (name && !role)
		return cli_fail(EXIT_USAGE, "--add %s needs a role: --role submit, work, read or admin", name);
	if (name ? keys_add(dir, name, role, err) : keys_make(dir, err))
		return cli_fail(EXIT_FAILED, "%s", err);
	if (c->flags.json)
		show_json(&c->out, json_pack("{ss ss* ss*}", "dir", dir, "name", name, "role", c->flags.role));
	else if (name && !c->flags.quiet)
		tell_one(c, dir, name, role);
	else if (!c->flags.quiet)
		tell_all(c, dir);
	return EXIT_DONE;
}

const struct command command_keygen = {
	.name = "keygen",
	.args = "DIR",
	.group = GROUP_SHEAF,
	.least = 1,
	.most = 1,
	.line = "make keys for broker, workers and clients",
	.text = "Makes DIR with the keys of a broker, of a client that may do everything, and of a worker,\n"
		"and says which machine needs which of them. With --add it makes one key more: DIR/NAME, with\n"
		"all that this machine needs, and DIR/clients/NAME.key for the broker. The role says what the\n"
		"key may be used for:\n"
		"    submit   submit jobs, wait for them, get their results, cancel them\n"
		"    work     run jobs\n"
		"    read     look at everything, change nothing\n"
		"    admin    all of these, and change queues and workers\n"
		"No key is ever overwritten. A broker that runs takes up what has changed on SIGHUP.",
	.failed = "the keys could not be written, or are there already",
	.example = "sheaf keygen keys\n"
		   "sheaf keygen keys --add web --role submit\n"
		   "sheafd --data data --keys keys --listen tcp://0.0.0.0:7400",
	.run = cmd_keygen,
};
