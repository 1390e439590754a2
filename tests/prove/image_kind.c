/* SPDX-License-Identifier: Apache-2.0 */
/* What a file looks like: any first bytes of any size, none read behind the file's end. */
#include "prove.h"

#include "common/lib/image_kind.c"

void prove(void)
{
	uint8_t head[IMAGE_HEAD];
	size_t size = nondet_u64(), known = MIN(size, (size_t)IMAGE_HEAD);
	const uint8_t *file = head + IMAGE_HEAD - known;
	enum image_kind kind;

	__CPROVER_havoc_object(head);
	kind = image_kind(file, size);
	PROVE(kind <= IMAGE_ZEROS, "one of the kinds");
	PROVE(kind != IMAGE_ARM64 || (known >= 60 && file[56] == 'A'), "an Image has the magic");
	PROVE(kind != IMAGE_ZEROS || !known || !file[known - 1], "zeros are zeros");
	PROVE(known || kind == IMAGE_ZEROS, "an empty file is nothing");
}
