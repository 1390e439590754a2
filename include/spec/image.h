/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that a guest is loaded from: the arm64 Image header (Linux,
 * Documentation/arch/arm64/booting.rst, section 4; little-endian fields) and gzip (RFC 1952 §2.3).
 */
#ifndef SPEC_IMAGE_H
#define SPEC_IMAGE_H

#define IMAGE_TEXT_OFFSET     8
#define IMAGE_SIZE	      16
#define IMAGE_MAGIC	      56
#define   IMAGE_MAGIC_VALUE   0x644d5241
#define IMAGE_OLD_TEXT_OFFSET 0x80000 /* with image_size 0: a header from before Linux 3.17 */

#define GZIP_MAGIC	   0x088b1f /* ID1, ID2, CM = deflate */
#define GZIP_HEADER	   10
#define GZIP_FLAGS	   3 /* offset */
#define   GZIP_FLAG_HCRC     0x02
#define   GZIP_FLAG_EXTRA    0x04
#define   GZIP_FLAG_NAME     0x08
#define   GZIP_FLAG_COMMENT  0x10
#define   GZIP_FLAG_RESERVED 0xe0
#define GZIP_TRAILER	   8 /* CRC-32 and ISIZE */

#endif
