# SPDX-License-Identifier: Apache-2.0
# What each fuzz target links, as tests/unit/objects.mk: <name>_objs for tests/fuzz/fuzz_<name>.c
# (tests/host/host.c comes by itself). tests/fuzz/run reads this file.
vpci_objs := $(patsubst %,vpci/%.c,bars bridge caps config init msi msix rules state trap) \
	drivers/pci/bars.c drivers/pci/caplist.c drivers/pci/contain.c drivers/pci/device.c tests/host/vpci_fakes.c common/lib/s2.c common/lib/pmem.c
plan_objs := $(wildcard common/plan/*.c) drivers/rtc/rtc.c common/lib/dt.c common/lib/dt_index.c common/lib/dt_tree.c common/lib/fmt.c common/guest/guest_dt.c common/guest/dt_writer.c common/lib/image.c common/lib/image_kind.c common/lib/nearest.c common/lib/pmem.c \
	tests/host/plan_fakes.c
vits_objs := common/vgic/vits.c common/vgic/vits_cmd.c common/vgic/vits_lpi.c common/lib/pmem.c tests/host/vits_world.c
enumerate_objs := $(patsubst %,drivers/pci/%.c,assign bars caps caplist contain device ecam enumerate errors fabric find groups host identify lists ports \
	quirks reset streams xr3) common/lib/sort.c common/lib/ratelimit.c common/lib/fmt.c common/lib/pmem.c common/lib/dt.c common/lib/dt_index.c common/lib/dt_tree.c tests/host/pci_model.c tests/host/pci_board.c
vgic_objs := $(patsubst %,common/vgic/%.c,check deliver dist init line lpi lr redist regs sgi v2 v2m) drivers/irqchip/irq.c common/lib/pmem.c \
	common/lib/mmio.c tests/host/gic_model.c
vlpi_objs := $(vgic_objs) common/vgic/vits.c common/vgic/vits_cmd.c common/vgic/vits_lpi.c tests/host/lpi_world.c
