/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a guest's output becomes before it is shown, so that it can neither hide nor look like a
 * line of Viaduct's or of another guest: it never moves the cursor left of its own text, to another
 * line, or over its prefix, and never makes the terminal answer (the answer would be input of
 * whichever guest has it). Colours and what line editors of shells need pass:
 *
 *	passes            printable ASCII, UTF-8, tab, bell
 *	passes, bounded   backspace, CSI C and CSI D (right, left): inside the line as it is so far
 *	passes            CSI m (colours; they end with the line), CSI K and CSI J to the end,
 *	                  CSI P, CSI @, CSI X (delete, insert, erase characters to the right)
 *	is dropped        NUL; every other CSI sequence
 *	is shown          other control characters as ^X; ESC before anything else as ^[; bytes that
 *	                  are no UTF-8, U+0080..U+009F (C1) and controls of text direction as ?
 *
 * Line feed and carriage return are the console's: behind a carriage return it writes the prefix
 * again. On a terminal that is narrower than a line, what is wrapped begins at the left edge.
 */
#ifndef SERIAL_SCREEN_H
#define SERIAL_SCREEN_H

#include <hv/types.h>

#define SCREEN_SEQUENCE 24 /* longest escape sequence that passes */
#define SCREEN_OUT      (SCREEN_SEQUENCE + 6)

enum screen_state { SCREEN_TEXT, SCREEN_ESC, SCREEN_CSI, SCREEN_UTF8 };

struct screen {
	enum screen_state state;
	uint16_t column;  /* the cursor is at least so far right of the prefix */
	uint16_t width;   /* and the line has at least so many characters */
	bool coloured;    /* CSI m is to be undone at the end of the line */
	uint8_t seq_len;  /* of a sequence whose end has not come yet */
	uint8_t utf8_len; /* bytes it will have */
	char seq[SCREEN_SEQUENCE];
};

/* One character that is no LF and no CR. Writes what is shown for it, and returns how much. */
unsigned screen_put(struct screen *s, char c, char out[SCREEN_OUT]);

#endif
