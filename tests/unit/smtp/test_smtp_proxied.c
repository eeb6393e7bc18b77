/* The PROXY protocol over real sockets: who has to begin with it, who must not, and whom it is believed. */
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>

#include "tests/unit/base/suite.h"
#include "tests/unit/smtp/server_rig.h"

static struct cidr trusted = { .address = { .family = 4, .bytes = { 127, 0, 0, 9 } }, .bits = 32 };

static void with_proxy(void)
{
	rig_fresh();
	rig_config.proxies = &trusted;
	rig_config.n_proxies = 1;
	rig_start();
}

/* One of this machine that is not loopback's. */
static bool own_address(struct cidr_address *to)
{
	struct ifaddrs *all, *i;
	bool found = false;

	ck_assert_int_eq(getifaddrs(&all), 0);
	for (i = all; i != NULL && !found; i = i->ifa_next) {
		const struct sockaddr_in *a = (const void *)i->ifa_addr;

		if (a == NULL || a->sin_family != AF_INET || (i->ifa_flags & IFF_LOOPBACK) != 0)
			continue;
		*to = (struct cidr_address){ .family = 4 };
		memcpy(to->bytes, &a->sin_addr, 4);
		found = !cidr_loopback(to);
	}
	freeifaddrs(all);
	return found;
}

START_TEST(test_proxy)
{
	struct client c;

	with_proxy();
	client_open_from(&c, SMTP_PORT_PLAIN, "127.0.0.9");
	client_say(&c, "PROXY TCP4 192.0.2.7 192.0.2.1 4711 25\r");
	client_talks(&c, "\nX", "554"); /* the header in two pieces, and somebody who does not wait */
	client_at_good_end(&c);
	client_close(&c);
	client_open_from(&c, SMTP_PORT_PLAIN, "127.0.0.9");
	client_say(&c, "PROXY TCP4 192.0.2.7 192.0.2.1 4711 25\r\n");
	client_hears(&c, "220");
	client_envelope(&c, "EHLO me");
	client_talks(&c, "DATA", "354");
	client_talks(&c, "hi\r\n.", "250");
	ck_assert_str_eq(store_peer, "192.0.2.7:4711");
	client_quits(&c);
	client_open_from(&c, SMTP_PORT_TLS, "127.0.0.9");
	client_say(&c, "PROXY UNKNOWN\r\n");
	client_begin_tls(&c);
	client_hears(&c, "220");
	client_quits(&c);
	rig_stop();
}
END_TEST

/* What a proxy on another machine takes for its own machine is not ours. */
START_TEST(test_proxy_elsewhere)
{
	struct cidr here = { .bits = 32 };
	char own[CIDR_TEXT], expected[80];
	struct client c;

	if (!own_address(&here.address))
		return; /* there is no network */
	rig_fresh();
	snprintf(rig_config.smtp.host, sizeof rig_config.smtp.host, "0.0.0.0");
	rig_config.proxies = &here;
	rig_config.n_proxies = 1;
	rig_start();
	cidr_show(&here.address, own);
	for (int i = 0; i < 2; i++) {
		client_open_at(&c, SMTP_PORT_PLAIN, own, own);
		client_say(&c, i == 0 ? "PROXY TCP4 127.0.0.1 127.0.0.1 4711 25\r\n"
		                      : "PROXY TCP4 192.0.2.7 127.0.0.1 4711 25\r\n");
		client_hears(&c, "220");
		client_envelope(&c, "EHLO me");
		client_talks(&c, "DATA", "354");
		client_talks(&c, "hi\r\n.", "250");
		snprintf(expected, sizeof expected, "%s:", i == 0 ? own : "192.0.2.7");
		ck_assert_int_eq(strncmp(store_peer, expected, strlen(expected)), 0);
		client_quits(&c);
	}
	rig_stop();
}
END_TEST

START_TEST(test_no_proxy)
{
	struct client c;

	with_proxy();
	client_open_from(&c, SMTP_PORT_PLAIN, "127.0.0.9");
	client_say(&c, "EHLO me\r\n");
	client_at_end(&c);
	client_close(&c);
	ck_assert_uint_eq(rig_count(&rig_counts.refused_connection), 1);
	client_open_from(&c, SMTP_PORT_PLAIN, "127.0.0.9");
	client_at_end(&c); /* after its five seconds */
	client_close(&c);
	ck_assert_uint_eq(rig_count(&rig_counts.timeouts), 1);
	client_greeted(&c, SMTP_PORT_PLAIN); /* from an address that is no proxy's */
	client_say(&c, "PROXY TCP4 192.0.2.7 192.0.2.1 4711 25\r\n");
	client_hears(&c, "421");
	client_at_good_end(&c);
	client_close(&c);
	rig_stop();
}
END_TEST

SUITE_MAIN("smtp proxy", test_proxy, test_proxy_elsewhere, test_no_proxy)
