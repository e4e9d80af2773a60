#!/usr/bin/env bash
# run.sh - every benchmark, or those that are named; each prints its pairs from one run.  `hz bench` calls it.
#
#   tests/bench/run.sh [bus|design|drg|gateway|write|year]...
#
# A part is a program build/release/bin/bench.PART, or a script tests/bench/PART/run that sets up what it needs.
# Figures of a shared machine are worth what its load allows, so that is printed with them; compare ratios within a
# run, and instructions, never seconds of two runs.
set -euo pipefail

source=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
if (($#)); then
    parts=("$@")
else
    mapfile -t parts < <(find "$source/tests/bench" -mindepth 1 -maxdepth 1 -type d -printf '%f\n' | sort)
fi

failed=0
for part in "${parts[@]}"; do
    printf '\n=== %s   (%s cores, load %s)\n' "$part" "$(nproc)" "$(cut -d' ' -f1-3 /proc/loadavg)"
    if [[ -x $source/tests/bench/$part/run ]]; then
        "$source/tests/bench/$part/run" || failed=1
    elif [[ -x $source/build/release/bin/bench.$part ]]; then
        "$source/build/release/bin/bench.$part" || failed=1
    else
        echo "bench: there is no $part" >&2
        exit 2
    fi
done
exit "$failed"
