/* Jobs that are submitted together: all of them are there, or none is, whatever crashes. Where none has a key, whoever
 * sees one of them knows the ids of all; that these are there after each crash, and that each ends, is held against the
 * broker as for any other job. */
#include <stdlib.h>

#include "tests/sim/oracle.h"

uint64_t oracle_tag(const struct msg_job_rec *r)
{
	uint64_t tag;

	if (r->headers.n > 4 && memcmp(r->headers.p, "tag=", 4) == 0)
		return strtoull((const char *)r->headers.p + 4, NULL, 10);
	must(r->payload.n >= sizeof(struct task));
	memcpy(&tag, r->payload.p + offsetof(struct task, tag), sizeof tag);
	return tag;
}

void oracle_all_posted(struct oracle *o, uint64_t first, uint32_t n)
{
	bool in_row = true;

	for (uint32_t i = 0; i < n; i++)
		in_row = in_row && oracle_by_tag(o, first + i)->key == 0;
	for (uint32_t i = 0; i < n; i++) {
		struct known *k = oracle_by_tag(o, first + i);

		k->all = first;
		k->n_all = n;
		k->in_row = in_row;
	}
}

void oracle_all_tied(struct oracle *o, const struct known *k)
{
	uint64_t first = k->id - (k->tag - k->all);

	if (k->all == 0)
		return;
	if (k->refused)
		world_fail(o->w, "job %llu is there, and was refused", (unsigned long long)k->id);
	for (uint32_t i = 0; k->in_row && i < k->n_all; i++)
		if (oracle_by_tag(o, k->all + i)->id == 0)
			(void)oracle_tie(o, k->all + i, first + i);
}

void oracle_all_accepted(struct oracle *o, uint64_t first, const uint64_t *ids, uint32_t n)
{
	if (n != oracle_by_tag(o, first)->n_all)
		world_fail(o->w, "%u ids for %u jobs", n, oracle_by_tag(o, first)->n_all);
	for (uint32_t i = 0; i < n; i++)
		oracle_accepted(o, first + i, ids[i]);
}

void oracle_all_refused(struct oracle *o, uint64_t first, enum sheaf_error e)
{
	uint32_t n = oracle_by_tag(o, first)->n_all;

	world_note(o->w, "refused tags=%llu..%llu %s", (unsigned long long)first, (unsigned long long)(first + n - 1),
	           sheaf_error_name(e));
	if (e == SHEAF_E_OUTCOME)
		return; /* they may be there */
	for (uint32_t i = 0; i < n; i++) {
		const struct known *k = oracle_by_tag(o, first + i);

		if (oracle_own(o, k))
			world_fail(o->w, "job %llu is refused, and is there", (unsigned long long)k->id);
		oracle_refused(o, first + i);
	}
}
