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

static void (*output)(const char *line, size_t n) __ro_after_boot;

void log_set_output(void (*put)(const char *line, size_t n))
{
	output = put;
}

void log_line(enum log_level level, const char *fmt, ...)
{
	char line[LINE_MAX + 1];
	size_t n = fmt_print(line, LINE_MAX, "%s", prefixes[level]);
	va_list ap;

	va_start(ap, fmt);
	n += fmt_vprint(line + n, LINE_MAX - n, fmt, ap);
	va_end(ap);
	line[n++] = '\n';
	if (output)
		output(line, n);
}
