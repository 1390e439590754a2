# SPDX-License-Identifier: Apache-2.0
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
	-Wimplicit-fallthrough -Wno-missing-field-initializers -Wno-c2x-extensions -Werror -Wframe-larger-than=2048
common := -std=gnu11 -g -Iinclude $(warnings)

# All for size, but what the commonest traps run through, and the walk through the device tree,
# most of boot once: -O2 pays there (make bench shows it).
hot := arch/arm64/trap.c common/vm/psci.c common/vm/smccc.c common/lib/dt_tree.c common/lib/dt_index.c common/vgic/deliver.c common/vgic/lr.c \
	vpci/config.c
optimise = $(if $(filter $(hot),$<),-O2,-Os)

# One program, seen whole (-flto): a trap costs a quarter less, the image 10 KiB less. The objects
# hold ordinary code as well, for the layering check. tiny: one instruction reaches any symbol, as
# code, data and bss are below 1 MiB (viaduct.ld checks it).
cflags = $(common) $(optimise) -Iarch/arm64/port -isystem $(SYSROOT)/usr/include \
	-ffreestanding -fno-common -mcmodel=tiny -fpie -include arch/arm64/hidden.h -mgeneral-regs-only -mno-outline-atomics -mstrict-align \
	-fvisibility=hidden -fstack-protector --param=ssp-buffer-size=4 -mbranch-protection=bti -fno-omit-frame-pointer \
	-ffunction-sections -fdata-sections -fno-move-loop-invariants -mfix-cortex-a53-835769 -mfix-cortex-a53-843419 \
	-flto -ffat-lto-objects
ldflags := -flto -flto-partition=one -nostdlib -pie -Wl,--no-dynamic-linker,-Bsymbolic,--gc-sections,--build-id=none \
	-Wl,-z,norelro,-z,max-page-size=4096,--fix-cortex-a53-835769,--fix-cortex-a53-843419,--no-warn-rwx-segments
hostcflags := $(common) -O1 -Itests/host/port -Itests/host/include -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer

arch_o := $(arch_src:%=$(B)/%.o)
pure_o := $(pure_src:%=$(B)/%.o)

.PHONY: all setup plan-tool plan-test check boot-test smoke-test attack attack-fuzz lint fuzz test test-mutation bench demo run soak clean
all: $(B)/viaduct

libs := $(SYSROOT)/usr/lib/aarch64-linux-gnu/libfdt.a $(SYSROOT)/usr/lib/aarch64-linux-gnu/libz.a
$(arch_o) $(pure_o): | $(libs)
$(libs):
	@echo "$@ is missing: run 'make setup' first" >&2; false

$(B)/viaduct.elf: $(arch_o) $(pure_o) arch/arm64/viaduct.ld
	@echo "  LD      $@"; $(CC) $(filter-out -ffat-lto-objects,$(cflags)) $(ldflags) -T arch/arm64/viaduct.ld \
		-Wl,-Map,$(B)/viaduct.map -o $@ $(arch_o) $(pure_o) $(libs)

$(B)/viaduct: $(B)/viaduct.elf
	@echo "  OBJCOPY $@"; $(CROSS_COMPILE)objcopy -O binary $< $@

# The commit, for the first line of the log. Written anew only when it is another one.
VERSION := $(or $(shell git describe --always --dirty 2>/dev/null),unknown)
$(B)/version.h: FORCE
	@mkdir -p $(@D)
	@echo '#define VIADUCT_VERSION "$(VERSION)"' | cmp -s - $@ || echo '#define VIADUCT_VERSION "$(VERSION)"' > $@
FORCE:
$(B)/arch/arm64/start.c.o: $(B)/version.h
$(B)/arch/arm64/start.c.o: cflags += -I$(B)

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

# cmocka hands every test a state that few tests use.
$(B)/host/tests/unit/%: hostcflags += -Wno-unused-parameter

.SECONDARY: # keep every object
.SECONDEXPANSION:
$(B)/unit/test_%: $(B)/host/tests/unit/test_%.c.o $(B)/host/tests/host/host.c.o \
		$$(addprefix $(B)/host/,$$(addsuffix .o,$$($$*_objs)))
	@mkdir -p $(@D)
	@echo "  HOSTLD  $@"; $(HOSTCC) $(hostcflags) -o $@ $^ -lcmocka -lfdt -lz

check: $(unit_tests) | plan-tool
	@set -e; for t in $^; do $$t; done

# Several threads under ThreadSanitizer, which cannot be had together with the other sanitizers. The
# models in tests/host are the hardware, whose accesses are atomic: they are not instrumented.
include tests/threads/objects.mk
threads_tests := $(patsubst tests/threads/%.c,$(B)/threads/%,$(wildcard tests/threads/threads_*.c))
threadsflags := $(common) -O1 -Itests/host/port -Itests/host/include -fsanitize=thread

$(B)/tsan/%.c.o: %.c
	@mkdir -p $(@D)
	@echo "  TSANCC  $<"; $(HOSTCC) $(if $(filter tests/host/%,$<),$(filter-out -fsanitize=thread,$(threadsflags)),$(threadsflags)) -MMD -c -o $@ $<
$(B)/threads/threads_%: $(B)/tsan/tests/threads/threads_%.c.o $(B)/tsan/tests/host/host.c.o \
		$$(addprefix $(B)/tsan/,$$(addsuffix .o,$$($$*_threads)))
	@mkdir -p $(@D)
	@echo "  TSANLD  $@"; $(HOSTCC) $(threadsflags) -o $@ $^ -lpthread

# ThreadSanitizer wants its addresses where they were linked for: no randomisation.
.PHONY: check-threads
check-threads: $(threads_tests)
	@set -e; for t in $^; do setarch -R $$t; done

include tests/guests/guests.mk

# The planner, for this machine; with the sanitizers, as its input comes from anywhere.
include tools/plan/objects.mk
$(B)/viaduct-plan: $(plan_tool_src:%=$(B)/host/%.o) $(B)/host/pure.a
	@echo "  HOSTLD  $@"; $(HOSTCC) $(hostcflags) -o $@ $^ -lfdt -lz -lm
plan-tool: $(B)/viaduct-plan
# Golden plans, and every board of the kernel package; VIADUCT_UPDATE=1 accepts what the plans say now.
plan-test: plan-tool
	@$(PYTHON) -m pytest -q tests/plan

# Installs what a fresh Debian machine lacks; quick when there is nothing to do.
setup:
	@tools/setup

PYTHON := /usr/bin/python3
FUZZ_RUNS ?= 5000

lint: $(pure_o) $(arch_o)
	@tests/lint/layers.sh $(B)
	@tests/lint/headers.sh
	@tests/lint/nested.py
	@tests/lint/columns.py
	@tests/lint/contracts.py
	@tests/lint/docs.py
	@tests/lint/format.sh
	@clang -fsyntax-only $(common) -Itests/host/port -Itests/host/include -Wno-string-conversion $(pure_src) && echo "clang: ok"
	@cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,performance,portability -Iinclude \
		-Itests/host/port -Itests/host/include --suppress=missingIncludeSystem \
		--suppress=normalCheckLevelMaxBranches $(pure_src) && echo "cppcheck: ok"
	@tests/lint/metrics.py

fuzz:
	@tests/fuzz/run -n $(FUZZ_RUNS)

# Bounded proofs with cbmc. prove-planted breaks the code once for each, in a copy: all must fail.
.PHONY: prove prove-planted
prove:
	@tests/prove/run $(PROOFS)
prove-planted:
	@tests/prove/run --planted $(PROOFS)

boot-test: $(B)/viaduct guests
	@$(PYTHON) -m pytest -q tests/boot

# The attack suite; boot-test runs its short form, one unit of the neighbour an attack. LIST=1 prints the
# table of attacks; VIADUCT_ATTACK=a,b_ chooses (a name that ends in _ stands
# for all that begin so), VIADUCT_SEED=n is another sequence.
attack: $(B)/viaduct guests
	@$(if $(LIST),$(PYTHON) tests/attack/attacks.py,\
		VIADUCT_ATTACK_UNITS=$${VIADUCT_ATTACK_UNITS:-3} $(PYTHON) -m pytest -q tests/boot/test_attack.py)

# Some of them, for another QEMU: VIADUCT_QEMU=newer make smoke-test
smoke-test: $(B)/viaduct guests
	@$(PYTHON) -m pytest -q tests/boot/test_payload.py

# Random steps of hostile guests, seed after seed; VIADUCT_SEED=n replays one.
SECONDS ?= 600
attack-fuzz: $(B)/viaduct guests
	@$(PYTHON) tests/attack/fuzz.py $(SECONDS)

# Everything CI runs, each part in a make of its own: setup may have brought the compiler.
test: setup
	@tools/timed unit-tests $(MAKE) --no-print-directory check
	@tools/timed threads $(MAKE) --no-print-directory check-threads
	@tools/timed lint $(MAKE) --no-print-directory lint
	@tools/timed fuzz $(MAKE) --no-print-directory fuzz
	@tools/timed proofs $(MAKE) --no-print-directory prove
	@tools/timed plans $(MAKE) --no-print-directory plan-test
	@tools/timed bench $(MAKE) --no-print-directory bench
	@tools/timed boot-tests $(MAKE) --no-print-directory boot-test
	@VIADUCT_QEMU=newer tools/timed newer-qemu $(MAKE) --no-print-directory smoke-test

# Not part of `make test`: it takes an hour, and what survives is for a reader to judge.
test-mutation: setup
	@tools/mutate

# The same for longer: more fuzzing, and the boot tests again and again.
soak: setup
	@$(MAKE) --no-print-directory check lint
	@$(MAKE) --no-print-directory fuzz FUZZ_RUNS=200000
	@tools/timed soak-proofs tests/prove/run --soak
	@tools/timed soak-attack-fuzz $(MAKE) --no-print-directory attack-fuzz SECONDS=3600
	@for i in 1 2 3 4 5; do VIADUCT_REBIND=50 VIADUCT_RESTARTS=1000 VIADUCT_REBOOTS=50 tools/timed soak-$$i $(MAKE) --no-print-directory boot-test || exit 1; done

bench: setup
	@$(MAKE) --no-print-directory $(B)/viaduct guests
	@$(PYTHON) tools/bench.py

demo run: setup
	@$(MAKE) --no-print-directory $(B)/viaduct
	@$(PYTHON) tools/qemu/demo.py $(if $(filter run,$@),--interactive)

clean:
	rm -rf $(B)

# A header that is gone is no error: what was built with it is built again.
%.h: ;
-include $(shell find $(B) -name '*.d' 2>/dev/null)
