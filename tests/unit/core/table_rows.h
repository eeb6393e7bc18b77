/* What test_core_table.c expects: for each state of a job and each event the state after it, and the effects, with a
 * bar for each end of a line. */
#ifndef SHEAF_TESTS_UNIT_CORE_TABLE_ROWS_H
#define SHEAF_TESTS_UNIT_CORE_TABLE_ROWS_H

enum { TABLE_STATES = 14, TABLE_EVENTS = 20 };

extern const char *const table_rows[TABLE_STATES][TABLE_EVENTS];

#endif
