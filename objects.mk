# Every source file, by layer. pure_src knows no machine; arch_src is EL2 on arm64.
pure_src := \
	common/board.c \
	common/build.c \
	common/console.c \
	common/dt.c \
	common/faults.c \
	common/fmt.c \
	common/guest_dt.c \
	common/image.c \
	common/life.c \
	common/log.c \
	common/mmio.c \
	common/plan.c \
	common/plan_map.c \
	common/plan_parse.c \
	common/plan_pci.c \
	common/plan_print.c \
	common/pmem.c \
	common/psci.c \
	common/s2.c \
	common/vm.c \
	common/vuart.c \
	drivers/iommu/iommu.c \
	drivers/iommu/smmuv3/cmdq.c \
	drivers/iommu/smmuv3/evtq.c \
	drivers/iommu/smmuv3/smmuv3.c \
	drivers/iommu/smmuv3/strtab.c \
	drivers/serial/pl011.c \
	drivers/serial/uart.c \

arch_src := \
	arch/arm64/head.S \
	arch/arm64/vectors.S \
	arch/arm64/string.S \
	arch/arm64/crash.c \
	arch/arm64/idreg.c \
	arch/arm64/libc.c \
	arch/arm64/mmu.c \
	arch/arm64/port.c \
	arch/arm64/smp.c \
	arch/arm64/start.c \
	arch/arm64/timer.c \
	arch/arm64/trap.c \
	arch/arm64/vcpu.c \

