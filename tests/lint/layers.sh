#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The layering that style.md asks for, checked on objects and sources. Run behind a build.
#
# Usage: tests/lint/layers.sh [BUILD]
#
# 1. Undefined symbols of each directory's objects (`ld -r`, nm -u) come from directories that the
#    table below allows. What lives in arch/ must be declared in include/hv or by the port <arch/*.h>.
# 2. Pure sources hold no asm, volatile, __aarch64__, this_cpu, #if but the guard of a header, and
#    include nothing private of another directory.
set -u
cd "$(dirname "$0")/../.."
build=${1:-build}
cross=${CROSS_COMPILE:-aarch64-linux-gnu-}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
failed=0

say() { printf 'layers: %s\n' "$*"; failed=1; }

# directory: the directories it may call, besides itself, the port and the libraries.
allowed='
common:              common/vgic drivers/irqchip drivers/serial drivers/pci drivers/iommu vpci arch
common/vgic:         common drivers/irqchip arch
drivers/irqchip:     common arch
drivers/serial:      common arch
drivers/pci:         common drivers/iommu drivers/irqchip arch
drivers/iommu:       common drivers/iommu/smmuv3 drivers/irqchip arch
drivers/iommu/smmuv3: common drivers/iommu arch
vpci:                common common/vgic drivers/pci drivers/irqchip arch
'
# One file that everything stands on: nothing but the port and the log.
leaf='common/lib/s2.c common/lib/fmt.c common/lib/dt.c common/lib/dt_tree.c'
leaf_may='common/lib/dt.c common/lib/dt_tree.c common/lib/log.c common/lib/fmt.c common/lib/pmem.c common/panic.c arch'
library='^(fdt_.*|mem(cpy|move|set|cmp|chr)|str(len|nlen|cmp|ncmp|chr|rchr|toul)|inflate.*|__stack_chk_.*|_GLOBAL_OFFSET_TABLE_)$'

dirs=$(printf '%s' "$allowed" | sed -n 's/^\([^:]*\):.*/\1/p')
sources() { sed -n 's/^[[:space:]]*\([a-z0-9_/]*\.[cS]\).*/\1/p' objects.mk | sort -u; }

# "symbol source" of everything that is defined globally.
: > "$tmp/defined"
sources | while read -r s; do
	[ -f "$build/$s.o" ] || { printf 'layers: %s is not built\n' "$s" >&2; continue; }
	"${cross}nm" -g --defined-only "$build/$s.o" | awk -v s="$s" 'NF == 3 { print $3, s }' >> "$tmp/defined"
done
grep -rhoE '[A-Za-z_][A-Za-z0-9_]*' include/hv arch/arm64/port/ | sort -u > "$tmp/public"

in_list() { # WORD LIST...
	w=$1; shift
	for x; do [ "$x" = "$w" ] && return 0; done
	return 1
}

check_symbol() { # USER SYMBOL MAY...: USER is a directory or a file
	user=$1 symbol=$2; shift 2
	printf '%s\n' "$symbol" | grep -qE "$library" && return
	from=$(awk -v s="$symbol" '$1 == s { print $2; exit }' "$tmp/defined")
	[ -n "$from" ] || { say "$user needs $symbol, which nobody defines"; return; }
	case $from in arch/*) layer=arch ;; *) layer=$(dirname "$from") ;; esac
	in_list "$layer" "$@" || in_list "$from" "$@" || { say "$user must not call $symbol of $from"; return; }
	[ "$layer" = arch ] && ! grep -qx "$symbol" "$tmp/public" &&
		say "$user calls $symbol of $from, which neither include/hv nor the port declares"
}

for d in $dirs; do
	objects=
	for s in $(sources); do
		[ "$(dirname "$s")" = "$d" ] && [ -f "$build/$s.o" ] && objects="$objects $build/$s.o"
	done
	[ -n "$objects" ] || continue
	may=$(printf '%s' "$allowed" | sed -n "s|^$d:||p")
	"${cross}ld" -r -o "$tmp/dir.o" $objects || { say "$d does not link with itself"; continue; }
	for symbol in $("${cross}nm" -u "$tmp/dir.o" | awk '{ print $2 }'); do
		check_symbol "$d" "$symbol" "$d" $may
	done
done
for s in $leaf; do
	[ -f "$build/$s.o" ] || continue
	for symbol in $("${cross}nm" -u "$build/$s.o" | awk '{ print $2 }'); do
		check_symbol "$s" "$symbol" $leaf_may
	done
done

# Sources. Comments and strings are taken out first, keeping the line numbers.
strip() {
	sed 's/"\([^"\\]\|\\.\)*"/""/g' "$1" | awk '
	{
		out = ""
		for (i = 1; i <= length($0); i++) {
			two = substr($0, i, 2)
			if (within) { if (two == "*/") { within = 0; i++ } }
			else if (two == "/*") { within = 1; i++ }
			else if (two == "//") break
			else out = out substr($0, i, 1)
		}
		print out
	}'
}

for f in $(find common drivers vpci include/hv include/spec -name '*.[ch]' | sort); do
	strip "$f" > "$tmp/text"
	case $f in *.h) guard=1 ;; *) guard=0 ;; esac
	awk -v f="$f" -v guard="$guard" '
	/(^|[^A-Za-z0-9_])(__)?asm(__)?([^A-Za-z0-9_]|$)/ { print f ":" NR ": asm" }
	/(^|[^A-Za-z0-9_])(__)?volatile(__)?([^A-Za-z0-9_]|$)/ { print f ":" NR ": volatile" }
	/__aarch64__|__x86_64__/ { print f ":" NR ": names a machine" }
	/(^|[^A-Za-z0-9_])this_cpu/ { print f ":" NR ": this_cpu" }
	/^[ \t]*#[ \t]*if/ {
		if (guard && !seen && $0 ~ /^#ifndef [A-Z0-9_]+_H$/) seen = 1
		else print f ":" NR ": conditional compilation"
	}' "$tmp/text" > "$tmp/found"
	[ -s "$tmp/found" ] && { sed 's/^/layers: /' "$tmp/found"; failed=1; }

	for inc in $(sed -n 's/^#include "\(.*\)"/\1/p' "$f"); do
		case $f:$inc in
		drivers/iommu/*:../iommu_priv.h) ;; # what the drivers of one interface share
		*:*/*) false ;;
		*) [ -f "$(dirname "$f")/$inc" ] ;;
		esac || say "$f includes \"$inc\", which is not of its directory"
	done
	for inc in $(sed -n 's/^#include <\(.*\)>/\1/p' "$f"); do
		case $f:$inc in
		include/spec/*:hv/bits.h | include/spec/*:std*.h) ;;
		*:spec/sysreg.h) say "$f includes <$inc>, which only arch/arm64 may" ;;
		include/spec/*) say "$f includes <$inc>; a spec header holds facts only" ;;
		*:hv/* | *:spec/* | *:stdint.h | *:stddef.h | *:stdbool.h | *:stdarg.h | *:string.h) ;;
		include/hv/mmio.h:arch/* | include/hv/spinlock.h:arch/* | include/hv/log.h:arch/*) ;;
		include/hv/*:arch/*) say "$f includes <$inc>; only mmio.h, spinlock.h and log.h may" ;;
		*:arch/* | *:libfdt.h | *:zlib.h) ;;
		*) say "$f includes <$inc>" ;;
		esac
	done
done
for f in $(find arch -name '*.[chS]'); do
	grep -nE '#include [<"](tests/|host\.h)' "$f" && say "$f includes a test header"
done

[ $failed = 0 ] && printf 'layers: ok\n'
exit $failed
