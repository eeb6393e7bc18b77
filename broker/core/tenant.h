/* The tenants of a queue, and whose turn it is. Only order.c and check.c need it. */
#ifndef SHEAF_CORE_TENANT_H
#define SHEAF_CORE_TENANT_H

#include "broker/core/state.h"

/* It has something to grant, or nothing any more: t->mask has changed between 0 and not 0. */
void tenant_changed(struct tenant *t);

/* Whose turn it is; NULL if nobody has anything to grant. */
const struct tenant *tenant_next(const struct queue *q);

/* A job of it is granted. */
void tenant_served(struct tenant *t);

#endif
