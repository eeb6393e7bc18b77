/* A session that speaks a toy protocol, to test the server: lines in, frames out, each a length (u32, big endian) and
 * its bytes.
 *
 *   say TEXT      answers TEXT                    tls, snappy, deflate   answers "-", changes the layer, answers "+"
 *   much N        answers N bytes 'x'             later TEXT             answers when fake_answer is called; nothing is
 *   body N\nBYTES answers the number of BYTES                            taken before
 *   beat N        ticks each N ms, answering "."  bye                    answers "bye", closes */
#ifndef SHEAF_TESTS_UNIT_NSQ_FAKE_SESSION_H
#define SHEAF_TESTS_UNIT_NSQ_FAKE_SESSION_H

#include <stdatomic.h>

#include "broker/nsq/session.h"

extern atomic_int fake_sessions;      /* that live */
extern atomic_int fake_waiting;       /* that wait for fake_answer */
extern atomic_ullong fake_sent;       /* what session_sent was told last, by whichever */
extern atomic_int fake_sent_too_much; /* more than was said */

/* In the server's thread: answers all that wait. */
void fake_answer(void);

#endif
