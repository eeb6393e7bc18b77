/* See verify.h. */
#include "broker/verify.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/units.h"
#include "broker/core/core.h"
#include "broker/journal/journal.h"

static bool replay(void *ctx, uint64_t position, struct span facts, const char **why)
{
	return core_replay(ctx, position, facts, why);
}

static void print_text(const struct config *c, const struct journal_found *f, const struct core_totals *t,
                       uint64_t epoch)
{
	char size[24];

	printf("journal      %s\n", c->data);
	printf("segments     %" PRIu64 " of %s\n", f->segments, units_show_size(f->segment_bytes, size));
	printf("blocks       %" PRIu64 " intact, %s of facts\n", f->blocks, units_show_size(f->bytes, size));
	printf("torn tail    %s\n", units_show_size(f->torn_bytes, size));
	printf("damage       %" PRIu64 " ranges, %s\n", f->damaged, units_show_size(f->damaged_bytes, size));
	printf("last write   %s\n", f->was_failed ? "failed: the next start rewrites the tail" : "went well");
	printf("epoch        %" PRIu64 "\n", epoch);
	printf("queues       %" PRIu64 "\n", t->queues);
	printf("batches      %" PRIu64 "\n", t->batches);
	printf("schedules    %" PRIu64 "\n", t->crons);
	printf("topics       %" PRIu64 "\n", t->topics);
	printf("channels     %" PRIu64 "\n", t->channels);
	printf("messages     %" PRIu64 " published\n", t->messages);
	printf("submitted    %" PRIu64 "\n", t->submitted);
	for (int s = JOB_BLOCKED; s < JOB_STATES; s++)
		printf("%-12s %" PRIu64 "\n", job_state_name((enum job_state)s),
		       job_state_terminal((enum job_state)s) ? t->ended[s] : t->jobs[s]);
}

static void print_json(const struct journal_found *f, const struct core_totals *t, uint64_t epoch)
{
	printf("{\"segments\":%" PRIu64 ",\"segment_bytes\":%" PRIu64 ",\"blocks\":%" PRIu64 ",\"bytes\":%" PRIu64
	       ",\"torn_bytes\":%" PRIu64 ",\"damaged\":%" PRIu64 ",\"damaged_bytes\":%" PRIu64 ",\"failed\":%s"
	       ",\"epoch\":%" PRIu64 ",\"queues\":%" PRIu64 ",\"batches\":%" PRIu64 ",\"schedules\":%" PRIu64
	       ",\"topics\":%" PRIu64 ",\"channels\":%" PRIu64 ",\"messages\":%" PRIu64 ",\"submitted\":%" PRIu64,
	       f->segments, f->segment_bytes, f->blocks, f->bytes, f->torn_bytes, f->damaged, f->damaged_bytes,
	       f->was_failed ? "true" : "false", epoch, t->queues, t->batches, t->crons, t->topics, t->channels,
	       t->messages, t->submitted);
	for (int s = JOB_BLOCKED; s < JOB_STATES; s++)
		printf(",\"%s\":%" PRIu64, job_state_name((enum job_state)s),
		       job_state_terminal((enum job_state)s) ? t->ended[s] : t->jobs[s]);
	printf("}\n");
}

int verify(const struct config *c)
{
	struct journal_config jc = {
		.dir = c->data, .segment_bytes = c->segment, .memory_bytes = MIB, .read_only = true
	};
	struct core_config cc;
	struct core_totals t;
	struct journal_found f;
	struct journal *j;
	struct core *core;
	char err[512];

	core_config_default(&cc);
	cc.keep_ms = c->keep_ms;
	cc.keep_bytes = c->keep_bytes;
	/* the mover's arithmetic needs the journal's own segment size, known once it is open; replay does not */
	cc.segment_bytes = journal_segment_bytes(c->data, c->segment);
	core = core_new(&cc);
	if (journal_open(&jc, replay, core, &f, &j, err) != 0) {
		fprintf(stderr, "sheafd: %s\n", err);
		core_free(core);
		return 1;
	}
	core_totals(core, &t);
	if (c->json)
		print_json(&f, &t, core_epoch(core));
	else
		print_text(c, &f, &t, core_epoch(core));
	journal_close(j);
	core_free(core);
	return f.damaged > 0 ? 1 : 0;
}
