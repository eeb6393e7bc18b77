/* Formatting into a fixed place, always ended by a NUL; for code that has no business with stdio. */
#ifndef SHEAF_BASE_TEXT_H
#define SHEAF_BASE_TEXT_H

#include <stdarg.h>
#include <stddef.h>

/* Writes at most n - 1 bytes and a NUL; what does not fit is cut. Returns the bytes written, less the NUL. */
__attribute__((format(printf, 3, 4))) size_t text_format(char *out, size_t n, const char *format, ...);
__attribute__((format(printf, 3, 0))) size_t text_vformat(char *out, size_t n, const char *format, va_list args);

/* The beginning of a text that fits into so many columns, cut at a blank where there is one: its length in bytes. */
size_t text_fit(const char *text, size_t columns);

#endif
