/* Whether what was told will do: who is kept out, and whether the files are there; see smtp_config.h. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "broker/smtp/config_read.h"

/* ---- who may send ---- */

static bool names_somebody(const struct smtp_policy *p)
{
	return p->n_networks > 0 || p->n_users > 0 || p->n_senders > 0;
}

static bool anybody_named(const struct smtp_config *c)
{
	bool named = names_somebody(&c->rest);

	for (uint32_t i = 0; i < c->n_policies && !named; i++)
		named = names_somebody(&c->policies[i]);
	return named;
}

/* Every address there is. */
static void open_to_all(struct smtp_policy *p)
{
	free(p->networks);
	p->networks = calloc(2, sizeof p->networks[0]);
	must(p->networks != NULL);
	p->networks[0].address.family = 4;
	p->networks[1].address.family = 6;
	p->n_networks = 2;
}

int smtp_config_guard(struct smtp_config *c, const char *prefix, bool insecure, char err[OPTIONS_ERR])
{
	const struct edge_address *all[] = { &c->smtp, &c->tls, &c->lmtp };
	static const char *const keys[] = { "listen", "tls-listen", "lmtp" };
	char name[CONFIG_NAME], text[EDGE_ADDRESS_TEXT];
	int i = 0;

	while (i < 3 && edge_address_local(all[i]))
		i++;
	if (i == 3 || anybody_named(c))
		return 0;
	if (!insecure) {
		text_format(
		    err, OPTIONS_ERR,
		    "--%s: %.100s is not a loopback address, and nobody may send from elsewhere: add --%snetworks "
		    "CIDR, --%susers FILE or --%ssenders ADDRESS, or --insecure to let everybody send to every "
		    "queue",
		    config_name(prefix, keys[i], name), edge_address_show(all[i], text), prefix, prefix, prefix);
		return -1;
	}
	open_to_all(&c->rest);
	for (uint32_t k = 0; k < c->n_policies; k++)
		open_to_all(&c->policies[k]);
	return 0;
}

/* ---- files ---- */

static_assert((int)TLS_ERR == (int)OPTIONS_ERR, "a sentence has room");

static void wrong(const struct options *o, struct mistakes *m, char err[OPTIONS_ERR])
{
	options_locate(o, err);
	mistakes_add(m, "%s", err);
}

/* NULL, or what is wrong: the directory is not there to write to, and cannot be made where it shall be. What its parent
 * lacks start-up makes, or says. */
static const char *spool_fault(const char *dir)
{
	char parent[4096];
	const char *slash = strrchr(dir, '/');
	struct stat st;

	if (stat(dir, &st) == 0) {
		if (!S_ISDIR(st.st_mode))
			return "is no directory";
		return access(dir, W_OK | X_OK) == 0 ? NULL : "is a directory that may not be written to";
	}
	if (errno != ENOENT)
		return "cannot be looked at";
	text_format(parent, sizeof parent, "%.*s",
	            slash == NULL  ? 1
	            : slash == dir ? 1
	                           : (int)(slash - dir),
	            slash == NULL ? "." : dir);
	if (stat(parent, &st) == 0 && access(parent, W_OK | X_OK) != 0)
		return "is not there and cannot be made";
	return NULL;
}

void smtp_config_check(const struct smtp_config *c, const struct options *o, const char *prefix, struct mistakes *m)
{
	struct tls_context *tls;
	char err[TLS_ERR];
	const char *why;

	if (!smtp_wanted(c))
		return;
	if (c->with_tls) {
		tls = tls_context_new(&c->tls_files, err);
		if (tls == NULL)
			wrong(o, m, err);
		tls_context_free(tls);
	}
	why = c->spool != NULL ? spool_fault(c->spool) : NULL;
	if (why == NULL)
		return;
	text_format(err, sizeof err, "--%sspool: '%.300s' %s", prefix, c->spool, why);
	wrong(o, m, err);
}
