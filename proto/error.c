/* The table behind error.h. */
#include "proto/error.h"

#include <stddef.h>

static const struct {
	enum sheaf_error code;
	const char *name;
	const char *text;
} errors[] = {
	{ SHEAF_OK, "ok", "done" },
	{ SHEAF_E_MALFORMED, "malformed", "the message does not follow the protocol" },
	{ SHEAF_E_VERSION, "version", "no protocol version in common" },
	{ SHEAF_E_TOO_LARGE, "too-large", "something is over its limit" },
	{ SHEAF_E_BAD_NAME, "bad-name", "the name breaks the rule for names" },
	{ SHEAF_E_BAD_VALUE, "bad-value", "a value is outside its range" },
	{ SHEAF_E_UNKNOWN, "unknown", "there is no such thing" },
	{ SHEAF_E_NOT_FINISHED, "not-finished", "the job has not finished" },
	{ SHEAF_E_GONE, "gone", "the result is no longer kept" },
	{ SHEAF_E_FINISHED, "finished", "the job has ended already" },
	{ SHEAF_E_FULL, "full", "the broker is full" },
	{ SHEAF_E_BUSY, "busy", "the broker is busy; try again" },
	{ SHEAF_E_DRAINING, "draining", "the broker is going down" },
	{ SHEAF_E_OUTCOME, "unknown-outcome", "the first answer is no longer known: it may or may not have been done" },
	{ SHEAF_E_DENIED, "denied", "not allowed" },
	{ SHEAF_E_CLOSED, "closed", "the batch is closed" },
	{ SHEAF_E_UNSUPPORTED, "unsupported", "the broker does not know this request" },
	{ SHEAF_E_DAMAGED, "damaged", "the stored bytes are damaged" },
	{ SHEAF_E_EXISTS, "exists", "there is another one of this name" },
	{ SHEAF_E_UNREACHABLE, "unreachable", "the broker did not answer" },
	{ SHEAF_E_TIMEOUT, "timeout", "timed out" },
	{ SHEAF_E_CONFIG, "config", "bad configuration" },
	{ SHEAF_E_INTERRUPTED, "interrupted", "interrupted" },
};

const char *sheaf_error_name(enum sheaf_error e)
{
	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
		if (errors[i].code == e)
			return errors[i].name;
	return "unknown-error";
}

const char *sheaf_error_text(enum sheaf_error e)
{
	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
		if (errors[i].code == e)
			return errors[i].text;
	return "an error that this version does not know";
}
