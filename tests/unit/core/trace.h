/* One effect as a line of the rig's trace. */
#ifndef SHEAF_TESTS_UNIT_CORE_TRACE_H
#define SHEAF_TESTS_UNIT_CORE_TRACE_H

#include "tests/unit/core/rig.h"

void trace_effect(struct rig *r, const struct effect *e);

#endif
