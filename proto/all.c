/* What the table of fields cannot say of a SUBMIT_ALL; see codec.h. */
#include "proto/codec.h"
#include "proto/fields_words.h"

enum sheaf_error msg_all_check(const struct msg_submit_all *m, const char **why)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < m->n; i++) {
		if (m->v[i].same > i || (m->v[i].same != 0 && m->v[i].payload.n > 0)) {
			*why = ALL_SAME_RULE;
			return SHEAF_E_BAD_VALUE;
		}
		bytes += m->v[i].payload.n;
	}
	if (bytes > LIMIT_ALL_BYTES) {
		*why = "part.payload: at most 16 MiB in all parts";
		return SHEAF_E_TOO_LARGE;
	}
	return SHEAF_OK;
}
