#!/usr/bin/env bash
# run.sh - every benchmark, or those that are named; each prints its pairs from one run.  `hz bench` calls it.
#
# Figures of a shared machine are worth what its load allows, so that is printed with them; compare ratios within a
# run, and instructions, never seconds of two runs.
set -euo pipefail

bin=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/build/release/bin
if (($#)); then names=("$@"); else mapfile -t names < <(find "$bin" -name 'bench.*' -printf '%f\n' | sed 's/^bench\.//' | sort); fi

failed=0
for name in "${names[@]}"; do
    [[ -x $bin/bench.$name ]] || { echo "bench: there is no $name" >&2; exit 2; }
    printf '\n=== %s   (%s cores, load %s)\n' "$name" "$(nproc)" "$(cut -d' ' -f1-3 /proc/loadavg)"
    "$bin/bench.$name" || failed=1
done
exit "$failed"
