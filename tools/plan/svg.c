#include "tool.h"
void svg_write(const struct tool *t, FILE *f)
{
	(void)t, (void)f;
}
