/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: formats one line on the stack and hands it to the output whole, so that lines of
 * several CPUs never mix. Longer lines are cut.
 */
#include <hv/log.h>

#define LINE_MAX 256

static const char prefixes[][20] = {
	[LOG_ERR] = "viaduct: error: ",
	[LOG_WARN] = "viaduct: warning: ",
	[LOG_INFO] = "viaduct: ",
};

static log_output_fn *output __ro_after_boot;

void log_set_output(log_output_fn *put)
{
	output = put;
}

static bool put_line(enum log_level level, bool spare, const char *fmt, va_list ap)
{
	char line[LINE_MAX + 1];
	size_t n = fmt_print(line, LINE_MAX, "%s", prefixes[level]);

	n += fmt_vprint(line + n, LINE_MAX - n, fmt, ap);
	line[n++] = '\n';
	return output && output(line, n, spare);
}

void log_line(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put_line(level, false, fmt, ap);
	va_end(ap);
}

bool log_spare(const char *fmt, ...)
{
	va_list ap;
	bool taken;

	va_start(ap, fmt);
	taken = put_line(LOG_WARN, true, fmt, ap);
	va_end(ap);
	return taken;
}
