# develop.sh - build, test, format, fuzz, measure: what a developer and CI type.  Sourced by hz.
# shellcheck shell=bash

JOBS=$(nproc)
PRESETS=(dev release clang tsan coverage fuzz)

build_preset() # PRESET [TARGETS...]
{
    local preset=$1
    shift
    note "building $preset${*:+: $*}"
    cmake -S "$HZ_SOURCE" --preset "$preset" >"$HZ_SOURCE/build/cmake-$preset.log" 2>&1 || {
        cat "$HZ_SOURCE/build/cmake-$preset.log" >&2
        return 1
    }
    ninja -C "$HZ_SOURCE/build/$preset" -j "$JOBS" "$@" >"$HZ_SOURCE/build/ninja-$preset.log" 2>&1 || {
        grep -v '^\[' "$HZ_SOURCE/build/ninja-$preset.log" | tail -n 60 >&2
        return 1
    }
}

hz_build()
{
    local preset=${1:-dev}
    [[ " ${PRESETS[*]} " == *" $preset "* ]] || die "presets: ${PRESETS[*]}"
    packages_ensure run build
    [[ $preset != clang && $preset != fuzz ]] || packages_ensure test
    mkdir -p "$HZ_SOURCE/build"
    build_preset "$preset"
}

# --- test ---

# Every part reports into these; the closing line is made of them.
tests_passed=0 tests_failed=0 tests_skipped=0
failures=()

step() # NAME COMMAND...: one check that is no ctest
{
    local name=$1 begun=$SECONDS
    shift
    note "=== $name"
    if "$@"; then
        tests_passed=$((tests_passed + 1))
        note "=== $name: ok ($((SECONDS - begun)) s)"
    else
        tests_failed=$((tests_failed + 1))
        failures+=("$name")
        note "=== $name: FAILED"
        return 1
    fi
}

# ctest_run PRESET WORDS...: counts what ctest's own record says, not what it prints.
ctest_run()
{
    local preset=$1 record=$HZ_SOURCE/build/ctest-$1.xml status=0 name
    shift
    note "=== ctest $preset $*"
    rm -f "$record"
    (cd "$HZ_SOURCE/build/$preset" &&
        ctest --output-on-failure --no-tests=error --output-junit "$record" "$@" >&2) || status=$?
    [[ -f $record ]] || {
        tests_failed=$((tests_failed + 1))
        failures+=("ctest $preset: no record")
        return 1
    }
    local run failed skipped
    run=$(grep -c '<testcase ' "$record") || true
    failed=$(grep -c 'status="fail"' "$record") || true
    skipped=$(grep -cE 'status="(notrun|disabled)"' "$record") || true
    tests_passed=$((tests_passed + run - failed - skipped))
    tests_failed=$((tests_failed + failed))
    tests_skipped=$((tests_skipped + skipped))
    while read -r name; do failures+=("$preset $name"); done < <(
        sed -nE 's/.*<testcase name="([^"]*)".*status="fail".*/\1/p' "$record")
    if ((status != 0 && failed == 0)); then # a test that could not run is a failure too
        tests_failed=$((tests_failed + 1))
        failures+=("ctest $preset: status $status")
    fi
    return "$status"
}

tests_close()
{
    local name
    for name in "${failures[@]}"; do say "failed: $name"; done
    ((tests_skipped == 0)) || say "skipped for lack of what they need: $tests_skipped"
    say "$tests_passed passed, $tests_failed failed"
    ((tests_failed == 0 && tests_passed > 0))
}

hz_test()
{
    local tier=${1:-} name=${2:-}
    packages_ensure run build test demo
    mkdir -p "$HZ_SOURCE/build"
    export CTEST_PARALLEL_LEVEL=1 # platform tests measure time; two cores are soon full
    if [[ -n $tier ]]; then
        test_one "$tier" "$name"
    else
        test_all
    fi
    tests_close
}

test_one() # TIER [NAME]
{
    local preset=dev pattern=$1/${2:-}
    case $1 in
    unit | service | contract | race | e2e | fuzz | tidy | bench) ;;
    chaos) preset=release ;;
    *) die "tiers: unit service contract race e2e chaos fuzz tidy" ;;
    esac
    # The replayed year needs the fault points, which the dev build has.
    if [[ $1/${2:-year} == chaos/year ]]; then
        step "build dev" build_preset dev && { ctest_run dev -R '^chaos/year$' || true; }
        [[ -z ${2:-} ]] || return 0
    fi
    step "build $preset" build_preset "$preset" || return 0
    ctest_run "$preset" -R "^$pattern" || true
}

# The same tests on the sanitizer build; the platform once more, and the chaos, on what is shipped.
test_all()
{
    step "build dev (gcc, ASan, UBSan, faults)" build_preset dev &&
        {
            ctest_run dev -LE 'chaos|bench' || true
            ctest_run dev -R '^chaos/year_short$' || true
        }
    step "build clang (-Werror)" build_preset clang || true
    step "build release" build_preset release &&
        { ctest_run release -L '^(e2e|chaos)$' || true; }
}

# --- form ---

c_files()
{
    find "$HZ_SOURCE" \( -name build -o -name node_modules -o -name .git \) -prune -o -type f \( -name '*.c' -o -name '*.h' \) \
        -print0 | sort -z
}

hz_fmt()
{
    command -v clang-format >/dev/null || packages_ensure test
    if [[ ${1:-} == --check ]]; then
        c_files | xargs -0 -n 40 -P "$JOBS" clang-format --dry-run -Werror
    else
        c_files | xargs -0 -n 40 -P "$JOBS" clang-format -i
    fi
}

hz_tidy() # [--changed | --since REF | FILE...]
{
    packages_ensure run build test
    "$HZ_SOURCE/tests/tidy/tidy.sh"
    mkdir -p "$HZ_SOURCE/build"
    build_preset clang
    JOBS=$JOBS "$HZ_SOURCE/tests/tidy/lint.sh" "$@"
    note "clang-tidy: no findings"
}

# --- fuzz, bench, contracts ---

hz_fuzz()
{
    local target=${1:-} seconds=${2:-600}
    if [[ -z $target ]]; then
        find "$HZ_SOURCE/tests/fuzz" -name '*_fuzz.c' -printf '%f\n' | sed 's/_fuzz.c$//' | sort
        return
    fi
    [[ $seconds =~ ^[0-9]+$ ]] || die "hz fuzz TARGET [SECONDS]"
    packages_ensure run build test
    mkdir -p "$HZ_SOURCE/build"
    build_preset fuzz "fuzz.$target"
    local corpus=$HZ_SOURCE/tests/fuzz/corpus/$target found=$HZ_SOURCE/build/fuzz/corpus-$target
    mkdir -p "$corpus" "$found"
    # New inputs go into the build folder; `-merge=1` brings the few that cover more into the kept corpus.
    ASAN_OPTIONS=detect_stack_use_after_return=1 run "$HZ_SOURCE/build/fuzz/bin/fuzz.$target" -max_total_time="$seconds" \
        -timeout=10 -rss_limit_mb=2048 -artifact_prefix="$HZ_SOURCE/build/fuzz/crash-$target-" "$found" "$corpus"
}

hz_bench()
{
    packages_ensure run build test bench
    mkdir -p "$HZ_SOURCE/build"
    build_preset release
    "$HZ_SOURCE/tests/bench/run.sh" "$@"
}

hz_contracts()
{
    packages_ensure run build
    mkdir -p "$HZ_SOURCE/build"
    build_preset dev contract.breaking_test
    if [[ ${1:-} == accept ]]; then
        "$HZ_SOURCE/build/dev/bin/contract.breaking_test" || say "only a contract that is missing from the baseline may fail here"
        cp "$HZ_SOURCE"/proto/*.proto "$HZ_SOURCE/tests/contract/baseline/"
        {
            printf '# Sums of the landed migrations, which never change again; written by hz contracts accept.\n'
            cd "$HZ_SOURCE" && sha256sum services/*/migrations/*.sql common/svc/migrations/*.sql
        } >"$HZ_SOURCE/tests/contract/migrations.txt"
    fi
    "$HZ_SOURCE/build/dev/bin/contract.breaking_test"
}
