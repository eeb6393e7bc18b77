/* Small questions about a journal: how large its segments are, which one is being scanned. */
#include <stdlib.h>
#include <unistd.h>

#include "broker/journal/state.h"

uint64_t journal_segment_bytes(const char *dir, uint64_t otherwise)
{
	uint64_t *numbers = NULL, bytes = 0;
	char err[STORE_ERR];
	uint32_t n = 0;

	if (store_list(dir, &numbers, &n, err) != 0)
		return otherwise;
	for (uint32_t i = 0; i < n && bytes == 0; i++) {
		enum store_header header;
		int fd;

		if (store_open_segment(dir, numbers[i], false, &fd, &header, &bytes, err) != 0)
			continue;
		close(fd);
		if (header != STORE_GOOD)
			bytes = 0;
	}
	free(numbers);
	return bytes != 0 ? bytes : otherwise;
}

uint64_t journal_scan_base(const struct journal *j)
{
	return j->s.scan.base;
}
