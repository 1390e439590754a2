#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Refuses C that clang-format 19 would change; the one of tools/setup, as other versions differ.
#
# Usage: tests/lint/format.sh [--fix]
set -u
cd "$(dirname "$0")/../.."
format=${VIADUCT_CACHE:-$HOME/.cache/viaduct}/newer/bin/clang-format
[ -x "$format" ] || { printf 'format: no clang-format 19: run make setup\n' >&2; exit 1; }
if [ "${1:-}" = --fix ]; then
	git ls-files -z '*.c' '*.h' | xargs -0 "$format" -i
	exit
fi
git ls-files -z '*.c' '*.h' | xargs -0 "$format" --dry-run -Werror && printf 'format: ok\n'
