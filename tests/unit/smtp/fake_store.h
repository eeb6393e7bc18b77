/* See fake_store.c; on the server's thread. */
#ifndef SHEAF_TESTS_UNIT_SMTP_FAKE_STORE_H
#define SHEAF_TESTS_UNIT_SMTP_FAKE_STORE_H

#include <uv.h>

void fake_store_open(uv_loop_t *loop);
void fake_store_close(void);
/* Answers all that waits. */
void fake_store_let_go(void);

#endif
