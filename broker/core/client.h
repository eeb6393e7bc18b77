/* Client sessions. A session is the client's own random number; it outlives connections and, through the
 * journal, the broker. A request that changed the state is remembered until the client says that it has
 * the answer, so that a retry is answered and not redone. */
#ifndef SHEAF_CORE_CLIENT_H
#define SHEAF_CORE_CLIENT_H

#include "broker/core/state.h"

/* EV_CLIENT: every request of a client begins here. */
void client_request(struct core *c, const struct event *ev);

/* EV_DISMISSED: forgets what this principal's sessions wait for; each has to say hello again. */
void client_dismiss(struct core *c, uint32_t principal);

/* The session, made if it is not there; NULL at LIMIT_CLIENTS (never in a replay). */
struct client *client_at(struct core *c, uint64_t session);

/* Remembers an answer; the numbers of one session grow. Beyond LIMIT_CLIENT_REQUESTS the oldest is forgotten. */
void client_remember(struct client *cl, uint64_t number, uint64_t first, uint32_t count);

/* The same for a request whose answer are these ids. */
void client_remember_all(struct client *cl, uint64_t number, const uint64_t *ids, uint32_t n);

/* The client has the answers up to `floor`. */
void client_answered(struct client *cl, uint64_t floor);

/* The remembered answer, or NULL. */
const struct answer *client_answer(const struct client *cl, uint64_t number);

/* Its timer has come: drops the waits of a silent client, then the session. */
void client_timer(struct core *c, struct client *cl);

void client_free(struct core *c, struct client *cl);

/* After a replay: sessions without a peer begin their time of grace. */
void client_start(struct core *c);

#endif
