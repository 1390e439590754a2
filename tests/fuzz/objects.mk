# What each fuzz target links, as tests/unit/objects.mk: <name>_objs for tests/fuzz/fuzz_<name>.c
# (tests/host/host.c comes by itself). tests/fuzz/run reads this file.
vpci_objs := $(patsubst %,vpci/%.c,bars bridge caps config init msi msix rules state trap) \
	drivers/pci/bars.c drivers/pci/caplist.c tests/host/vpci_fakes.c common/s2.c common/pmem.c
plan_objs := $(wildcard common/plan*.c) common/board.c common/dt.c common/dt_tree.c common/fmt.c common/guest_dt.c common/image.c common/pmem.c \
	tests/host/plan_fakes.c
vits_objs := common/vgic/vits.c common/vgic/vits_cmd.c common/pmem.c tests/host/vits_world.c
enumerate_objs := $(patsubst %,drivers/pci/%.c,assign bars caps caplist ecam enumerate fabric find groups host identify \
	reset xr3) common/fmt.c common/dt.c common/dt_tree.c tests/host/pci_model.c tests/host/pci_board.c
vgic_objs := $(patsubst %,common/vgic/%.c,deliver dist init line lpi lr redist regs sgi v2 v2m) common/irq.c common/pmem.c \
	common/mmio.c tests/host/gic_model.c
