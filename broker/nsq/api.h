/* NSQ's HTTP API, the pure part: what a request asks for, or how it is refused at once. */
#ifndef SHEAF_NSQ_API_H
#define SHEAF_NSQ_API_H

#include "base/buf.h"
#include "broker/nsq/http.h"
#include "broker/nsq/query.h"
#include "proto/msg_topic.h"

struct api_limits {
	uint64_t message_bytes; /* of one message */
	uint64_t body_bytes;    /* of an mpub */
	uint64_t defer_ms;
};

enum api_act {
	API_ANSWER, /* with status and code, nothing else */
	API_PING,
	API_INFO,
	API_PUBLISH,
	API_TOPIC_OP,
	API_STATS,
	API_LOOKUP,
	API_CONFIG_GET,
	API_CONFIG_PUT
};

struct api_plan {
	enum api_act act;
	/* API_ANSWER. code NULL: an empty body; with status 200 it is the body; else it goes out as {"message":CODE}.
	 */
	unsigned status;
	const char *code;
	const char *allow; /* the methods that the path has, if this was another */

	struct span topic; /* these point into the query */
	struct span channel;
	enum topic_op op;
	uint64_t defer_ms; /* API_PUBLISH of what is in `packed` */
	uint32_t count;
	bool json; /* API_STATS */
	bool clients;
	bool memory;
	struct span option; /* API_CONFIG_…: its name; points into the request's path */
};

/* How many bytes of the body are wanted. */
size_t api_body_bound(const struct api_limits *l, const struct http_request *head);

/* Reads the request; its query into q, its messages into `packed` as hub_publish wants them. */
void api_read(const struct api_limits *l, const struct http_request *r, struct query *q, struct buf *packed,
              struct api_plan *plan);

/* The body of an mpub as packed messages. NULL, or the code of the refusal, whose status is 413. */
const char *api_pack_lines(const struct api_limits *l, struct span body, struct buf *packed, uint32_t *count);
const char *api_pack_binary(const struct api_limits *l, struct span body, struct buf *packed, uint32_t *count);

#endif
