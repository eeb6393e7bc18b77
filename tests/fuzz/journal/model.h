/* What a journal under test must give back, from what was appended and from what the files hold now. */
#ifndef SHEAF_FUZZ_JOURNAL_MODEL_H
#define SHEAF_FUZZ_JOURNAL_MODEL_H

#include "base/rand.h"
#include "broker/journal/journal.h"

enum { SEGMENT = 64 << 10, BLOCKS_MAX = 4096 };

enum fate {
	LIVE,    /* must be there if its bytes are */
	TRIMMED, /* given up: may be there */
	DEAD     /* cut or damaged: may come back only where nothing shows that it was cut */
};

struct made {
	enum fate fate;
	uint64_t at, epoch, synced, began;
	uint32_t n;     /* bytes of facts */
	uint32_t crc;   /* of header and facts */
	bool intact;    /* as of model_look */
	uint32_t given; /* times that the last replay gave it */
};

struct model {
	char dir[64];
	struct rng rng;
	struct made v[BLOCKS_MAX]; /* in the order of appending */
	uint32_t n;
	uint64_t last; /* position of the last block replayed */
	bool wrong;    /* a replayed block was never appended, or stands in the wrong order */
};

/* Notes a block that was just appended: `block` with its header. */
void model_add(struct model *m, uint64_t at, const struct buf *block, uint32_t n);
/* Compares every block with the files. */
void model_look(struct model *m);
/* A journal_replay_fn; ctx is the model. */
bool model_replay(void *ctx, uint64_t position, struct span facts, const char **why);
/* Judges the last replay, and takes it for what there is from now on. NULL, or what is wrong. */
const char *model_judge(struct model *m, const struct journal_found *found);
/* Everything below the position was given up. */
void model_trim(struct model *m, uint64_t base);

/* spoil.c: one random act against the files. */
void spoil(struct model *m);
void spoil_path(const struct model *m, char out[256], uint64_t number);

#endif
