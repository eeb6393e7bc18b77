/* `sheaf doctor`: what stands in the way, and what to do about it. See doctor.h. */
#include "client/cli/doctor.h"

#include <stdarg.h>
#include <stdio.h>

#include "client/cli/commands.h"
#include "client/cli/show.h"

void doctor_say(struct doctor *d, enum finding f, const char *check, const char *advice, const char *format, ...)
{
	static const char *const levels[] = { "ok", "warn", "FAIL" };
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	d->warned += f == FINDING_WARN;
	d->failed += f == FINDING_FAIL;
	if (d->c->flags.json) {
		json_t *object = json_pack("{ssss}", "check", check, "level", f == FINDING_FAIL ? "fail" : levels[f]);

		show_json_bytes(object, "text", span_str(text));
		if (advice)
			show_json_bytes(object, "advice", span_str(advice));
		show_json(&d->c->out, object);
	} else if (f != FINDING_OK || !d->c->flags.quiet) {
		out_format(&d->c->out, "%-5s %-12s %s%s%s\n", levels[f], check, text, advice ? ": " : "",
		           advice ? advice : "");
	}
	out_flush(&d->c->out); /* the next one may take a while */
}

static int cmd_doctor(struct cli *c)
{
	struct doctor d = { .c = c };

	if (doctor_keys(&d)) {
		int status = cli_session(c);

		if (status)
			return status;
		doctor_broker(&d);
	}
	doctor_local(&d);
	if (!c->flags.json && !c->flags.quiet)
		out_format(&c->out, "%u to mend, %u to look at\n", d.failed, d.warned);
	return d.failed ? EXIT_FAILED : EXIT_DONE;
}

const struct command command_doctor = {
	.name = "doctor",
	.args = "",
	.group = GROUP_SHEAF,
	.line = "see what is wrong, and what to do about it",
	.text = "A line for each check: ok, warn or FAIL, and what to do. It looks whether the broker answers,\n"
		"how fast, and at all of its sockets; whether its clock and ours agree; for queues with jobs and\n"
		"no worker, for workers that are silent or drained; at the broker's disk; at this machine's\n"
		"limits, clock and environment, and with --keys at the keys.",
	.failed = "there was a FAIL",
	.example = "sheaf doctor --broker tcp://10.0.0.5:7400",
	.run = cmd_doctor,
};
