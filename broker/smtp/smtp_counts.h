/* What the ingress counts; written by its thread, read by any. */
#ifndef SHEAF_SMTP_COUNTS_H
#define SHEAF_SMTP_COUNTS_H

#include <stdatomic.h>
#include <stdint.h>

/* Name, and what it counts: shown as smtp_NAME. */
/* clang-format off */
#define SMTP_COUNTS(X) \
	X(sessions,          "sessions that began") \
	X(sessions_now,      "sessions now") \
	X(sessions_tls,      "sessions that came under TLS") \
	X(sessions_auth,     "sessions that authenticated") \
	X(mails,             "mails that were accepted") \
	X(jobs,              "jobs that they became") \
	X(bytes,             "bytes of accepted mails") \
	X(refused_connection,"connections that were turned away: too many, draining, no PROXY") \
	X(refused_auth,      "wrong passwords") \
	X(refused_sender,    "senders and recipients that were denied") \
	X(refused_recipient, "recipients without a queue, or with a bad option") \
	X(refused_paused,    "recipients of paused or drained queues") \
	X(refused_size,      "mails that were too large") \
	X(refused_content,   "mails with bare line ends, too many headers or hops") \
	X(refused_full,      "mails that found the store full") \
	X(refused_away,      "mails and recipients that found the broker away or busy") \
	X(refused_command,   "commands that were refused for their syntax or order") \
	X(timeouts,          "sessions that were closed for their slowness") \
	X(aborted,           "sessions that broke off within a mail") \
	X(accept_us,         "microseconds from the last byte to 250, in all accepted mails") \
	X(accept_us_max,     "the longest of these")
/* clang-format on */

struct smtp_counts {
#define X(name, text) _Atomic uint64_t name;
	SMTP_COUNTS(X)
#undef X
};

#define SMTP_COUNT(counts, name)   atomic_fetch_add_explicit(&(counts)->name, 1, memory_order_relaxed)
#define SMTP_ADD(counts, name, by) atomic_fetch_add_explicit(&(counts)->name, (by), memory_order_relaxed)

#endif
