/* How many connections each address has. Of IPv6 an address is its first 64 bits: the rest is its owner's to choose. */
#ifndef SHEAF_SMTP_PEERS_H
#define SHEAF_SMTP_PEERS_H

#include "broker/smtp/cidr.h"

struct peer_slot {
	struct cidr_address who;
	uint32_t n; /* 0 = free */
};

struct peers {
	struct peer_slot *v; /* owned: open addressing */
	uint32_t used, cap;  /* cap: a power of 2 */
	uint64_t seed;       /* so that nobody chooses who collides */
};

void peers_init(struct peers *p, uint64_t seed);
void peers_fini(struct peers *p);
/* One more, unless there are `most` already: then false. */
MUST_CHECK bool peers_add(struct peers *p, const struct cidr_address *who, uint32_t most);
/* One less of those that were added. */
void peers_remove(struct peers *p, const struct cidr_address *who);
uint32_t peers_count(const struct peers *p, const struct cidr_address *who);

#endif
