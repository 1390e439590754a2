# SPDX-License-Identifier: Apache-2.0
# viaduct-plan: what stands in for a board, and of the hypervisor's own objects those it calls.
plan_tool_src := $(patsubst %,tools/plan/%.c,facts json lspci main msi port registers svg svg_memory svg_pci text tree) tests/host/host.c tests/host/pci_model.c

$(B)/host/pure.a: $(patsubst %,$(B)/host/%.o,$(filter-out common/lib/log.c,$(pure_src)))
	@rm -f $@; ar rc $@ $^
