# Viaduct. `make` builds build/viaduct (arm64 Image) and build/viaduct.elf.
CROSS_COMPILE ?= aarch64-linux-gnu-
CACHE ?= $(or $(VIADUCT_CACHE),$(HOME)/.cache/viaduct)
SYSROOT := $(CACHE)/sysroot

CC := $(CROSS_COMPILE)gcc
HOSTCC ?= gcc
B := build

# The pure code: compiles for the target and, under sanitizers, for the host.
include objects.mk

warnings := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla \
	-Wimplicit-fallthrough -Wno-missing-field-initializers -Werror -Wframe-larger-than=2048
common := -std=gnu11 -g -Iinclude $(warnings)

cflags := $(common) -O2 -Iarch/arm64/include -isystem $(SYSROOT)/usr/include \
	-ffreestanding -fno-common -fno-pic -mcmodel=small -fpie -mgeneral-regs-only -mno-outline-atomics -mstrict-align \
	-fvisibility=hidden -fstack-protector-strong -mbranch-protection=bti -fno-omit-frame-pointer \
	-ffunction-sections -fdata-sections -mfix-cortex-a53-835769 -mfix-cortex-a53-843419
hostcflags := $(common) -O1 -Itests/host/include -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer

arch_o := $(arch_src:%=$(B)/%.o)
pure_o := $(pure_src:%=$(B)/%.o)

.PHONY: all check clean
all: $(B)/viaduct

libs := $(SYSROOT)/usr/lib/aarch64-linux-gnu/libfdt.a $(SYSROOT)/usr/lib/aarch64-linux-gnu/libz.a

$(B)/viaduct.elf: $(arch_o) $(pure_o) arch/arm64/viaduct.ld
	@echo "  LD      $@"; $(CROSS_COMPILE)ld -pie --no-dynamic-linker -Bsymbolic -z notext --gc-sections -z max-page-size=4096 \
		--fix-cortex-a53-835769 --fix-cortex-a53-843419 --no-warn-rwx-segments \
		-T arch/arm64/viaduct.ld -Map $(B)/viaduct.map -o $@ $(arch_o) $(pure_o) $(libs)

$(B)/viaduct: $(B)/viaduct.elf
	$(CROSS_COMPILE)objcopy -O binary $< $@

$(B)/%.c.o: %.c
	@mkdir -p $(@D)
	@echo "  CC      $<"; $(CC) $(cflags) -MMD -c -o $@ $<
$(B)/%.S.o: %.S
	@mkdir -p $(@D)
	@echo "  CC      $<"; $(CC) $(cflags) -D__ASSEMBLY__ -MMD -c -o $@ $<

# One binary a unit test, linked from the objects that tests/unit/objects.mk names.
include tests/unit/objects.mk
unit_tests := $(patsubst tests/unit/%.c,$(B)/unit/%,$(wildcard tests/unit/test_*.c))

$(B)/host/%.c.o: %.c
	@mkdir -p $(@D)
	@echo "  HOSTCC  $<"; $(HOSTCC) $(hostcflags) -MMD -c -o $@ $<

.SECONDEXPANSION:
$(B)/unit/test_%: $(B)/host/tests/unit/test_%.c.o $(B)/host/tests/host/host.c.o $$(patsubst %,$(B)/host/%.o,$$($$*_objs))
	@mkdir -p $(@D)
	@echo "  HOSTLD  $@"; $(HOSTCC) $(hostcflags) -o $@ $^ -lcmocka -lfdt -lz

check: $(unit_tests)
	@set -e; for t in $^; do $$t; done

clean:
	rm -rf $(B)

-include $(shell find $(B) -name '*.d' 2>/dev/null)
