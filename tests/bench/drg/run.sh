#!/bin/sh
# run.sh - the grouper's bench in one run: compile, load, in memory, CSV to CSV, threads, memory, OpenDRG.
#
#   tests/bench/drg/run.sh BUILD_DIR PACK_DIR CASES.csv[.gz] [ROUNDS]
#
# HUZHU_OPENDRG_JAVA=DIR: a checkout of OpenDRG's Java grouper (a work tree, or a bare git directory); without it
# that part is skipped with a message.  Numbers are medians [best .. worst] of CPU time of one thread where it
# says so; a busy machine still slows caches, so run it twice.
set -eu
[ $# -ge 3 ] || { sed -n '4p' "$0"; exit 2; }
drg=$(realpath "$1")/bin/huzhu-drg
pack=$(realpath "$2") cases=$(realpath "$3") rounds=${4:-7} here=$(dirname "$(realpath "$0")")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
case $cases in *.gz) gzip -dc "$cases" > "$work/cases.csv" ;; *) cp "$cases" "$work/cases.csv" ;; esac
records=$(($(wc -l < "$work/cases.csv") - 1))

# median NAME COMMAND...: seconds of user+system CPU and of the clock, each the median of the rounds
median() {
    shift
    : > "$work/times"
    for _ in $(seq "$rounds"); do
        bash -c 'TIMEFORMAT="%U %S %R"; time "$@" 2>/dev/null' - "$@" 2>> "$work/times"
    done
    cpu=$(awk '{print $1 + $2}' "$work/times" | sort -n | sed -n "$(((rounds + 1) / 2))p")
    wall=$(awk '{print $3}' "$work/times" | sort -n | sed -n "$(((rounds + 1) / 2))p")
    best=$(awk '{print $1 + $2}' "$work/times" | sort -n | head -1)
}

median compile "$drg" compile "$pack" -o "$work/x.hzs"
echo "compile           $cpu s CPU (best $best), $wall s"
"$drg" bench "$work/x.hzs" "$work/cases.csv"
{ head -1 "$work/cases.csv"; for _ in 1 2 3 4 5; do tail -n +2 "$work/cases.csv"; done; } > "$work/five.csv"
rows=$((records * 5))
for threads in 1 2; do
    median csv sh -c "exec '$drg' group '$work/x.hzs' -q -j $threads < '$work/five.csv' > '$work/out.csv'"
    awk -v n=$rows -v c="$cpu" -v b="$best" -v w="$wall" -v j=$threads 'BEGIN {
        printf "CSV to CSV -j %d   %d rows: %.2f M a CPU second (best %.2f), %.2f M a second\n",
               j, n, n / c / 1e6, n / b / 1e6, n / w / 1e6 }'
done
if [ -x /usr/bin/time ]; then
    /usr/bin/time -f 'resident          %M KiB at most (-j 1)' \
        "$drg" group "$work/x.hzs" -q < "$work/five.csv" 2>&1 > /dev/null | tail -1
fi

if [ -z "${HUZHU_OPENDRG_JAVA:-}" ] || ! command -v javac > /dev/null; then
    echo "OpenDRG Java      skipped: HUZHU_OPENDRG_JAVA names no checkout, or there is no javac"
    exit 0
fi
mkdir "$work/java"
if [ -d "$HUZHU_OPENDRG_JAVA/drg_group" ]; then
    cp -r "$HUZHU_OPENDRG_JAVA/drg_group" "$work/java/"
else
    git --git-dir="$HUZHU_OPENDRG_JAVA" archive HEAD drg_group/chs_drg_11 | tar -x -C "$work/java"
fi
cp "$here/OpenDrgBench.java" "$work/java/"
cd "$work/java"
find drg_group/chs_drg_11 -name '*.java' > sources
javac -nowarn -encoding utf-8 @sources OpenDrgBench.java 2> javac.log || { tail -5 javac.log; exit 1; }
java -cp . OpenDrgBench "$work/cases.csv" 20000 3
