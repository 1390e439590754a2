#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The one rule of the code, and the order of the floors (docs/architecture.md).
#
# Usage: tests/lint/layers.sh [BUILD]      behind a build
#
# 1. No floor calls upwards: floors.py, on the symbols of the objects.
# 2. Pure sources hold no asm, volatile, __aarch64__, this_cpu, #if but the guard of a header, and
#    include nothing private of another directory.
set -u
cd "$(dirname "$0")/../.."
here=tests/lint
build=${1:-build}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
failed=0

say() { printf 'layers: %s\n' "$*"; failed=1; }

"$here/floors.py" "$build" || failed=1

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
		include/hv/mmio.h:arch/* | include/hv/nospec.h:arch/* | include/hv/spinlock.h:arch/* | include/hv/log.h:arch/*) ;;
		include/hv/*:arch/*) say "$f includes <$inc>; only mmio.h, nospec.h, spinlock.h and log.h may" ;;
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
