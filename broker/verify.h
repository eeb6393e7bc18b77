/* sheafd --check: reads a journal without changing anything and says what it holds. */
#ifndef SHEAF_BROKER_VERIFY_H
#define SHEAF_BROKER_VERIFY_H

#include "broker/config.h"

/* Prints to stdout. Returns the exit status: 0 intact, 1 damaged or not readable. */
int verify(const struct config *c);

#endif
