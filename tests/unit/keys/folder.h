/* A folder of a test's own, and files in it. */
#ifndef SHEAF_TESTS_UNIT_KEYS_FOLDER_H
#define SHEAF_TESTS_UNIT_KEYS_FOLDER_H

#include <check.h>
#include <stddef.h>
#include <sys/types.h>

enum { FOLDER_PATH = 512 };

extern char folder[FOLDER_PATH]; /* set by folder_make */

void folder_make(void);
void folder_remove(void);

/* FOLDER/NAME; in one of a few places that are used in turn. */
const char *folder_path(const char *name);
void folder_write(const char *name, const char *text, mode_t mode);
/* Reads a whole file, of less than n bytes. */
void folder_read(const char *name, char *to, size_t n);

/* Whether text holds this; else the test fails and shows both. */
#define has(text, what) ck_assert_msg(strstr(text, what) != NULL, "'%s' does not hold '%s'", text, what)

#endif
