/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions whose resets do not do what they say. Facts of the parts, as Linux' quirks have them;
 * the method of reset is chosen by what is left.
 */
#include "pci_priv.h"

static const struct {
	uint16_t vendor, device;
	uint8_t quirks;
} parts[] = {
	{ 0x1022, 0x1487, QUIRK_NO_FLR }, /* AMD Starship HD audio and USB: hang in FLR */
	{ 0x1022, 0x148c, QUIRK_NO_FLR },
	{ 0x1022, 0x149c, QUIRK_NO_FLR },
	{ 0x8086, 0x1502, QUIRK_NO_FLR }, /* Intel 82579: FLR is offered and does nothing good */
	{ 0x8086, 0x1503, QUIRK_NO_FLR },
	{ 0x144d, 0xa804, QUIRK_NO_FLR },       /* Samsung SM961: FLR hangs it unless it is off */
	{ 0x8086, 0x0953, QUIRK_SLOW_FLR },     /* Intel DC P3700: not before 250 ms */
	{ 0x168c, 0x0030, QUIRK_NO_BUS_RESET }, /* Atheros AR93xx to AR95xx: never come back */
	{ 0x168c, 0x0032, QUIRK_NO_BUS_RESET },
	{ 0x168c, 0x0033, QUIRK_NO_BUS_RESET },
	{ 0x168c, 0x0034, QUIRK_NO_BUS_RESET },
	{ 0x168c, 0x003c, QUIRK_NO_BUS_RESET },
	{ 0x104c, 0xb005, QUIRK_NO_BUS_RESET }, /* TI C667x */
};

unsigned pci_quirks(const struct pci_func *f)
{
	for (unsigned i = 0; i < ARRAY_SIZE(parts); i++)
		if (parts[i].vendor == f->vendor && parts[i].device == f->device)
			return parts[i].quirks;
	return 0;
}
