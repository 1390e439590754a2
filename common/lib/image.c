/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest kernels: the arm64 Image header, where things go in RAM, and gzip. Nothing here touches
 * guest memory; the loader does, with these addresses. Files are untrusted: a bad one is refused.
 */
#include <string.h>

#include <zlib.h>

#include <hv/image.h>
#include <spec/image.h>

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
	return load_le(head + IMAGE_MAGIC, 4) == IMAGE_MAGIC_VALUE;
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
		*offset = IMAGE_OLD_TEXT_OFFSET;
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

bool image_is_gzip(const void *data, size_t size)
{
	return size >= GZIP_HEADER + GZIP_TRAILER && load_le(data, 3) == GZIP_MAGIC;
}

bool image_read_memory(const void *where, uint64_t offset, void *to, size_t size)
{
	memcpy(to, (const char *)where + offset, size);
	return true;
}

/*
 * Where the deflated data begins; 0: an unknown kind, or cut. `file` is the begin of what is gzip
 * by image_is_gzip(). A CRC of the header itself is stepped over: the one of the content counts.
 */
static size_t skip_header(const uint8_t *file, size_t size)
{
	uint8_t flags = file[GZIP_FLAGS];
	size_t at = GZIP_HEADER;

	if (flags & GZIP_FLAG_EXTRA)
		at += 2 + (size_t)load_le(file + at, 2);
	for (uint8_t text = GZIP_FLAG_NAME; text <= GZIP_FLAG_COMMENT; text = (uint8_t)(text << 1))
		if (flags & text)
			while (at < size && file[at++])
				;
	if (flags & GZIP_FLAG_HCRC)
		at += 2;
	return (flags & GZIP_FLAG_RESERVED) || at + GZIP_TRAILER > size ? 0 : at;
}

/*
 * inflateBack() leaves header, trailer and output to its caller, and needs neither zlib's crc32
 * (13 KiB of tables and code) nor a second buffer: pieces are handed out of the window itself, the
 * first half of the work memory. Then come zlib's state, and a piece of the file.
 */
struct inflation {
	struct image_file file;
	uint64_t next; /* offset of what zlib has not seen yet */
	uint8_t *piece;
	image_sink_fn *sink;
	void *arg;
	uint64_t limit, made;
	uint32_t crc;
	bool unreadable;
};

#define STATE_AT   (IMAGE_WORK / 2)
#define STATE_SIZE (IMAGE_WORK / 4)
#define PIECE_AT   (STATE_AT + STATE_SIZE)
_Static_assert(PIECE_AT + IMAGE_PIECE <= IMAGE_WORK, "window, state and piece");

/* zlib allocates its state, once, and frees nothing before the end. */
static voidpf state_alloc(voidpf opaque, uInt items, uInt size)
{
	uint8_t *work = opaque;

	return (size_t)items * size <= STATE_SIZE ? work + STATE_AT : Z_NULL;
}

static void state_free(voidpf opaque, voidpf p)
{
	(void)opaque, (void)p;
}

static unsigned feed(void *arg, z_const unsigned char **next)
{
	struct inflation *f = arg;
	size_t n = (size_t)MIN(f->file.size - f->next, IMAGE_PIECE);

	if (!f->file.read(f->file.where, f->next, f->piece, n)) {
		f->unreadable = true;
		n = 0; /* zlib ends */
	}
	*next = f->piece;
	f->next += n;
	return (unsigned)n;
}

/* RFC 1952 §8: the reflected CRC-32, four bits a step. */
static uint32_t crc_update(uint32_t crc, const uint8_t *p, size_t size)
{
	static const uint32_t table[16] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
		0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
		0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
	};

	for (; size; size--) {
		crc ^= *p++;
		crc = table[crc & 15] ^ crc >> 4;
		crc = table[crc & 15] ^ crc >> 4;
	}
	return crc;
}

static int take_inflated(void *arg, unsigned char *piece, unsigned size)
{
	struct inflation *f = arg;
	size_t fits = (size_t)MIN((uint64_t)size, f->limit - f->made);

	f->crc = crc_update(f->crc, piece, fits);
	f->made += fits;
	f->sink(f->arg, piece, fits);
	return fits < size; /* not 0: enough */
}

/* The trailer, RFC 1952 §2.3.1, is at `offset`. */
static enum hv_status check_trailer(const struct inflation *f, uint64_t offset)
{
	uint8_t trailer[GZIP_TRAILER];

	if (f->file.size - offset < GZIP_TRAILER)
		return HV_EINVAL;
	if (!f->file.read(f->file.where, offset, trailer, GZIP_TRAILER))
		return HV_EUNSUPP;
	return load_le(trailer, 4) == (uint32_t)~f->crc &&
			       load_le(trailer + 4, 4) == (uint32_t)f->made ?
		       HV_OK :
		       HV_EINVAL;
}

/* The first piece of the file is in f->piece. */
static enum hv_status inflate_all(struct inflation *f, void *work)
{
	z_stream z = { .zalloc = state_alloc, .zfree = state_free, .opaque = work };
	size_t start = skip_header(f->piece, (size_t)MIN(f->file.size, IMAGE_PIECE));
	int r;

	if (!start || inflateBackInit(&z, MAX_WBITS, work) != Z_OK)
		return HV_EINVAL;
	f->next = start;
	r = inflateBack(&z, feed, f, take_inflated, f);
	if (f->unreadable)
		return HV_EUNSUPP;
	if (r == Z_BUF_ERROR && z.next_in)
		return HV_ENOMEM;
	return r == Z_STREAM_END ? check_trailer(f, f->next - z.avail_in) : HV_EINVAL;
}

static enum hv_status copy_all(struct image_file file, uint64_t limit, image_sink_fn *sink,
			       void *arg, void *work)
{
	uint64_t size = MIN(file.size, limit);

	for (uint64_t at = 0, n; at < size; at += n) {
		n = MIN(size - at, IMAGE_WORK);
		if (!file.read(file.where, at, work, (size_t)n))
			return HV_EUNSUPP;
		sink(arg, work, (size_t)n);
	}
	return file.size > limit ? HV_ENOMEM : HV_OK;
}

enum hv_status image_unpack(struct image_file file, uint64_t limit, image_sink_fn *sink, void *arg,
			    void *work)
{
	uint8_t *piece = (uint8_t *)work + PIECE_AT;
	struct inflation f = { file, 0, piece, sink, arg, limit, 0, UINT32_MAX, false };

	if (!file.read(file.where, 0, piece, (size_t)MIN(file.size, IMAGE_PIECE)))
		return HV_EUNSUPP;
	if (image_is_gzip(piece, (size_t)file.size))
		return inflate_all(&f, work);
	return copy_all(file, limit, sink, arg, work);
}

static void append_piece(void *arg, const void *piece, size_t size)
{
	uint8_t **to = arg;

	memcpy(*to, piece, size);
	*to += size;
}

/*
 * Is this what a whole gzip file of an Image has inside? The last bytes of a file that was cut are
 * not its size: an Image is never larger than its header says, as that counts .bss too.
 */
static bool plausible_inside(const uint8_t *head, uint64_t size)
{
	uint64_t in_memory = load_le(head + IMAGE_SIZE, 8);

	return has_magic(head) && (!in_memory || size <= in_memory);
}

enum hv_status image_head(const void *data, size_t size, void *head, uint64_t *file_size)
{
	static uint8_t work[IMAGE_WORK] __attribute__((aligned(64)));
	bool gzip = image_is_gzip(data, size);
	uint8_t *to = memset(head, 0, IMAGE_HEAD);

	*file_size = gzip ? load_le((const uint8_t *)data + size - 4, 4) :
			    size; /* RFC 1952 §2.3.1 */
	/* More than a head is in there: the limit ends it, which is no error here. */
	if (image_unpack(image_in_memory(data, size), IMAGE_HEAD, append_piece, &to, work) ==
	    HV_EINVAL)
		return HV_EINVAL;
	return gzip && !plausible_inside(head, *file_size) ? HV_EINVAL : HV_OK;
}
