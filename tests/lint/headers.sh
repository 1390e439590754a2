#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every header compiles alone, twice in one file, for the target and for the host.
#
# Usage: tests/lint/headers.sh      CROSS_COMPILE, SYSROOT and HOSTCC as in the Makefile
set -u
cd "$(dirname "$0")/../.."
cross=${CROSS_COMPILE:-aarch64-linux-gnu-}
sysroot=${SYSROOT:-${VIADUCT_CACHE:-$HOME/.cache/viaduct}/sysroot}
flags="-std=gnu11 -Iinclude -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Werror
	-Wno-unused-function -fsyntax-only -x c"
target="${cross}gcc $flags -ffreestanding -mgeneral-regs-only -Iarch/arm64/port -isystem $sysroot/usr/include"
host="${HOSTCC:-gcc} $flags -Itests/host/port -Itests/host/include"
failed=0

try() { # KIND HEADER COMMAND...
	kind=$1 header=$2
	shift 2
	printf '#include "%s"\n#include "%s"\n' "$PWD/$header" "$PWD/$header" | "$@" - && return
	printf 'headers: %s does not compile alone for the %s\n' "$header" "$kind"
	failed=1
}

for h in $(find include common drivers vpci -name '*.h' | sort); do
	try target "$h" $target
	try host "$h" $host
done
for h in $(find arch -name '*.h' | sort); do try target "$h" $target; done
for h in $(find tests/host/include -name '*.h' | sort); do try host "$h" $host; done
[ $failed = 0 ] && printf 'headers: ok\n'
exit $failed
