/* Buffered writing to a descriptor: 256 KiB at a time, and when its user says so. The first error stays. */
#ifndef SHEAF_CLI_OUT_H
#define SHEAF_CLI_OUT_H

#include "base/buf.h"

struct out {
	int fd;         /* borrowed */
	int error;      /* errno of the first write that failed; what comes later is dropped */
	struct buf buf; /* not written yet */
};

void out_init(struct out *o, int fd);
/* Does not flush. */
void out_fini(struct out *o);
void out_put(struct out *o, const void *p, size_t n);
void out_span(struct out *o, struct span s);
void out_byte(struct out *o, uint8_t b);
__attribute__((format(printf, 2, 3))) void out_format(struct out *o, const char *format, ...);
/* Writes what is gathered. False once a write has failed. */
bool out_flush(struct out *o);
/* True when so much is gathered that it should be written. */
bool out_full(const struct out *o);

#endif
