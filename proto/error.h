/* The errors that travel on the wire: one number, one word and one sentence each. */
#ifndef SHEAF_PROTO_ERROR_H
#define SHEAF_PROTO_ERROR_H

#include <stdint.h>

enum sheaf_error {
	SHEAF_OK = 0,
	SHEAF_E_MALFORMED = 1,    /* the message is not what PROTOCOL.md says */
	SHEAF_E_VERSION = 2,      /* no common protocol version */
	SHEAF_E_TOO_LARGE = 3,    /* a payload, text or count over its limit */
	SHEAF_E_BAD_NAME = 4,     /* a queue's or other name breaks its rule */
	SHEAF_E_BAD_VALUE = 5,    /* a number or flag outside its range */
	SHEAF_E_UNKNOWN = 6,      /* no such job, queue, batch or worker */
	SHEAF_E_NOT_FINISHED = 7, /* the job has no result yet */
	SHEAF_E_GONE = 8,         /* the result is no longer kept */
	SHEAF_E_FINISHED = 9,     /* the job has ended already */
	SHEAF_E_FULL = 10,        /* disk cap, or another limit in all, is reached */
	SHEAF_E_BUSY = 11,        /* the journal is behind for the moment: send it again */
	SHEAF_E_DRAINING = 12,    /* the broker is going down: send it to the next one */
	SHEAF_E_OUTCOME = 13,     /* a retry from beyond the window: unknown outcome */
	SHEAF_E_DENIED = 14,      /* this key or role may not */
	SHEAF_E_CLOSED = 15,      /* the batch is closed */
	SHEAF_E_UNSUPPORTED = 16, /* this broker does not know the request */
	SHEAF_E_DAMAGED = 17,     /* the bytes on disk are damaged */
	SHEAF_E_EXISTS = 18,      /* there is another one of this name */
	/* below: of the client library, never on the wire */
	SHEAF_E_UNREACHABLE = 64, /* the broker did not answer */
	SHEAF_E_TIMEOUT = 65,     /* the deadline passed */
	SHEAF_E_CONFIG = 66,      /* bad URL, option or environment */
	SHEAF_E_INTERRUPTED = 67, /* sheaf_interrupt() was called */
};

/* The error's word, such as "too-large"; "error-N" never: an unknown number gives "unknown-error". */
const char *sheaf_error_name(enum sheaf_error e);

/* A sentence for people, without a full stop. */
const char *sheaf_error_text(enum sheaf_error e);

#endif
