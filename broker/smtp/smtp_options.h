/* The options of the mail ingress, once for both programs that have it: sheafd, where P is "smtp-", and sheaf-smtpd,
 * where it is "". L is what the first is called: "smtp", or "listen". In the file's section [smtp] they are called the
 * same in both: `listen`, and the others as they are without P. */
#ifndef SHEAF_SMTP_OPTIONS_H
#define SHEAF_SMTP_OPTIONS_H

#include "base/options.h"

/* clang-format off */
#define SMTP_OPTIONS(L, P) \
	{ L, 0, "HOST:PORT", "where mail comes in by SMTP, such as 127.0.0.1:2525; default nowhere" }, \
	{ P "tls-listen", 0, "HOST:PORT", \
	  "the same under TLS from the first byte, such as 127.0.0.1:4650; default nowhere" }, \
	{ P "lmtp", 0, "ADDRESS", "the same by LMTP: HOST:PORT, or /PATH of a Unix socket; default nowhere" }, \
	{ P "hostname", 0, "NAME", "what the server calls itself; default this host's name" }, \
	{ P "domain", 0, "NAME...", \
	  "domain of recipients beside localhost and the hostname; again, or commas, for more" }, \
	{ P "size", 0, "SIZE", "one mail at most; default 16376K, which is the most that there can be" }, \
	{ P "tls-cert", 0, "FILE", "certificate in PEM, with its chain: STARTTLS is offered" }, \
	{ P "tls-key", 0, "FILE", "its key, in PEM" }, \
	{ P "tls-min-version", 0, "VERSION", "tls1.2 (default) or tls1.3" }, \
	{ P "tls-required", 0, NULL, "without TLS nothing may be sent" }, \
	{ P "users", 0, "FILE", "who may authenticate: lines NAME:HASH, the hash as crypt(3) has it (mkpasswd)" }, \
	{ P "networks", 0, "CIDR...", "who may send: peers in these networks, such as 10.0.0.0/8; commas for more" }, \
	{ P "senders", 0, "ADDRESS...", \
	  "who may send, if under TLS or authenticated: someone@host, or @host for each" }, \
	{ P "allow-users", 0, "NAME...", \
	  "who may send of those in the file of users; default *, which is everybody in it" }, \
	{ P "proxy", 0, "CIDR...", "proxies, which must begin with the PROXY protocol; it is refused from others" }, \
	{ P "postmaster", 0, "QUEUE", "queue for mail to postmaster, made if it is missing; default postmaster" }, \
	{ P "payload", 0, "WORD", "what a job gets of its mail: raw (default), body or json" }, \
	{ P "dedup", 0, NULL, "a mail that comes again within a day is answered with its first job" }, \
	{ P "no-trace", 0, NULL, "no lines Return-Path and Received before a raw mail" }, \
	{ P "connections", 0, "N", "connections in all; default by the number of files that may be open" }, \
	{ P "per-address", 0, "N", "connections of one address; default 256, and no bound for this machine" }, \
	{ P "idle", 0, "D", "a client that is silent for so long is closed; default 300s" }, \
	{ P "data-time", 0, "D", "a mail that has not come whole by then is given up; default 10m" }, \
	{ P "data-rate", 0, "SIZE", "bytes per second of a mail at least, after its first 30s; default 100" }, \
	{ P "answer", 0, "D", "how long the broker may take; then a mail is put off (451); default 30s" }, \
	{ P "spool", 0, "DIR", \
	  "where large mails wait while they come; default DATA/spool, without --data /var/tmp" }, \
	{ P "spool-bytes", 0, "SIZE", "bytes of all mails there at most; default 1G" }
/* clang-format on */

/* Keys of a queue's section. */
extern const char *const smtp_queue_keys[];

/* The sections of the file, for struct option_table. */
#define SMTP_SECTIONS(L, P)                                                                                            \
	{ .name = "smtp", .prefix = P, .listen = L, .last = P "spool-bytes", .env = "smtp-" },                         \
	{                                                                                                              \
		.name = "smtp.queue.", .keys = smtp_queue_keys                                                         \
	}

/* What a manual page says of them (struct options_page: file, file_example). */
#define SMTP_FILE_TEXT                                                                                                 \
	"[smtp] is about mail: its keys are the options of mail without their smtp-, and listen is the\n"              \
	"address for SMTP. sheafd and sheaf-smtpd read the same section.\n"                                            \
	"\n"                                                                                                           \
	"[smtp.queue.NAME] is about mail for one queue. Its keys: payload (raw, body, json), trace and\n"              \
	"dedup (yes or no); networks, users and senders, each with commas between, or on several\n"                    \
	"lines. What it does not say is as [smtp] says it. Who may send is one thing: a section that\n"                \
	"names networks, users or senders names all that may send to its queue, beside this machine."
#define SMTP_FILE_EXAMPLE                                                                                              \
	"\n"                                                                                                           \
	"[smtp]\n"                                                                                                     \
	"listen = 0.0.0.0:25\n"                                                                                        \
	"domain = jobs.example.org\n"                                                                                  \
	"networks = 10.0.0.0/8\n"                                                                                      \
	"\n"                                                                                                           \
	"[smtp.queue.thumbnails]\n"                                                                                    \
	"payload = json\n"                                                                                             \
	"networks = 10.1.0.0/16\n"

#endif
