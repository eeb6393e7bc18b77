/* Saying what the shell has to do: each call adds one effect to the step under way. What an effect points
 * to stands in the step's arena, or in state that the step does not touch any more. */
#ifndef SHEAF_CORE_FX_H
#define SHEAF_CORE_FX_H

#include "broker/core/state.h"

/* Effects that this step may still add. */
uint32_t fx_room(const struct core *c);

/* A zeroed effect of this kind; there must be room. */
struct effect *fx_add(struct core *c, enum effect_kind kind);

/* Memory that lives as long as the step's effects. */
void *fx_alloc(struct core *c, size_t n);

/* A copy of the text that lives as long as the step, whatever becomes of its owner. */
struct span fx_copy(struct core *c, const char *text);

/* A message of this kind to a client or to a worker's control, its header filled in but for the body. */
struct msg *fx_reply(struct core *c, uint64_t peer, enum msg_kind kind, uint64_t session, uint64_t number);
struct msg *fx_control(struct core *c, uint64_t peer, enum msg_kind kind, uint64_t session, uint64_t number);

/* REPLY with an error (or SHEAF_OK), a static text and a value. */
void fx_answer(struct core *c, uint64_t peer, const struct msg_header *request, enum sheaf_error e, const char *text,
               uint64_t value);

/* The same, as an error on a worker's control. */
void fx_refuse_worker(struct core *c, uint64_t peer, const struct msg_header *request, enum sheaf_error e,
                      const char *text);

/* One line for the log. */
__attribute__((format(printf, 4, 5))) void fx_log(struct core *c, enum log_level level, const char *id,
                                                  const char *format, ...);

#endif
