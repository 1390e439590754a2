# SPDX-License-Identifier: Apache-2.0
# What each unit test links: <name>_objs for tests/unit/test_<name>.c (host.c comes by itself).
s2_objs := common/lib/s2.c common/lib/pmem.c
sort_objs := common/lib/sort.c
pmem_objs := common/lib/pmem.c
dt_objs := common/lib/dt.c common/lib/dt_index.c common/lib/dt_tree.c common/lib/pmem.c
fmt_objs := common/lib/fmt.c common/lib/nearest.c
screen_objs := drivers/serial/screen.c common/lib/fmt.c
console_objs := drivers/serial/console.c drivers/serial/input.c drivers/serial/pump.c drivers/serial/screen.c common/lib/fmt.c common/lib/pmem.c common/lib/mmio.c
vuart_objs := common/guest/vuart.c common/lib/pmem.c
iommu_src := common/lib/ratelimit.c drivers/iommu/iommu.c $(patsubst %,drivers/iommu/smmuv3/%.c,cmdq evtq smmuv3 strtab) \
	$(patsubst %,drivers/iommu/smmuv2/%.c,contexts faults smmuv2 streams) $(dt_objs) common/lib/fmt.c common/lib/mmio.c \
	common/lib/pmem.c common/lib/s2.c
smmuv3_objs := $(iommu_src) tests/host/smmuv3_model.c
smmuv2_objs := $(iommu_src) tests/host/smmuv2_model.c
its_objs := drivers/irqchip/its.c drivers/irqchip/its_lpi.c drivers/irqchip/its_queue.c \
	drivers/irqchip/its_table.c drivers/irqchip/msi.c $(dt_objs) common/lib/fmt.c common/lib/mmio.c common/lib/pmem.c \
	tests/host/its_model.c
vpci_objs := $(patsubst %,vpci/%.c,bars bridge caps config init msi msix rules state trap) \
	drivers/pci/bars.c drivers/pci/caplist.c drivers/pci/contain.c drivers/pci/device.c tests/host/vpci_fakes.c common/lib/s2.c common/lib/pmem.c
vpci_caps_objs := $(vpci_objs)
vpci_config_objs := $(vpci_objs)
vpci_bars_objs := $(vpci_objs)
vpci_msi_objs := $(vpci_objs)
vpci_state_objs := $(vpci_objs)
vpci_random_objs := $(vpci_objs) tests/fuzz/fuzz_vpci.c
plan_src := $(wildcard common/plan/*.c) drivers/rtc/rtc.c $(dt_objs) common/lib/fmt.c common/lib/image.c common/lib/image_kind.c common/lib/nearest.c common/lib/pmem.c
plan_fake_objs := $(plan_src) tests/host/plan_fakes.c
plan_objs := $(plan_fake_objs) tests/unit/plan_world.c
plan_parse_objs := $(plan_objs)
plan_plan_objs := $(plan_objs)
plan_shared_objs := $(plan_objs)
plan_pci_objs := $(plan_objs)
plan_msi_objs := $(plan_objs)
plan_map_objs := $(plan_objs)
plan_ram_objs := $(plan_objs)
plan_print_objs := $(plan_objs)
guest_dt_src := common/guest/guest_dt.c common/guest/dt_writer.c
dom0less_objs := $(plan_fake_objs) $(guest_dt_src)
board_objs := common/plan/board.c drivers/rtc/rtc.c common/lib/pmem.c $(dt_objs)
guest_dt_objs := $(guest_dt_src) common/lib/fmt.c $(dt_objs)
image_objs := common/lib/image.c common/lib/image_kind.c common/lib/nearest.c
faults_objs := common/lib/ratelimit.c common/guest/faults.c drivers/pci/contain.c drivers/pci/device.c common/lib/fmt.c common/lib/pmem.c common/lib/sort.c
pci_src := common/lib/ratelimit.c $(patsubst %,drivers/pci/%.c,assign bars caps caplist contain device ecam enumerate errors fabric find groups host identify lists ports \
	quirks reset streams xr3) common/lib/sort.c common/lib/fmt.c common/lib/pmem.c $(dt_objs) tests/host/pci_model.c tests/host/pci_board.c
pci_lists_objs := $(patsubst %,drivers/pci/%.c,find lists) common/lib/sort.c common/lib/fmt.c common/lib/pmem.c
pci_enumerate_objs := $(pci_src)
pci_assign_objs := $(pci_src)
pci_identify_objs := $(pci_src)
pci_reset_objs := $(pci_src)
pci_ports_objs := $(pci_src)
pci_random_objs := $(pci_src) tests/fuzz/fuzz_enumerate.c
vgic_objs := $(patsubst %,common/vgic/%.c,check deliver dist init line lpi lr redist regs sgi v2 v2m) drivers/irqchip/irq.c common/lib/pmem.c \
	common/lib/mmio.c tests/host/gic_model.c
vgic_lines_objs := $(vgic_objs)
vgic_lr_objs := $(vgic_objs)
vgic_v2m_objs := $(vgic_objs)
vgic_regs_objs := $(vgic_objs)
vgic_affinity_objs := $(vgic_objs)
vgic_v2_objs := $(vgic_objs)
vlpi_objs := $(vgic_objs) common/vgic/vits.c common/vgic/vits_cmd.c common/vgic/vits_lpi.c tests/host/lpi_world.c
irq_objs := drivers/irqchip/irq.c common/lib/pmem.c
gicv3_objs := $(patsubst %,drivers/irqchip/%.c,gic gicv2 gicv2_link gicv3) $(dt_objs) common/lib/fmt.c common/lib/mmio.c common/lib/pmem.c
gicv2m_objs := drivers/irqchip/gicv2m.c drivers/irqchip/msi.c $(dt_objs) common/lib/fmt.c common/lib/mmio.c common/lib/pmem.c
gicv2_link_objs := $(patsubst %,drivers/irqchip/%.c,gic gicv2 gicv2_link) $(dt_objs) common/lib/fmt.c common/lib/mmio.c common/lib/pmem.c
gicv2_objs := $(patsubst %,drivers/irqchip/%.c,gic gicv2 gicv2_link) $(dt_objs) common/lib/fmt.c common/lib/mmio.c common/lib/pmem.c
log_objs := common/lib/ratelimit.c common/vm/vm.c common/lib/fmt.c common/lib/s2.c common/lib/pmem.c
entropy_objs := common/lib/entropy.c common/lib/sha256.c
life_objs := common/guest/backoff.c
psci_objs := common/vm/psci.c common/vm/state.c
vm_state_objs := common/vm/state.c
operator_objs := common/guest/operator.c common/vm/exits.c common/vm/state.c common/lib/fmt.c $(dt_objs)
smccc_objs := common/vm/smccc.c
uart_objs := drivers/serial/uart.c drivers/serial/uart_cadence.c drivers/serial/uart_imx.c \
	drivers/serial/uart_lpuart.c drivers/serial/uart_ns16550.c drivers/serial/uart_pl011.c $(dt_objs) common/lib/fmt.c common/lib/mmio.c
vits_objs := common/vgic/vits.c common/vgic/vits_cmd.c common/vgic/vits_lpi.c common/lib/pmem.c tests/host/vits_world.c
load_objs := common/lib/ratelimit.c common/guest/load.c common/vm/vm.c common/lib/image.c common/lib/image_kind.c common/lib/nearest.c $(guest_dt_src) $(dt_objs) common/lib/fmt.c common/lib/pmem.c common/lib/s2.c
timer_objs := common/lib/timer.c
vrtc_objs := common/guest/vrtc.c common/lib/pmem.c common/lib/timer.c
vwatchdog_objs := common/guest/vwatchdog.c common/lib/pmem.c common/lib/timer.c
rtc_objs := drivers/rtc/rtc.c $(dt_objs)
