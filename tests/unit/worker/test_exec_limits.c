/* The exec handler: limits, working directories, environments. */
#include <stdio.h>
#include <unistd.h>

#include "tests/unit/base/suite.h"
#include "tests/unit/worker/exec_kit.h"
#include "worker/scratch.h"

START_TEST(test_limit_output)
{
	config.limits = (struct job_limits){ .output = 1000, .output_text = "1000" };
	SH("", "head -c 1000 /dev/zero; head -c 1000 /dev/zero >&2");
	verdict(VERDICT_DONE, 0);
	SH("", "head -c 1001 /dev/zero");
	verdict(VERDICT_KILLED, 137);
	is(&out.error, "it wrote more than --limit-output 1000 allows");
	ck_assert_uint_eq(out.result.n, 0);
	SH("", "exec cat /dev/zero");
	verdict(VERDICT_KILLED, 137);
	SH("", "head -c 1001 /dev/zero >&2; exit 1");
	verdict(VERDICT_KILLED, 137);
}
END_TEST

START_TEST(test_limit_cpu)
{
	config.limits = (struct job_limits){ .cpu_ms = 200, .cpu_text = "200ms" };
	SH("", "while :; do :; done");
	verdict(VERDICT_KILLED, 137);
	is(&out.error, "it used more processor time than --limit-cpu 200ms allows");
	SH("", "(while :; do :; done) & (while :; do :; done) & wait"); /* together */
	verdict(VERDICT_KILLED, 137);
	SH("", "sleep 0.5; echo slept"); /* time that it does not use is free */
	verdict(VERDICT_DONE, 0);
	is(&out.result, "slept\n");
}
END_TEST

START_TEST(test_limit_mem)
{
#ifdef __SANITIZE_THREAD__
	return; /* its vfork is a fork: for a moment the process has all that this one has */
#endif
	config.limits = (struct job_limits){ .mem = 64 << 20, .mem_text = "64M" };
	RUN(span_str(""), "sh", "-c",
	    "/usr/bin/python3 -c 'import time; x = b\"x\" * 150000000; time.sleep(1000)'; true");
	verdict(VERDICT_KILLED, 137);
	is(&out.error, "it used more memory than --limit-mem 64M allows");
	/* 40 MB that four processes share */
	if (access("/proc/self/smaps_rollup", R_OK) != 0)
		return;
	RUN(span_str(""), "/usr/bin/python3", "-c",
	    "import os, time\nx = bytearray(40000000)\nfor i in range(3): os.fork() == 0 and (time.sleep(1), "
	    "os._exit(0))\n"
	    "for i in range(3): os.wait()");
	verdict(VERDICT_DONE, 0);
	SH("", "echo small");
	verdict(VERDICT_DONE, 0);
	is(&out.result, "small\n");
}
END_TEST

START_TEST(test_dir)
{
	char base[SCRATCH_PATH], inside[SCRATCH_PATH + 8] = { 0 };

	config.dir = "/";
	SH("", "pwd");
	is(&out.result, "/\n");
	config.dir = "/nowhere/at-all";
	SH("", "pwd");
	ck_assert_int_eq(out.verdict, VERDICT_FAILED);
#ifndef __SANITIZE_THREAD__
	verdict(VERDICT_FAILED, 126);
	is(&out.error, "cannot enter --dir /nowhere/at-all: No such file or directory");
#endif
	config.dir = NULL;
	ck_assert(scratch_open(base));
	config.scratch = base;
	SH("", "pwd; ls -A; mkdir -p a/b; echo x >a/b/c; ln -s /etc link; chmod 0 a");
	verdict(VERDICT_DONE, 0);
	memcpy(inside, out.result.p, out.result.n - 1); /* nothing but its own name: ls had nothing to say */
	ck_assert_msg(strncmp(inside, base, strlen(base)) == 0 && strchr(inside, '\n') == NULL, "%s", inside);
	ck_assert_int_eq(access(inside, F_OK), -1);
	ck_assert_int_eq(access("/etc/passwd", F_OK), 0); /* links are not followed */
	config.scratch = NULL;
	ck_assert(scratch_remove(base));
	ck_assert_int_eq(access(base, F_OK), -1);
}
END_TEST

START_TEST(test_env)
{
	char *env[] = { (char[]){ "COLOUR=red" }, (char[]){ "SECRET=" } };

	setenv("SECRET", "of the worker", 1);
	setenv("COLOUR", "blue", 1);
	setenv("OTHER", "kept", 1);
	setenv("LC_NUMERIC", "C", 1);
	config.env = env;
	config.n_env = 2;
	SH("", "echo $COLOUR ${SECRET-unset} ${OTHER-unset}; env | grep -c COLOUR");
	is(&out.result, "red kept\n1\n");
	config.env_clean = true;
	SH("", "echo $COLOUR ${SECRET-unset} ${OTHER-unset} $LC_NUMERIC $SHEAF_JOB_ID ${PATH:+path}");
	is(&out.result, "red unset C 42 path\n");
}
END_TEST

SUITE_MAIN("exec_limits", test_limit_output, test_limit_cpu, test_limit_mem, test_dir, test_env)
