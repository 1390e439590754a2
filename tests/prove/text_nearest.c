/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a misspelt word was meant to be: every word and every list of two words, of at most 3 bytes
 * each; words of up to WORD_MAX take the same steps more often.
 */
#include "prove.h"

#include "common/lib/nearest.c"

#define WORD 4 /* with NUL */

void prove(void)
{
	char word[WORD], list[2 * WORD + 1];
	const char *best;
	unsigned first;

	__CPROVER_havoc_object(word);
	__CPROVER_havoc_object(list);
	word[WORD - 1] = list[WORD - 1] = list[2 * WORD - 1] = list[2 * WORD] = 0;
	best = text_nearest(word, list);
	first = (unsigned)strlen(list) + 1;
	PROVE(!best || best == list || best == list + first || best > list + first,
	      "one of the list");
	PROVE(!best || distance(word, best) < 2, "a slip is one character");
	PROVE(strcmp(word, list) || !list[0] || best == list, "a word is nearest to itself");
}
