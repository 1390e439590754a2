/* SPDX-License-Identifier: Apache-2.0 */
/* What a misspelt word was probably meant to be. For messages about declarations; boot only. */
#include <string.h>

#include <hv/log.h>

#define WORD_MAX 40 /* longer words are not compared */

/*
 * Levenshtein's distance: how many characters to add, remove or replace. Row by row of the table,
 * of which only the last row is kept.
 */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[WORD_MAX + 1], before, above, len = (unsigned)strlen(b);

	for (unsigned j = 0; j <= len; j++)
		row[j] = j;
	for (unsigned i = 1; *a; i++, a++) {
		before = row[0];
		row[0] = i;
		for (unsigned j = 1; j <= len; j++) {
			above = row[j];
			row[j] = MIN(MIN(above, row[j - 1]) + 1, before + (*a != b[j - 1]));
			before = above;
		}
	}
	return row[len];
}

const char *text_nearest(const char *word, const char *list)
{
	unsigned least = strlen(word) > 4 ? 3 : 2; /* less than this is a slip */
	const char *best = NULL;

	if (strlen(word) > WORD_MAX)
		return NULL;
	for (; *list; list += strlen(list) + 1) {
		unsigned d = strlen(list) > WORD_MAX ? least : distance(word, list);

		if (d < least) {
			least = d;
			best = list;
		}
	}
	return best;
}
