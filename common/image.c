/*
 * Guest kernels: the arm64 Image header, where things go in RAM, and gzip. Nothing here touches
 * guest memory; the loader does, with these addresses. Files are untrusted: a bad one is refused.
 */
#include <string.h>

#include <zlib.h>

#include <hv/image.h>

/* Linux, Documentation/arch/arm64/booting.rst, section 4. Little-endian fields. */
#define IMAGE_TEXT_OFFSET 8
#define IMAGE_SIZE        16
#define IMAGE_MAGIC       56
#define MAGIC             0x644d5241
#define OLD_TEXT_OFFSET   0x80000 /* image_size 0: a header from before Linux 3.17 */

#define INITRD_ALIGN KIB(64) /* a whole page, whatever the guest's page size */
#define DTB_SIZE     MIB(2) /* the kernel maps 2 MiB of it at most, and needs it not to cross one */

static uint64_t load_le(const void *p, unsigned bytes)
{
	const uint8_t *b = p;
	uint64_t v = 0;

	while (bytes--)
		v = v << 8 | b[bytes];
	return v;
}

static bool has_magic(const uint8_t *head)
{
	return load_le(head + IMAGE_MAGIC, 4) == MAGIC;
}

/* Offset from the base and size in memory; false: no kernel has such a header. */
static bool read_header(const uint8_t *head, uint64_t file_size, uint64_t *offset, uint64_t *size)
{
	*offset = 0;
	*size = file_size;
	if (!has_magic(head))
		return true;
	*offset = load_le(head + IMAGE_TEXT_OFFSET, 8);
	*size = load_le(head + IMAGE_SIZE, 8);
	if (!*size)
		*offset = OLD_TEXT_OFFSET;
	*size = MAX(*size, file_size);
	return IS_ALIGNED(*offset, PAGE_SIZE) && *offset <= MIB(2) && *size <= GIB(64);
}

enum hv_status image_layout(const void *head, uint64_t file_size, uint64_t initrd_size,
			    struct range ram, struct image_layout *out)
{
	struct image_layout l = { .dtb = ALIGN_DOWN(range_end(ram), DTB_SIZE) - DTB_SIZE };
	uint64_t base = ALIGN_UP(ram.base, MIB(2)), offset;
	struct range below; /* the device tree is in the last whole 2 MiB: this is what is left */

	if (!read_header(head, file_size, &offset, &l.kernel_size))
		return HV_EINVAL;
	if (!range_contains(ram, base, DTB_SIZE))
		return HV_ENOMEM;
	below = (struct range){ base, l.dtb - base };
	l.kernel = base + offset;
	if (!range_contains(below, l.kernel, l.kernel_size))
		return HV_ENOMEM;
	if (initrd_size) {
		/* Right behind the kernel: surely in the 32 GiB window that Linux asks for. */
		l.initrd = ALIGN_UP(l.kernel + l.kernel_size, INITRD_ALIGN);
		if (!range_contains(below, l.initrd, initrd_size))
			return HV_ENOMEM;
	}
	*out = l;
	return HV_OK;
}

/* RFC 1952 §2.3: ID1, ID2, CM = deflate; ten bytes of header and eight of trailer at least. */
bool image_is_gzip(const void *data, size_t size)
{
	return size >= 18 && load_le(data, 3) == 0x088b1f;
}

uint32_t image_gzip_size(const void *data, size_t size)
{
	return (uint32_t)load_le((const uint8_t *)data + size - 4, 4);
}

/* zlib asks for its state and its 32 KiB window, once each; nothing is freed before the end. */
struct arena {
	uint8_t *next;
	size_t left;
};

static voidpf arena_alloc(voidpf opaque, uInt items, uInt size)
{
	struct arena *a = opaque;
	size_t n = ALIGN_UP((size_t)items * size, 16);
	void *p = a->next;

	if (n > a->left)
		return Z_NULL;
	a->next += n;
	a->left -= n;
	return p;
}

static void arena_free(voidpf opaque, voidpf p)
{
	(void)opaque;
	(void)p;
}

#define PIECE KIB(16)

enum hv_status image_inflate(const void *data, size_t size, uint64_t limit, image_sink_fn *sink,
			     void *arg, void *work, size_t work_size)
{
	uint8_t *piece = work;
	struct arena arena = { piece + PIECE, work_size > PIECE ? work_size - PIECE : 0 };
	z_stream z = { .zalloc = arena_alloc, .zfree = arena_free, .opaque = &arena };
	uint64_t total = 0;
	int r;

	if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK) /* 16: a gzip header and trailer, checked */
		return HV_ENOMEM;
	z.next_in = (z_const Bytef *)(uintptr_t)data;
	do {
		uInt feed = (uInt)MIN(size, (size_t)GIB(1)), made;

		z.avail_in = feed;
		z.next_out = piece;
		z.avail_out = PIECE;
		r = inflate(&z, Z_NO_FLUSH);
		size -= feed - z.avail_in;
		made = (uInt)PIECE - z.avail_out;
		if (made > limit - total) {
			sink(arg, piece, (size_t)(limit - total));
			return HV_ENOMEM;
		}
		total += made;
		if (made)
			sink(arg, piece, made);
		/* Each round eats or makes something: zlib reports Z_BUF_ERROR otherwise. */
	} while (r == Z_OK);
	return r == Z_STREAM_END ? HV_OK : HV_EINVAL;
}

struct head {
	uint8_t *to;
	size_t have;
};

static void keep_head(void *arg, const void *piece, size_t size)
{
	struct head *h = arg;

	size = MIN(size, IMAGE_HEAD - h->have);
	memcpy(h->to + h->have, piece, size);
	h->have += size;
}

enum hv_status image_head(const void *data, size_t size, void *work, size_t work_size, void *head,
			  uint64_t *file_size)
{
	struct head h = { .to = head };
	enum hv_status s;

	memset(head, 0, IMAGE_HEAD);
	if (!image_is_gzip(data, size)) {
		keep_head(&h, data, size);
		*file_size = size;
		return HV_OK;
	}
	*file_size = image_gzip_size(data, size);
	/* More than a head is in there: the limit ends it, which is no error here. */
	s = image_inflate(data, size, IMAGE_HEAD, keep_head, &h, work, work_size);
	if (s == HV_ENOMEM && h.have < IMAGE_HEAD)
		return HV_ENOMEM;
	return s != HV_EINVAL && has_magic(head) ? HV_OK : HV_EINVAL;
}
