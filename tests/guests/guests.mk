# SPDX-License-Identifier: Apache-2.0
# The EL1 payloads: build/guests/NAME.bin, an arm64 Image each. Their flags are their own: they are
# guests, and share nothing with the hypervisor but the compiler.
guest_names := again align bench cfgscan clock domain edu faults forge gic gone hello idle intx itswild lives nvme pcilife pciview pmu spin state storm suspend sve sysregs victim
guest_rt := start.S rt.c rt_dt.c rt_gic.c rt_msi.c rt_pci.c rt_print.c
guest_rt_o := $(guest_rt:%=$(B)/guests/%.o)
guest_bins := $(guest_names:%=$(B)/guests/%.bin)

guest_cflags := -std=gnu11 -g -O2 -ffreestanding -fpie -mcmodel=small -mgeneral-regs-only -mstrict-align \
	-mno-outline-atomics -fno-common -fno-stack-protector -fno-tree-loop-distribute-patterns \
	-fvisibility=hidden -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
	-Wimplicit-fallthrough -Werror -isystem $(SYSROOT)/usr/include

# The attack suite: one payload of all attacks, and the healthy neighbour beside it.
attack_o := $(patsubst %,$(B)/guests/attack/%.o,$(notdir $(filter-out tests/attack/neighbour.c,$(wildcard tests/attack/*.c))))
guest_bins += $(B)/guests/attack.bin $(B)/guests/neighbour.bin

.PHONY: guests
guests: $(guest_bins)

$(B)/guests/%.c.o: tests/guests/%.c
	@mkdir -p $(@D)
	@echo "  CC      $<"; $(CC) $(guest_cflags) -MMD -c -o $@ $<
$(B)/guests/%.S.o: tests/guests/%.S
	@mkdir -p $(@D)
	@echo "  CC      $<"; $(CC) $(guest_cflags) -MMD -c -o $@ $<

$(B)/guests/attack/%.c.o: tests/attack/%.c
	@mkdir -p $(@D)
	@echo "  CC      $<"; $(CC) $(guest_cflags) -MMD -c -o $@ $<
guest_link = echo "  LD      $@"; $(CROSS_COMPILE)ld -pie --no-dynamic-linker -z norelro --no-warn-rwx-segments \
	-T tests/guests/payload.ld -o $@ $(filter %.o,$^) $(SYSROOT)/usr/lib/aarch64-linux-gnu/libfdt.a
$(B)/guests/attack.elf: $(attack_o) $(guest_rt_o) tests/guests/payload.ld
	@$(guest_link)
$(B)/guests/neighbour.elf: $(B)/guests/attack/neighbour.c.o $(B)/guests/attack/tools.c.o $(guest_rt_o) tests/guests/payload.ld
	@$(guest_link)

.PRECIOUS: $(B)/guests/%.c.o $(B)/guests/%.S.o $(B)/guests/%.elf
$(B)/guests/%.elf: $(B)/guests/%.c.o $(guest_rt_o) tests/guests/payload.ld
	@$(guest_link)
$(B)/guests/%.bin: $(B)/guests/%.elf
	@echo "  OBJCOPY $@"; $(CROSS_COMPILE)objcopy -O binary $< $@

# U-Boot behind its stub: no runtime of ours.
uboot := /usr/lib/u-boot/qemu_arm64/u-boot.bin
guests: $(B)/guests/uboot.bin
$(B)/guests/uboot.S.o: guest_cflags += -DUBOOT='"$(uboot)"'
$(B)/guests/uboot.S.o: $(uboot)
$(B)/guests/uboot.elf: $(B)/guests/uboot.S.o
	@echo "  LD      $@"; $(CROSS_COMPILE)ld -Ttext=0 -e 0 -o $@ $<
