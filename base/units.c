/* What people type for time and size; see units.h. */
#include "base/units.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t DURATION_MAX_MS = 10ull * 365 * 24 * 3600 * 1000;

static bool unit_ms(const char *unit, double *ms)
{
	static const struct {
		const char *name;
		double ms;
	} units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60e3 }, { "h", 3600e3 }, { "d", 86400e3 } };

	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (strcmp(unit, units[i].name) == 0) {
			*ms = units[i].ms;
			return true;
		}
	}
	return false;
}

bool units_duration(const char *text, uint64_t *ms)
{
	size_t digits = strspn(text, "0123456789.");
	char number[32], *end;
	double value, scale;

	if (strcmp(text, "0") == 0) {
		*ms = 0;
		return true;
	}
	if (digits == 0 || digits >= sizeof number || !unit_ms(text + digits, &scale))
		return false;
	memcpy(number, text, digits);
	number[digits] = '\0';
	value = strtod(number, &end) * scale;
	if (*end != '\0' || end == number || value > (double)DURATION_MAX_MS)
		return false;
	*ms = (uint64_t)(value + 0.5);
	return true;
}

bool units_number(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	unsigned long long v;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	v = strtoull(text, &end, 10);
	if (errno != 0 || *end != '\0' || v < min || v > max)
		return false;
	*out = v;
	return true;
}

bool units_size(const char *text, uint64_t *bytes)
{
	static const char letters[] = "KMGT";
	unsigned long long v;
	const char *letter;
	char *end;
	int shift = 0;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	v = strtoull(text, &end, 10);
	if (errno != 0)
		return false;
	if (*end != '\0' && (letter = strchr(letters, *end)) != NULL) {
		shift = 10 * (int)(letter - letters + 1);
		end++;
		if (*end == 'i')
			end++;
	}
	if (*end == 'B')
		end++;
	if (*end != '\0' || v > UINT64_MAX >> shift)
		return false;
	*bytes = (uint64_t)v << shift;
	return true;
}

const char *units_type_duration(uint64_t ms, char out[24])
{
	if (ms == 0 || ms % 1000 != 0)
		snprintf(out, 24, "%" PRIu64 "ms", ms);
	else if (ms % 60000 != 0)
		snprintf(out, 24, "%" PRIu64 "s", ms / 1000);
	else if (ms % 3600000 != 0)
		snprintf(out, 24, "%" PRIu64 "m", ms / 60000);
	else
		snprintf(out, 24, "%" PRIu64 "h", ms / 3600000);
	return out;
}

const char *units_show_duration(uint64_t ms, char out[24])
{
	if (ms < 1000)
		snprintf(out, 24, "%" PRIu64 "ms", ms);
	else if (ms < 60000)
		snprintf(out, 24, "%.1fs", (double)ms / 1000);
	else if (ms < 3600000)
		snprintf(out, 24, "%" PRIu64 "m%02" PRIu64 "s", ms / 60000, ms / 1000 % 60);
	else
		snprintf(out, 24, "%" PRIu64 "h%02" PRIu64 "m", ms / 3600000, ms / 60000 % 60);
	return out;
}

const char *units_show_size(uint64_t bytes, char out[24])
{
	static const char *names[] = { "KiB", "MiB", "GiB", "TiB" };
	double v = (double)bytes;
	int i = -1;

	if (bytes < 1024) {
		snprintf(out, 24, "%" PRIu64 " B", bytes);
		return out;
	}
	while (v >= 1024 && i < 3) {
		v /= 1024;
		i++;
	}
	snprintf(out, 24, "%.1f %s", v, names[i]);
	return out;
}
