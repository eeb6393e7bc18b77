/* Dialogues of SMTP and LMTP: what a client sends, what it is told (the codes), what mails come of it. Each is run in
 * one piece, byte by byte and in pieces. The fuzzer begins with them. */
#ifndef SHEAF_TESTS_UNIT_SMTP_VECTORS_H
#define SHEAF_TESTS_UNIT_SMTP_VECTORS_H

#include "tests/unit/smtp/smtp_rig.h"

struct vector {
	const char *name;
	unsigned flags; /* RIG_ */
	const char *in;
	size_t n;
	const char *codes;
	const char *mails;
};

#define V(name, flags, in, codes, mails)                                                                               \
	{                                                                                                              \
		name, flags, in, sizeof(in) - 1, codes, mails                                                          \
	}
#define N  "\r\n"
#define E  "EHLO x" N
#define M  "MAIL FROM:<a@b.c>" N
#define P  E M "RCPT TO:<q@localhost>" N
#define D  P "DATA" N
#define PC "250|250 2.1.0|250 2.1.5"
#define DC PC "|354"
#define L  "LHLO x" N M "RCPT TO:<q@localhost>" N
#define Q  "QUIT" N

static const struct vector vectors[] = {
	/* the conversation */
	V("hello", 0, E "HELO y" N, "250|250", ""),
	V("hello needs a name", 0, "EHLO" N "HELO " N "EHLO a b" N, "501 5.5.4|501 5.5.4|501 5.5.4", ""),
	V("hello of another protocol", 0, "LHLO x" N, "500 5.5.1", ""),
	V("verbs in any case, blanks behind", 0, "ehlo x  " N "mAiL fRoM:<a@b.c> " N "rset" N "Quit" N,
	  "250|250 2.1.0|250 2.0.0|221 2.0.0|x", ""),
	V("small ones", 0, "NOOP" N "NOOP and so on" N "HELP" N "HELP MAIL" N "VRFY q" N "VRFY" N "EXPN q" N "RSET" N Q,
	  "250 2.0.0|250 2.0.0|214 2.0.0|214 2.0.0|252 2.0.0|501 5.5.4|502 5.5.1|250 2.0.0|221 2.0.0|x", ""),
	V("unknown", 0, "FOO" N "" N "MAI" N "XCLIENT ADDR=1" N, "500 5.5.1|500 5.5.1|500 5.5.1|500 5.5.1", ""),
	V("no arguments", 0, "QUIT now" N "RSET 1" N P "DATA 1" N, "501 5.5.4|501 5.5.4|" PC "|501 5.5.4", ""),
	V("nothing after QUIT", 0, Q "NOOP" N, "221 2.0.0|x", ""),
	V("order", 0, M "RCPT TO:<q@localhost>" N "DATA" N E "RCPT TO:<q@localhost>" N "DATA" N M M "DATA" N,
	  "503 5.5.1|503 5.5.1|503 5.5.1|250|503 5.5.1|503 5.5.1|250 2.1.0|503 5.5.1|503 5.5.1", ""),
	V("no recipient left", 0, E M "RCPT TO:<missing@localhost>" N "DATA" N, "250|250 2.1.0|550 5.1.1|554 5.5.1",
	  ""),
	V("EHLO ends a mail", 0, P E "DATA" N "RCPT TO:<q@localhost>" N, PC "|250|503 5.5.1|503 5.5.1", ""),
	V("a refused EHLO does not", 0, P "EHLO" N "DATA" N "." N, PC "|501 5.5.4|354|250 2.0.0", "a@b.c>q:|"),
	V("RSET ends a mail", 0, P "RSET" N "DATA" N M, PC "|250 2.0.0|503 5.5.1|250 2.1.0", ""),
	V("a mail", 0, D "Subject: x" N N "hi" N "." N Q, DC "|250 2.0.0|221 2.0.0|x",
	  "a@b.c>q:Subject: x\r\n\r\nhi\r\n|"),
	V("two mails", 0, D "1" N "." N M "RCPT TO:<p@localhost>" N "DATA" N "2" N "." N,
	  DC "|250 2.0.0|250 2.1.0|250 2.1.5|354|250 2.0.0", "a@b.c>q:1\r\n|a@b.c>p:2\r\n|"),
	V("HELO mails too", 0, "HELO x" N M "RCPT TO:<q@localhost>" N "DATA" N "x" N "." N,
	  "250|250 2.1.0|250 2.1.5|354|250 2.0.0", "a@b.c>q:x\r\n|"),
	V("HELO has no parameters", 0, "HELO x" N "MAIL FROM:<a@b.c> SIZE=1" N, "250|555 5.5.4", ""),

	/* MAIL */
	V("nobody sends", 0, E "MAIL FROM:<>" N "RCPT TO:<q@localhost>" N "DATA" N "." N,
	  "250|250 2.1.0|250 2.1.5|354|250 2.0.0", ">q:|"),
	V("a blank is forgiven", 0, E "MAIL FROM: <a@b.c>" N "RCPT TO: <q@localhost>" N, PC, ""),
	V("MAIL's syntax", 0,
	  E "MAIL" N "MAIL FROM" N "MAIL a@b.c" N "MAIL FROM:<" N "MAIL FROM:<@@>" N "MAIL FROM:<\"a\\" N,
	  "250|501 5.5.4|501 5.5.4|501 5.5.4|501 5.1.7|501 5.1.7|501 5.1.7", ""),
	V("parameters", 0,
	  E "MAIL FROM:<a@b.c> SIZE=10 BODY=8BITMIME SMTPUTF8" N "RSET" N "MAIL FROM:<a@b.c> body=7bit size=00" N,
	  "250|250 2.1.0|250 2.0.0|250 2.1.0", ""),
	V("unknown parameters", 0,
	  E "MAIL FROM:<a@b.c> FOO" N "MAIL FROM:<a@b.c> RET=HDRS" N "MAIL FROM:<a@b.c> AUTH=<>" N M
	    "RCPT TO:<q@localhost> NOTIFY=NEVER" N "RCPT TO:<q@localhost> SIZE=1" N,
	  "250|555 5.5.4|555 5.5.4|555 5.5.4|250 2.1.0|555 5.5.4|555 5.5.4", ""),
	V("bad parameters", 0,
	  E "MAIL FROM:<a@b.c> SIZE" N "MAIL FROM:<a@b.c> SIZE=" N "MAIL FROM:<a@b.c> SIZE=-1" N
	    "MAIL FROM:<a@b.c> BODY=9BIT" N "MAIL FROM:<a@b.c> SMTPUTF8=1" N "MAIL FROM:<a@b.c>SIZE=1" N
	    "MAIL FROM:<a@b.c> SIZE=1 SIZE=1" N,
	  "250|501 5.5.4|501 5.5.4|501 5.5.4|501 5.5.4|501 5.5.4|501 5.5.4|501 5.5.4", ""),
	V("too many declared", RIG_SMALL,
	  E "MAIL FROM:<a@b.c> SIZE=21" N "MAIL FROM:<a@b.c> SIZE=99999999999999999999" N "MAIL FROM:<a@b.c> SIZE=20" N,
	  "250|552 5.3.4|552 5.3.4|250 2.1.0", ""),
	V("UTF-8 has to be said", 0,
	  E "MAIL FROM:<\303\244@b.c>" N "MAIL FROM:<\303\244@b.c> SMTPUTF8" N "RCPT TO:<\303\244@localhost>" N
	    "RSET" N M "RCPT TO:<\303\244@localhost>" N,
	  "250|553 5.6.7|250 2.1.0|550 5.1.1|250 2.0.0|250 2.1.0|553 5.6.7", ""),

	/* RCPT */
	V("RCPT's syntax", 0,
	  E M "RCPT" N "RCPT TO" N "RCPT TO:q@localhost" N "RCPT TO:<>" N "RCPT TO:<q>" N "RCPT TO:<q@localhost" N,
	  "250|250 2.1.0|501 5.5.4|501 5.5.4|501 5.1.3|501 5.1.3|501 5.1.3|501 5.1.3", ""),
	V("queues", 0,
	  E M "RCPT TO:<missing@localhost>" N "RCPT TO:<paused@localhost>" N "RCPT TO:<closed@localhost>" N
	      "RCPT TO:<away@localhost>" N "DATA" N,
	  "250|250 2.1.0|550 5.1.1|450 4.2.1|450 4.2.1|451 4.3.0|554 5.5.1", ""),
	V("domains", 0,
	  E M "RCPT TO:<q@LOCALHOST>" N "RCPT TO:<q@Host.Test>" N "RCPT TO:<q@mail.example.ORG>" N
	      "RCPT TO:<q@jobs.example.net>" N "RCPT TO:<q@[127.0.0.2]>" N "RCPT TO:<q@[127.0.0.1]>" N
	      "RCPT TO:<q@example.org>" N "RCPT TO:<q@x.localhost>" N,
	  "250|250 2.1.0|250 2.1.5|250 2.1.5|250 2.1.5|250 2.1.5|250 2.1.5|550 5.7.1|550 5.7.1|550 5.7.1", ""),
	V("any case of a queue, options", 0,
	  E M "RCPT TO:<Q+priority=7@localhost>" N "RCPT TO:<q+priority=1000@localhost>" N
	      "RCPT TO:<q+foo=1@localhost>" N "DATA" N "." N,
	  "250|250 2.1.0|250 2.1.5|550 5.1.3|550 5.1.3|354|250 2.0.0", "a@b.c>q:|"),
	V("the postmaster", RIG_FAR,
	  E M "RCPT TO:<postmaster>" N "RCPT TO:<PostMaster@host.test>" N "RCPT TO:<postmaster@elsewhere.test>" N
	      "DATA" N "." N,
	  "250|250 2.1.0|250 2.1.5|250 2.1.5|550 5.7.1|354|250 2.0.0", "a@b.c>admin!,admin!:|"),
	V("paths that are no queue", 0,
	  E M "RCPT TO:<../../etc/x@h>" N "RCPT TO:<a|sh@h>" N "RCPT TO:<a|sh@localhost>" N
	      "RCPT TO:<../../etc/x@localhost>" N,
	  "250|250 2.1.0|550 5.7.1|550 5.7.1|550 5.1.1|550 5.1.1", ""),
	V("from far away", RIG_FAR,
	  E M "RCPT TO:<open@localhost>" N "RCPT TO:<closed@localhost>" N "RCPT TO:<q@localhost>" N,
	  "250|250 2.1.0|250 2.1.5|550 5.7.1|530 5.7.0", ""),
	V("by a Unix socket", RIG_UNIX | RIG_LMTP, L "RCPT TO:<q@[127.0.0.2]>" N, PC "|550 5.7.1", ""),
	V("several", 0,
	  E M "RCPT TO:<a@localhost>" N "RCPT TO:<missing@localhost>" N "RCPT TO:<b@localhost>" N "DATA" N "x" N "." N,
	  "250|250 2.1.0|250 2.1.5|550 5.1.1|250 2.1.5|354|250 2.0.0", "a@b.c>a,b:x\r\n|"),

	/* DATA, and what hides in it */
	V("a dot", 0, D "." N, DC "|250 2.0.0", "a@b.c>q:|"),
	V("dots", 0, D "..x" N "..." N "." N, DC "|250 2.0.0", "a@b.c>q:.x\r\n..\r\n|"),
	V("LF dot LF", 0, D "x\n.\n" M, DC "|550 5.5.2|x", ""),
	V("LF dot CRLF", 0, D "x\n." N M, DC "|550 5.5.2|x", ""),
	V("CRLF dot LF", 0, D "x" N ".\n" M, DC "|550 5.5.2|x", ""),
	V("CRLF dot CR CRLF", 0, D "x" N ".\r" N M, DC "|550 5.5.2|x", ""),
	V("CRLF dot NUL CRLF", 0, D "x" N ".\0" N M, DC "|550 5.5.2|x", ""),
	V("a bare CR", 0, D "a\rb" N "." N M, DC "|550 5.5.2|x", ""),
	V("a NUL", 0, D "a\0b" N "." N M, DC "|550 5.5.2|x", ""),
	V("a bare LF in a command", 0,
	  "EHLO x\n"
	  "NOOP" N,
	  "550 5.5.2|x", ""),
	V("a bare CR in a command", 0, E "NOOP\rNOOP" N "NOOP" N, "250|550 5.5.2|x", ""),
	V("a NUL in a command", 0, E "NOOP \0" N "NOOP" N, "250|550 5.5.2|x", ""),
	V("larger than it may be", RIG_SMALL, D "123456789" N "123456789" N N "." N "NOOP" N Q,
	  DC "|552 5.3.4|250 2.0.0|221 2.0.0|x", ""),
	V("just as large", RIG_SMALL, D "12345678" N "12345678" N "." N, DC "|250 2.0.0",
	  "a@b.c>q:12345678\r\n12345678\r\n|"),
	V("larger than declared", RIG_SMALL,
	  E "MAIL FROM:<a@b.c> SIZE=1" N "RCPT TO:<q@localhost>" N "DATA" N "12345678901234567890" N "." N,
	  PC "|354|552 5.3.4", ""),
	V("larger than declared, though not too large", 0,
	  E "MAIL FROM:<a@b.c> SIZE=4" N "RCPT TO:<q@localhost>" N "DATA" N "123" N "." N "NOOP" N
	    "MAIL FROM:<a@b.c> SIZE=5" N "RCPT TO:<q@localhost>" N "DATA" N "123" N "." N,
	  PC "|354|552 5.3.4|250 2.0.0|250 2.1.0|250 2.1.5|354|250 2.0.0", "a@b.c>q:123\r\n|"),

	/* BDAT */
	V("a chunk", 0, P "BDAT 4 LAST" N "hi" N "NOOP" N, PC "|250 2.0.0|250 2.0.0", "a@b.c>q:hi\r\n|"),
	V("chunks", 0, P "BDAT 3" N "a" N "bdat 0" N "BDAT 4 last" N "b." N "NOOP" N,
	  PC "|250 2.0.0|250 2.0.0|250 2.0.0|250 2.0.0", "a@b.c>q:a\r\nb.\r\n|"),
	V("no dots in chunks", 0, P "BDAT 8 LAST" N N "." N "..x" Q, PC "|250 2.0.0|221 2.0.0|x",
	  "a@b.c>q:\r\n.\r\n..x|"),
	V("LAST with nothing", 0, P "BDAT 2" N N "BDAT 0 LAST" N, PC "|250 2.0.0|250 2.0.0", "a@b.c>q:\r\n|"),
	V("chunks may cut a line's end", 0,
	  P "BDAT 2" N "a\r"
	    "BDAT 1 LAST" N "\n",
	  PC "|250 2.0.0|250 2.0.0", "a@b.c>q:a\r\n|"),
	V("a bare LF in a chunk", 0, P "BDAT 3 LAST" N "a\nb" Q, PC "|550 5.5.2|x", ""),
	V("a bare CR at the end", 0, P "BDAT 2 LAST" N "a\r" Q, PC "|550 5.5.2|x", ""),
	V("binary", 0,
	  E "MAIL FROM:<a@b.c> BODY=BINARYMIME" N "RCPT TO:<q@localhost>" N "BDAT 5 LAST" N "\r\n\na\r"
	    "NOOP" N,
	  PC "|250 2.0.0|250 2.0.0", "a@b.c>q:\r\n\na\r|"),
	V("binary, but DATA", 0, E "MAIL FROM:<a@b.c> BODY=BINARYMIME" N "RCPT TO:<q@localhost>" N "DATA" N "NOOP" N,
	  PC "|503 5.5.1|250 2.0.0", ""),
	V("between chunks", 0,
	  P "BDAT 1" N "x"
	    "DATA" N M "RCPT TO:<q@localhost>" N "NOOP" N "BDAT 1 LAST" N "y",
	  PC "|250 2.0.0|503 5.5.1|503 5.5.1|503 5.5.1|250 2.0.0|250 2.0.0", "a@b.c>q:xy|"),
	V("RSET between chunks", 0,
	  P "BDAT 1" N "x"
	    "RSET" N "BDAT 4 LAST" N "QUIT"
	    "NOOP" N,
	  PC "|250 2.0.0|250 2.0.0|503 5.5.1|250 2.0.0", ""),
	V("BDAT first", 0,
	  "BDAT 6 LAST" N "QUIT" N "NOOP" N E M "BDAT 6" N "QUIT" N "RCPT TO:<missing@localhost>" N "BDAT 6" N "QUIT" N
	  "BDAT 0" N,
	  "503 5.5.1|250 2.0.0|250|250 2.1.0|503 5.5.1|550 5.1.1|554 5.5.1|554 5.5.1", ""),
	V("a large number of bytes", 0, P "BDAT 18446744073709551616 LAST" N Q, PC "|501 5.5.4|x", ""),
	V("an absurd number", 0, P "BDAT 9999999999 LAST" N Q, PC "|501 5.5.4|x", ""),
	V("a negative number", 0, P "BDAT -1" N Q, PC "|501 5.5.4|x", ""),
	V("not LAST", 0, P "BDAT 5 FIRST" N Q, PC "|501 5.5.4|x", ""),
	V("no number", 0, P "BDAT" N Q, PC "|501 5.5.4|x", ""),
	V("chunks larger than they may be", RIG_SMALL,
	  P "BDAT 10" N "1234567890"
	    "BDAT 11" N "12345678901"
	    "BDAT 1" N "x"
	    "BDAT 1 LAST" N "x" M,
	  PC "|250 2.0.0|552 5.3.4|552 5.3.4|552 5.3.4|250 2.1.0", ""),

	/* TLS */
	V("no TLS", 0, "STARTTLS" N, "454 4.7.0", ""),
	V("a second TLS", RIG_TLS, E "STARTTLS" N, "250|503 5.5.1", ""),
	V("STARTTLS within a mail", RIG_CERT, P "STARTTLS" N "STARTTLS 1" N, PC "|503 5.5.1|503 5.5.1", ""),
	V("STARTTLS has no argument", RIG_CERT, "STARTTLS 1" N, "501 5.5.4", ""),
	V("TLS is required", RIG_CERT | RIG_REQUIRED,
	  "NOOP" N E M "RSET" N "VRFY q" N "HELO x" N "AUTH PLAIN" N "BDAT 6" N "QUIT" N "FOO" N Q,
	  "250 2.0.0|250|530 5.7.0|530 5.7.0|530 5.7.0|530 5.7.0|530 5.7.0|530 5.7.0|500 5.5.1|221 2.0.0|x", ""),
	V("TLS is required, and there", RIG_TLS | RIG_REQUIRED, P, PC, ""),

	/* AUTH: "\0jo\0secret" is AGpvAHNlY3JldA==, "jo" am8=, "secret" c2VjcmV0 */
	V("no users", RIG_TLS, E "AUTH PLAIN AGpvAHNlY3JldA==" N, "250|502 5.5.1", ""),
	V("not without TLS", RIG_CERT | RIG_USERS, E "AUTH PLAIN AGpvAHNlY3JldA==" N, "250|538 5.7.11", ""),
	V("not before EHLO", RIG_TLS | RIG_USERS, "AUTH PLAIN" N "HELO x" N "AUTH PLAIN" N, "503 5.5.1|250|503 5.5.1",
	  ""),
	V("PLAIN", RIG_TLS | RIG_USERS, E "auth plain AGpvAHNlY3JldA==" N "AUTH PLAIN AGpvAHNlY3JldA==" N,
	  "250|235 2.7.0|503 5.5.1", ""),
	V("PLAIN in two lines", RIG_TLS | RIG_USERS, E "AUTH PLAIN" N "AGpvAHNlY3JldA==" N "NOOP" N,
	  "250|334|235 2.7.0|250 2.0.0", ""),
	V("PLAIN as oneself", RIG_TLS | RIG_USERS, E "AUTH PLAIN am8Aam8Ac2VjcmV0" N, "250|235 2.7.0", ""),
	V("PLAIN as another", RIG_TLS | RIG_USERS, E "AUTH PLAIN YW4Aam8Ac2VjcmV0" N, "250|535 5.7.8", ""),
	V("LOGIN", RIG_TLS | RIG_USERS, E "AUTH LOGIN" N "am8=" N "c2VjcmV0" N "NOOP" N,
	  "250|334|334|235 2.7.0|250 2.0.0", ""),
	V("LOGIN, the user at once", RIG_TLS | RIG_USERS, E "AUTH LOGIN am8=" N "c2VjcmV0" N, "250|334|235 2.7.0", ""),
	V("wrong", RIG_TLS | RIG_USERS, E "AUTH LOGIN am8=" N "c2VjcmV1" N "AUTH PLAIN AGpvAHNlY3JldA==" N,
	  "250|334|535 5.7.8|235 2.7.0", ""),
	V("no base64", RIG_TLS | RIG_USERS,
	  E "AUTH PLAIN !!!" N "AUTH PLAIN" N "a" N "AUTH LOGIN" N "\377" N "AUTH PLAIN =" N "AUTH PLAIN am8=" N,
	  "250|501 5.5.2|334|501 5.5.2|334|501 5.5.2|501 5.5.2|501 5.5.2", ""),
	V("as one wishes", RIG_TLS | RIG_USERS, E "AUTH LOGIN" N "*" N "AUTH LOGIN am8=" N "*" N "NOOP" N,
	  "250|334|501 5.7.0|334|501 5.7.0|250 2.0.0", ""),
	V("mechanisms", RIG_TLS | RIG_USERS, E "AUTH" N "AUTH CRAM-MD5" N "AUTH XOAUTH2 am8=" N,
	  "250|501 5.5.4|504 5.5.4|504 5.5.4", ""),
	V("within a mail", RIG_TLS | RIG_USERS, P "AUTH PLAIN AGpvAHNlY3JldA==" N, PC "|503 5.5.1", ""),
	V("AUTH of MAIL", RIG_TLS | RIG_USERS,
	  E "MAIL FROM:<a@b.c> AUTH=<>" N "RSET" N "MAIL FROM:<a@b.c> AUTH=e+3Dmc" N "RSET" N
	    "MAIL FROM:<a@b.c> AUTH=+3" N,
	  "250|250 2.1.0|250 2.0.0|250 2.1.0|250 2.0.0|501 5.5.4", ""),
	V("from far away, authenticated", RIG_FAR | RIG_TLS | RIG_USERS,
	  E "AUTH PLAIN AGpvAHNlY3JldA==" N M "RCPT TO:<q@localhost>" N, "250|235 2.7.0|250 2.1.0|250 2.1.5", ""),
	V("from far away, a sender under TLS", RIG_FAR | RIG_TLS,
	  E "MAIL FROM:<Boss@Example.ORG>" N "RCPT TO:<q@localhost>" N, PC, ""),
	V("a NUL in AUTH", RIG_TLS | RIG_USERS, E "AUTH PLAIN" N "a\0" N, "250|334|550 5.5.2|x", ""),

	/* LMTP */
	V("LMTP", RIG_LMTP, L "RCPT TO:<p@localhost>" N "RCPT TO:<missing@localhost>" N "DATA" N "x" N "." N Q,
	  PC "|250 2.1.5|550 5.1.1|354|250 2.0.0|250 2.0.0|221 2.0.0|x", "a@b.c>q,p:x\r\n|"),
	V("LMTP says LHLO", RIG_LMTP, E "HELO x" N M, "500 5.5.1|500 5.5.1|503 5.5.1", ""),
	V("LMTP by chunks", RIG_LMTP,
	  L "RCPT TO:<p@localhost>" N "BDAT 1" N "x"
	    "BDAT 0 LAST" N,
	  PC "|250 2.1.5|250 2.0.0|250 2.0.0|250 2.0.0", "a@b.c>q,p:x|"),
	V("LMTP, too large", RIG_LMTP | RIG_SMALL,
	  L "RCPT TO:<p@localhost>" N "DATA" N "123456789012345678901" N "." N "NOOP" N,
	  PC "|250 2.1.5|354|552 5.3.4|552 5.3.4|250 2.0.0", ""),
	V("LMTP, no recipient", RIG_LMTP, "LHLO x" N M "RCPT TO:<missing@localhost>" N "DATA" N,
	  "250|250 2.1.0|550 5.1.1|503 5.5.1", ""),

	/* not mail at all */
	V("HTTP", 0, "GET / HTTP/1.1" N "Host: h" N, "421 4.7.0|x", ""),
	V("HTTP's POST", 0, "POST /x HTTP/1.1" N "Host: h" N, "421 4.7.0|x", ""),
	V("TLS where there is none", 0, "\26\3\1\2\0\1\0\1\374\3\3\n", "550 5.5.2|x", ""),
};
enum { VECTORS = sizeof vectors / sizeof vectors[0] };

#endif
