/* What a monitor's event is taken for, and the sentences that people get. */
#include "keys/curve.h"

#include <string.h>

#include "tests/unit/base/suite.h"
#include "tests/unit/keys/folder.h"

static enum curve_trouble event(uint16_t number, uint32_t value)
{
	uint8_t frame[6];

	memcpy(frame, &number, 2);
	memcpy(frame + 2, &value, 4);
	return curve_event(frame, sizeof frame);
}

START_TEST(test_events)
{
	ck_assert_int_eq(event(ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, 400), CURVE_REFUSED);
	ck_assert_int_eq(event(ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL, ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH),
	                 CURVE_MISMATCH);
	ck_assert_int_eq(event(ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL, ZMQ_PROTOCOL_ERROR_ZMTP_UNSPECIFIED), CURVE_CUT);
	ck_assert_int_eq(event(ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, 104), CURVE_CUT);
	ck_assert_int_eq(event(ZMQ_EVENT_DISCONNECTED, 0), CURVE_FINE);
	ck_assert_int_eq(curve_event("tcp://127.0.0.1:7400", 20), CURVE_FINE);
	ck_assert_int_eq(curve_event("", 0), CURVE_FINE);
}
END_TEST

START_TEST(test_sentences)
{
	char why[LIMIT_TEXT];

	has(curve_why(CURVE_REFUSED, "tcp://h:1", true, why), "refused by the broker: this key is not known to it");
	has(why, "tcp://h:1");
	has(curve_why(CURVE_MISMATCH, "tcp://h:1", false, why), "--keys DIR");
	has(curve_why(CURVE_MISMATCH, "tcp://h:1", true, why), "has no keys");
	has(curve_why(CURVE_CUT, "tcp://h:1", true, why), "broker.key");
	has(curve_why(CURVE_CUT, "tcp://h:1", false, why), "--keys DIR");
	ck_assert_str_eq(curve_why(CURVE_FINE, "tcp://h:1", true, why), "");
}
END_TEST

SUITE_MAIN("curve", test_events, test_sentences)
