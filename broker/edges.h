/* The edges that are threads of this process: which there are, their beginning and their end. */
#ifndef SHEAF_BROKER_EDGES_H
#define SHEAF_BROKER_EDGES_H

#include "broker/loop.h"

/* Those that the configuration asks for: reads their files, binds their addresses. -1 with a sentence. */
MUST_CHECK int edges_open(struct loop *l, char err[OPTIONS_ERR]);
/* Starts them; the broker is ready to answer. -1 with a sentence. */
MUST_CHECK int edges_start(struct loop *l, char err[OPTIONS_ERR]);
/* Where they listen, as " nsq=HOST:PORT smtp=…"; empty if there are none. */
enum { EDGES_WHERE = 2048 };
const char *edges_where(const struct loop *l, char to[EDGES_WHERE]);
/* Ends them. */
void edges_free(struct loop *l);

#endif
