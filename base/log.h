/* Structured log lines on stderr: time, level, a stable id, then key=value words. Never a payload. */
#ifndef SHEAF_BASE_LOG_H
#define SHEAF_BASE_LOG_H

#include <stdbool.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* Sets the program's name, which begins every line, and the lowest level that is printed. */
void log_setup(const char *program, enum log_level lowest);

/* The lowest level that is printed; any thread may set it. */
void log_set_lowest(enum log_level lowest);
enum log_level log_lowest(void);

/* One line: `PROGRAM: LEVEL ID text`. `id` is a stable word such as journal-damage. Threads may call it. */
__attribute__((format(printf, 3, 4))) void log_line(enum log_level level, const char *id, const char *format, ...);

#endif
