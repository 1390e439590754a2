/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `lspci -D -vv -xxxx`, taken as root under Linux, becomes a model of config space: bytes from the
 * hex part, the sizes of BARs from "[size=16K]" of the verbose part, the topology from the buses
 * that bridges say are behind them. Viaduct then enumerates the model as it would the board:
 * BARs size, buses are renumbered, capability lists are walked.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "../../tests/host/pci_model.h"
#include "tool.h"

#define MAX_LISTED MAX_PCI_FUNCS

struct listed {
	unsigned domain, bus, devfn, line;
	unsigned bytes; /* of config space */
	uint8_t cfg[4096];
	uint64_t bar_size[6];
	bool has_bar[6];
	bool placed;
	struct pcim_dev *dev; /* in the model; NULL: not there, or left out */
};

static struct listed *listed;
static unsigned listed_count;
static const char *file;

static struct listed *device_line(const char *s, unsigned line)
{
	unsigned domain = 0, bus, dev, fn;
	struct listed *l;
	int end = 0;

	if ((sscanf(s, "%x:%2x:%2x.%1x %n", &domain, &bus, &dev, &fn, &end) != 4 || !end) &&
	    ((domain = 0), sscanf(s, "%2x:%2x.%1x %n", &bus, &dev, &fn, &end) != 3 || !end))
		die("%s:%u: neither a device nor a line of its details", file, line);
	if (domain > 0xffff || dev > 31 || fn > 7)
		die("%s:%u: no PCI address", file, line);
	if (listed_count == MAX_LISTED)
		die("%s:%u: more than %u functions", file, line, MAX_LISTED);
	for (unsigned i = 0; i < listed_count; i++)
		if (listed[i].domain == domain && listed[i].bus == bus &&
		    listed[i].devfn == (dev << 3 | fn))
			die("%s:%u: this function is listed twice", file, line);
	listed = realloc(listed, (listed_count + 1) * sizeof(*listed));
	if (!listed)
		die("out of memory");
	l = &listed[listed_count++];
	*l = (struct listed){ .domain = domain, .bus = bus, .devfn = dev << 3 | fn, .line = line };
	return l;
}

/* "\tRegion 0: Memory at 50000000 (64-bit, non-prefetchable) [size=16K]" */
static void region_line(struct listed *l, const char *s, unsigned line)
{
	static const char units[] = "\0KMGT";
	const char *size = strstr(s, "[size="), *unit;
	unsigned bar;
	char *end;

	if (sscanf(s, "Region %1u:", &bar) != 1 || bar > 5 || !size)
		return;
	l->bar_size[bar] = strtoull(size + 6, &end, 10);
	unit = *end == ']' ? units : memchr(units + 1, *end, 4);
	if (!unit)
		die("%s:%u: size of BAR %u is not understood", file, line, bar);
	l->bar_size[bar] <<= 10 * (unit - units);
	if (!l->bar_size[bar] || l->bar_size[bar] & (l->bar_size[bar] - 1))
		die("%s:%u: the size of BAR %u is no power of two", file, line, bar);
	l->has_bar[bar] = true;
}

static bool hex_line(struct listed *l, const char *s, unsigned line)
{
	unsigned off, v;
	int n = 0;

	if (!isxdigit((unsigned char)s[0]) || sscanf(s, "%3x:%n", &off, &n) != 1 || s[n] != ' ')
		return false;
	if (!l || off & 15 || off != l->bytes)
		die("%s:%u: bytes 0x%x are not where they belong", file, line, off);
	for (s += n; off < 4096 && sscanf(s, " %2x%n", &v, &n) == 1; s += n)
		l->cfg[off++] = (uint8_t)v;
	if (off != l->bytes + 16)
		die("%s:%u: a line has 16 bytes", file, line);
	l->bytes = off;
	return true;
}

static void check_complete(const struct listed *l)
{
	if (l->bytes < 256)
		die("%s:%u: %u bytes of config space; take the listing as root, with -xxxx", file,
		    l->line, l->bytes);
}

void listing_load(const char *path)
{
	size_t size;
	char *text = read_file(path, &size), *at = text;
	struct listed *l = NULL;

	file = path;
	for (unsigned line = 1; at; line++) {
		char *s = strsep(&at, "\n");

		if (s[0] == '\t' && l)
			region_line(l, s + 1, line);
		else if (*s && *s != '\r' && !isspace((unsigned char)*s) && !hex_line(l, s, line))
			l = device_line(s, line);
	}
	free(text);
	if (!listed_count)
		die("%s: no device; give the output of lspci -D -vv -xxxx", path);
	for (unsigned i = 0; i < listed_count; i++)
		check_complete(&listed[i]);
}

static bool is_bridge(const struct listed *l)
{
	return (l->cfg[0x0e] & 0x7f) == 1;
}

static const struct listed *bridge_above(const struct listed *l)
{
	for (unsigned i = 0; i < listed_count; i++) {
		const struct listed *b = &listed[i];

		if (b != l && b->domain == l->domain && is_bridge(b) && b->cfg[0x19] == l->bus &&
		    b->bus < l->bus)
			return b;
	}
	return NULL;
}

static unsigned get16(const struct pcim_dev *d, unsigned off)
{
	return d->cfg[off] | (unsigned)d->cfg[off + 1] << 8;
}

/* What Viaduct writes in capabilities, and what the model has to know of them. */
static void open_capabilities(struct pcim_dev *d)
{
	unsigned at = d->cfg[0x06] & 0x10 ? d->cfg[0x34] & ~3u : 0;

	for (unsigned n = 0; at >= 0x40 && at <= 0xf0 && n < 48; n++) {
		switch (d->cfg[at]) {
		case 0x01: /* power: the listing may show it asleep, a reset leaves it awake */
			d->pm = (uint8_t)at;
			pcim_writable(d, at + 4, 2, 0x0103);
			d->w1c[at + 5] = 0x80;
			d->power_on[at + 4] &= (uint8_t)~3u;
			break;
		case 0x05:
			pcim_writable(d, at + 2, 2, 0x0071);
			break;
		case 0x10:
			d->pcie = (uint8_t)at;
			pcim_writable(d, at + 0x08, 2, 0xffff);
			if (at + 0x2a <= 0x100) {
				pcim_writable(d, at + 0x10, 2, 0x00ff);
				pcim_writable(d, at + 0x18, 2, 0xffff);
				pcim_writable(d, at + 0x1c, 2, 0x001f);
				pcim_writable(d, at + 0x28, 2, 0xffff);
			}
			break;
		case 0x11:
			pcim_writable(d, at + 2, 2, 0xc000);
			break;
		case 0x13:
			d->af = (uint8_t)at;
			pcim_writable(d, at + 4, 1, 1);
			break;
		}
		at = d->cfg[at + 1] & ~3u;
	}
	at = 0x100;
	for (unsigned n = 0; at >= 0x100 && at <= 0xff8 && n < 960; n++) {
		if (get16(d, at) == 0x000d)
			pcim_writable(d, at + 6, 2, get16(d, at + 4) & 0x7f);
		at = get16(d, at + 2) >> 4 & ~3u;
	}
}

static void place_bars(const struct listed *l, struct pcim_dev *d)
{
	unsigned bars = is_bridge(l) ? 2 : 6;

	for (unsigned i = 0; i < bars; i++) {
		unsigned off = 0x10 + 4 * i;
		uint64_t mask = ~(l->bar_size[i] - 1);
		bool io = d->cfg[off] & 1, wide = (d->cfg[off] & 7) == 4;

		if (!l->has_bar[i]) {
			if (d->cfg[off] || d->cfg[off + 1] || d->cfg[off + 2] || d->cfg[off + 3])
				assume("%s:%u: BAR %u has no [size=]; taken as not there (lspci "
				       "-vv)",
				       file, l->line, i);
			memset(d->cfg + off, 0, 4);
			continue;
		}
		pcim_writable(d, off, 4, (uint32_t)mask & (io ? ~3u : ~15u));
		if (wide && i + 1 < bars)
			pcim_writable(d, off + 4, 4, (uint32_t)(mask >> 32));
		i += wide;
	}
}

static void place(struct pcim *m, struct listed *l, struct pcim_dev *up)
{
	unsigned vendor = l->cfg[0] | (unsigned)l->cfg[1] << 8;
	unsigned device = l->cfg[2] | (unsigned)l->cfg[3] << 8;

	l->placed = true;
	if (m->count == PCIM_MAX)
		die("%s:%u: more than %u functions behind one host bridge", file, l->line,
		    PCIM_MAX);
	if (vendor == 0xffff) {
		assume("%s:%u: config space reads all ones; left out", file, l->line);
		return;
	}
	l->dev = is_bridge(l) ? pcim_bridge(m, up, l->devfn >> 3, l->devfn & 7, -1) :
				pcim_endpoint(m, up, l->devfn >> 3, l->devfn & 7, (uint16_t)vendor,
					      (uint16_t)device);
	if (!up)
		l->dev->root_bus = (uint8_t)l->bus;
	memcpy(l->dev->cfg, l->cfg, sizeof(l->cfg));
	place_bars(l, l->dev);
	memcpy(l->dev->power_on, l->dev->cfg, sizeof(l->cfg));
	open_capabilities(l->dev);
	if (l->dev->pcie && l->bytes <= 256)
		assume("%s:%u: no extended config space, so no ACS (lspci -xxxx as root)", file,
		       l->line);
}

static struct pcim *model(const struct pci_host *h)
{
	struct pcim *m = calloc(1, sizeof(*m));

	if (!m)
		die("out of memory");
	pcim_init(m, h->ecam.base, h->ecam.size, h->bus_first);
	return m;
}

void listing_place(const struct pci_host *h)
{
	struct pcim *m = model(h);
	bool more = true;

	while (more) {
		more = false;
		for (unsigned i = 0; i < listed_count; i++) {
			struct listed *l = &listed[i];
			const struct listed *up = bridge_above(l);

			if (l->domain != h->segment || l->placed || (up && !up->dev))
				continue;
			place(m, l, up ? up->dev : NULL);
			more = true;
		}
	}
}

void listing_left_out(void)
{
	for (unsigned i = 0; i < listed_count; i++)
		if (!listed[i].placed)
			assume("%s:%u: %04x:%02x:%02x.%x is left out: no host bridge that Viaduct "
			       "drives has its segment, or no bridge leads to it",
			       file, listed[i].line, listed[i].domain, listed[i].bus,
			       listed[i].devfn >> 3, listed[i].devfn & 7);
}

/* An NVMe disk: behind a root port with ACS, or integrated where there is one bus only. */
void sample_place(const struct pci_host *h)
{
	struct pcim *m = model(h);
	bool integrated = h->bus_first == h->bus_last;
	struct pcim_dev *port = integrated ? NULL : pcim_bridge(m, NULL, 0, 0, 4), *disk;

	if (port)
		pcim_acs(port, 0x1d);
	disk = pcim_endpoint(m, port, 0, 0, 0x1b36, 0x0010);
	pcim_set(disk, 0x08, 4, 0x01080202);
	pcim_bar(disk, 0, KIB(16), PCIM_MEM64);
	pcim_pcie(disk, integrated ? 9 : 0, true, 1);
	pcim_msix(disk, 8, 0x2000, 0x3000);
}
