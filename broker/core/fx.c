/* See fx.h. */
#include "broker/core/fx.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/text.h"

void effects_init(struct effects *fx)
{
	*fx = (struct effects){ 0 };
	fx->base = calloc(STEP_EFFECTS + 1, sizeof fx->base[0]);
	must(fx->base != NULL);
	fx->v = fx->base;
	buf_init(&fx->block);
}

void effects_fini(struct effects *fx)
{
	free(fx->base);
	buf_fini(&fx->block);
	*fx = (struct effects){ 0 };
}

uint32_t fx_room(const struct core *c)
{
	return STEP_EFFECTS - c->fx->n;
}

struct effect *fx_add(struct core *c, enum effect_kind kind)
{
	struct effect *e = &c->fx->v[c->fx->n];

	must(c->fx->n < STEP_EFFECTS);
	c->fx->n++;
	*e = (struct effect){ .kind = kind };
	return e;
}

void *fx_alloc(struct core *c, size_t n)
{
	void *p = c->arena + c->arena_used;

	n = (n + 15) / 16 * 16;
	must(n <= STEP_ARENA - c->arena_used);
	c->arena_used += n;
	return p;
}

struct span fx_copy(struct core *c, const char *text)
{
	size_t n = strlen(text);
	char *p = fx_alloc(c, n + 1);

	memcpy(p, text, n + 1);
	return span_of(p, n);
}

static struct msg *add_message(struct core *c, enum effect_kind effect, uint64_t peer, enum msg_kind kind,
                               uint64_t session, uint64_t number)
{
	struct msg *m = fx_alloc(c, sizeof *m);
	struct effect *e = fx_add(c, effect);

	*m = (struct msg){ .h = { PROTO_VERSION_MAX, kind, 0, c->epoch, session, number } };
	e->peer = peer;
	e->session = session;
	e->u.msg = m;
	return m;
}

struct msg *fx_reply(struct core *c, uint64_t peer, enum msg_kind kind, uint64_t session, uint64_t number)
{
	return add_message(c, FX_REPLY, peer, kind, session, number);
}

struct msg *fx_control(struct core *c, uint64_t peer, enum msg_kind kind, uint64_t session, uint64_t number)
{
	return add_message(c, FX_CONTROL, peer, kind, session, number);
}

void fx_answer(struct core *c, uint64_t peer, const struct msg_header *request, enum sheaf_error e, const char *text,
               uint64_t value)
{
	struct msg *m = fx_reply(c, peer, MSG_REPLY, request->session, request->number);

	if (e != SHEAF_OK)
		c->count.refused++;
	m->u.reply.error = e;
	m->u.reply.text = span_str(text);
	m->u.reply.value = value;
}

void fx_refuse_worker(struct core *c, uint64_t peer, const struct msg_header *request, enum sheaf_error e,
                      const char *text)
{
	struct msg *m = fx_control(c, peer, MSG_REPLY, request->session, request->number);

	m->u.reply.error = e;
	m->u.reply.text = span_str(text);
}

void fx_log(struct core *c, enum log_level level, const char *id, const char *format, ...)
{
	enum { LINE = 256 };
	struct effect *e;
	char *text;
	va_list args;

	if (c->fx == NULL || fx_room(c) == 0)
		return;
	text = fx_alloc(c, LINE);
	va_start(args, format);
	text_vformat(text, LINE, format, args);
	va_end(args);
	e = fx_add(c, FX_LOG);
	e->u.log.level = level;
	e->u.log.id = id;
	e->u.log.text = text;
}
