/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header of a gzip file of at most MOST bytes, each of them anything, is never read beyond its
 * end, and what is left behind it has room for a trailer.
 */
#include "prove.h"

#include <hv/bits.h>

#include "common/lib/image.c"

#define MOST 28

void prove(void)
{
	uint8_t file[MOST];
	size_t size = any_below(MOST + 1), at;
	/* The file ends where the object ends, so that a read behind it is seen. */
	const uint8_t *data = file + MOST - size;

	__CPROVER_havoc_object(file);
	if (!image_is_gzip(data, size))
		return;
	at = skip_header(data, size);
	PROVE(!at || at >= GZIP_HEADER, "the header is not shorter than it is");
	PROVE(at <= size, "deflated data begins inside the file");
	PROVE(!at || size - at >= GZIP_TRAILER, "and leaves the trailer");
	PROVE(!at || !(data[GZIP_FLAGS] & GZIP_FLAG_RESERVED), "no unknown kinds");
}
