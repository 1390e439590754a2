# SPDX-License-Identifier: Apache-2.0
"""The proofs: one row each. `make prove` runs them, `make prove-planted` breaks the code for each.

name      tests/prove/NAME.c, whose head says what is assumed
bounds    for the reader: of which inputs it is a proof
unwind    how often a loop may go round; more is a failure, so the bound is proven too
planted   file, text, text with a bug that the proof must find
flags     more for cbmc; CONVERT: no implicit or explicit conversion changes a value
soak      takes longer than a minute: only `make soak` runs it
"""
from collections import namedtuple

Proof = namedtuple("Proof", "name bounds unwind planted flags soak", defaults=((), False))
CONVERT = "--conversion-check"

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
]
