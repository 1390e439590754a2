# SPDX-License-Identifier: Apache-2.0
"""The proofs: one row each. `make prove` runs them, `make prove-planted` breaks the code for each.

name      tests/prove/NAME.c, whose head says what is assumed
bounds    for the reader: of which inputs it is a proof
unwind    how often a loop may go round; more is a failure, so the bound is proven too
planted   file, text, text with a bug that the proof must find
flags     more for cbmc; CONVERT: no implicit or explicit conversion changes a value; CADICAL: faster here
soak      takes longer than a minute: only `make soak` runs it
"""
from collections import namedtuple

Proof = namedtuple("Proof", "name bounds unwind planted flags soak", defaults=((), False))
CONVERT = "--conversion-check"
CADICAL = ("--sat-solver", "cadical")

PROOFS = [
    Proof("cfg_decide", "every rule, lane and value", 2,
          ("vpci/config.c", "(hw_now & ~(take & r->hw) & ~r->w1c)", "(hw_now & ~(take & r->hw))"), (CONVERT,)),
    Proof("cfg_rules", "every row, every write", 2,
          ("vpci/rules.c", "[ROW_DEVCTL] = { .hw = STATUS(DEVSTA_LIVE),",
           "[ROW_DEVCTL] = { .hw = STATUS(DEVSTA_LIVE) | PCI_EXP_DEVCTL_FLR,"), (CONVERT,)),
    Proof("pci_state", "every state and event", 4,
          ("drivers/pci/device.c", "[PCI_QUARANTINED] = {", "[PCI_QUARANTINED] = { [PCI_RELEASE] = PCI_IDLE,")),
    Proof("screen_put", "every state of the filter, one more byte", 31,
          ("drivers/serial/screen.c", "if (s->seq_len == SCREEN_SEQUENCE)", "if (s->seq_len > SCREEN_SEQUENCE)")),
    Proof("image_layout", "every header; RAM and sizes below 2^40", 9,
          ("common/lib/image.c", "if (!range_contains(below, l.initrd, initrd_size))",
           "if (!range_contains(ram, l.initrd, initrd_size))")),
    Proof("gzip_header", "files of up to 28 bytes", 29,
          ("common/lib/image.c", "while (at < size && file[at++])", "while (at <= size && file[at++])")),
    Proof("image_kind", "every first 64 bytes, every size", 65,
          ("common/lib/image_kind.c", "<= known &&", "<= IMAGE_HEAD &&")),
    Proof("text_number", "texts of up to 5 bytes, bases 2 to 16", 6,
          ("common/lib/fmt.c", "*s - first < 4; (*s)++", "*s - first < 5; (*s)++")),
    Proof("psci_call", "every call; 2 vCPUs in every state", 3,
          ("common/vm/psci.c", "if (was != VCPU_OFF)", "if (was == VCPU_ON)")),
    Proof("smccc_call", "every call, every answer of firmware", 32,
          ("common/vm/smccc.c", "\tcase TRNG_FN_RND:\n", "\tcase TRNG_FN_RND:\n\tcase TRNG_FN_RND + 1:\n")),
    Proof("vcpu_affinity", "every vCPU, every affinity, every mark", 2,
          ("include/hv/vm.h", "vcpu_affinity((unsigned)index) == affinity ?",
           "vcpu_affinity((unsigned)index) <= affinity ?"), (CONVERT,)),
    Proof("bar_size", "every answer of the device", 7,
          ("drivers/pci/bars.c", "if (b->mem64 && i + 1 >= bar_count(f))", "if (b->mem64 && i + 1 > bar_count(f))")),
    Proof("bar_wrote", "every write, every size, an MSI-X table anywhere", 4,
          ("vpci/bars.c", "keep >> (upper ? 32 : 0)", "keep >> 0 * upper")),
    Proof("s2_leaf", "every IPA, PA and size below 2^48; every geometry", 7,
          ("common/lib/s2.c", "(level_size(level) - 1) || size < level_size(level)))", "(level_size(level) - 1)))")),
    Proof("spinlock", "up to 3 others, every ticket", 5,
          ("include/hv/spinlock.h", "(uint16_t)(l->serving + 1)", "l->next")),
    Proof("gicv2_link", "every register, every list register, every table", 17,
          ("drivers/irqchip/gicv2_link.c", "if (*link && !(old & HLR_STATE))", "if (*link)")),
    Proof("pci_windows", "every window, every BAR of up to 2^47 bytes", 3,
          ("drivers/pci/assign.c", "win->size }, at, room(b)))", "win->size }, at, 1))")),
    Proof("vuart_regs", "every access, one more character, every state", 3,
          ("common/guest/vuart.c", "if (rx_count(u) < RX_SIZE)", "if (rx_count(u) <= RX_SIZE)")),
    Proof("dt_cells", "properties of up to 10 cells, every content, every #cells", 5,
          ("common/lib/dt.c", "if (len - i * size < size)", "if (len - i * size < 4)")),
    Proof("ratelimit", "3 lines at any times, every burst of up to 3", 4,
          ("common/lib/ratelimit.c", "if (from - now > full)", "if (from - now > full + period)"), CADICAL),
    Proof("text_nearest", "every word, every list of two, of up to 3 bytes each", 10,
          ("common/lib/nearest.c", "if (d < least) {", "if (d <= least) {"), CADICAL),
    Proof("cap_list", "one step along either list, of 8 dwords; the device answers anything", 17,
          ("drivers/pci/caplist.c", "return MAX(size, 8u);", "return MAX(cap_read(c, 4) >> 20, 8u);"), CADICAL),
    Proof("sort_keys", "every 3 keys", 6,
          ("common/lib/sort.c", "if (below + 1 < count &&", "if (below + 1 <= count &&"), CADICAL),
    Proof("plan_reaches", "a range taken, a host bridge with a window and a dma-range; below 2^40", 3,
          ("common/plan/map.c", "if (!range_overlaps(r, at))", "if (!range_contains(at, r.base, 1))"), CADICAL),
]
