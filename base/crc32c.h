/* CRC-32C (Castagnoli, RFC 3720 B.4), with the processor's instruction where there is one. */
#ifndef SHEAF_BASE_CRC32C_H
#define SHEAF_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of `n` bytes at `p`, continued from `crc` (0 to begin). */
uint32_t crc32c(uint32_t crc, const void *p, size_t n);

#endif
