/* Where the broker's other sockets are: asked at the one address that a worker is told. */
#ifndef SHEAF_WORKER_DISCOVER_H
#define SHEAF_WORKER_DISCOVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"
#include "keys/curve.h"
#include "proto/limits.h"

struct discover;

/* Begins to ask at `broker` (a client endpoint) in this ZeroMQ context, with keys unless that is NULL; NULL with a
 * sentence if that is no address. */
struct discover *discover_new(void *context, const char *broker, const struct keys_own *keys, char err[512]);
void discover_free(struct discover *d);

/* Its socket, to be polled. */
void *discover_socket(struct discover *d);

/* Goes on: sends hello (again, now and then), takes the answer. True once the workers' endpoint is known: it is in
 * `workers`. */
bool discover_run(struct discover *d, uint64_t now_ms, char workers[LIMIT_ENDPOINT]);

/* What went wrong with the last handshake. */
enum curve_trouble discover_trouble(const struct discover *d);

/* When it wants to go on without a message. */
uint64_t discover_deadline(const struct discover *d);

/* An endpoint as the broker names it, with a wildcard host replaced by the host of `dialled`. */
void discover_resolve(struct span endpoint, const char *dialled, char out[LIMIT_ENDPOINT]);

#endif
