#!/usr/bin/env bash
# tidy.sh - the rules of the house that no compiler knows; one line per fault, exit status 1 if any.
#
#   tests/tidy/tidy.sh [ROOT [RULE...]]
#
# A rule may be broken where the line says why: a comment "tidy: REASON" on the line or the one above it.
# selftest.sh proves that each rule can refuse.
# shellcheck disable=SC2016 # the $ in single quotes are awk's
set -euo pipefail
export LC_ALL=C

root=${1:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
cd "$root"
services=(identity contributions claims coding disbursement disclosure audit)
# The sixteen names of every service; NAME is its own.
service_files=(README.md main.c service.h service.c methods.def events.def moves.def reasons.def conf.def NAME.h
    handlers.h handlers.c consumers.h consumers.c rules.h rules.c store.h store.c wire.h wire.c queries.sql)
# Faults are counted in a file, because some are found in pipelines.
counted=$(mktemp)
trap 'rm -f "$counted"' EXIT

fault()
{
    printf 'tidy: %s\n' "$*" >&2
    echo 1 >>"$counted"
}

# Reads "file:line: what" lines and counts each as a fault.
faults_from()
{
    local line
    while IFS= read -r line; do
        fault "$line"
    done
}

# All our files of the given endings, as NUL-ended names; made and foreign ones are elsewhere.
ours()
{
    local ending args=()
    for ending in "$@"; do
        args+=(-o -name "*$ending")
    done
    find . \( -name build -o -name node_modules -o -name .git -o -name .hz -o -name corpus \) -prune \
        -o -type f \( "${args[@]:1}" \) -print0 | sort -z
}

# C files with comments and the insides of strings blanked, so that rules see code alone: "file:line:code".
# A line excused by "tidy:" is left out.
code_of()
{
    awk '
    FNR == 1 { inside = 0; excused = 0; name = substr(FILENAME, 3) }
    {
        line = $0; out = ""; has_excuse = index(line, "tidy:") > 0
        while (length(line)) {
            if (inside) {
                at = index(line, "*/")
                if (!at) { line = ""; break }
                line = substr(line, at + 2); inside = 0
                continue
            }
            if (!match(line, /"|\/\*|\/\//)) { out = out line; break }
            out = out substr(line, 1, RSTART - 1)
            mark = substr(line, RSTART, RLENGTH); rest = substr(line, RSTART + RLENGTH)
            if (mark == "//") break
            if (mark == "/*") { inside = 1; line = rest; continue }
            if (substr(out, length(out)) == "\047") { out = out "\""; line = rest; continue } # the character
            if (match(rest, /^([^"\\]|\\.)*"/)) {
                text = substr(rest, 1, RLENGTH - 1); line = substr(rest, RLENGTH + 1)
                # An include keeps its path: the layers need it.
                out = out "\"" (out ~ /^#[ ]*include/ ? text : "") "\""
            } else { out = out "\""; break }
        }
        if (!has_excuse && !excused) print name ":" FNR ":" out
        excused = has_excuse
    }' "$@"
}

all_seven_services_have_the_same_files()
{
    local service file
    for service in "${services[@]}"; do
        for file in "${service_files[@]}"; do
            file=services/$service/${file/NAME/$service}
            [[ -f $file ]] || fault "$file: every service has the same files, and this one lacks it"
        done
        compgen -G "services/$service/migrations/[0-9][0-9][0-9][0-9]_*.sql" >/dev/null ||
            fault "services/$service/migrations: no NNNN_name.sql"
    done
}

# Prints the rpcs of a service's contract.
rpcs_of()
{
    sed -nE 's/^[[:space:]]*rpc[[:space:]]+([A-Za-z0-9]+).*/\1/p' "proto/$1.proto" 2>/dev/null || true
}

every_rpc_has_a_row_a_route_and_a_test()
{
    local service rpc
    local -A tested=()
    while read -r rpc; do tested[$rpc]=1; done < <(
        find tests -name '*.c' -print0 | xargs -0 grep -ohE '\b[A-Z][A-Za-z0-9]+\b' | sort -u)
    for service in "${services[@]}"; do
        while read -r rpc; do
            [[ -n $rpc ]] || continue
            grep -qE "^RPC\\($rpc," "services/$service/methods.def" 2>/dev/null ||
                fault "proto/$service.proto: $rpc has no row in services/$service/methods.def"
            grep -qE "\\b$service, *$rpc\\b" gateway/routes.def 2>/dev/null ||
                grep -qE "^$service\\.$rpc([[:space:]]|\$)" tests/tidy/internal_rpcs.txt ||
                fault "proto/$service.proto: $rpc has no route, and tests/tidy/internal_rpcs.txt does not name it"
            [[ ${tested[$rpc]:-} ]] || fault "proto/$service.proto: $rpc is in no test"
        done < <(rpcs_of "$service")
    done
}

every_internal_rpc_exists_and_has_no_route()
{
    local name service rpc
    while read -r name _; do
        [[ -n $name && $name != \#* ]] || continue
        service=${name%%.*} rpc=${name#*.}
        rpcs_of "$service" | grep -qx "$rpc" || fault "tests/tidy/internal_rpcs.txt: $name does not exist"
        if grep -qE "\\b$service, *$rpc\\b" gateway/routes.def 2>/dev/null; then
            fault "tests/tidy/internal_rpcs.txt: $name has a route"
        fi
    done <tests/tidy/internal_rpcs.txt
}

every_statement_is_used()
{
    local folder
    for folder in services/* common/svc; do
        [[ -f $folder/queries.sql ]] || continue
        comm -23 <(sed -nE 's/^-- name: ([a-z0-9_]+).*/\1/p' "$folder/queries.sql" | sort -u) \
            <(find "${folder/common\/svc/common}" -name '*.c' -print0 | xargs -0 grep -ohE '\bq_[a-z0-9_]+' |
                sed 's/^q_//' | sort -u) |
            sed "s|^|$folder/queries.sql: nobody runs |"
    done | faults_from
}

# base, err <- the floor <- check <- mask, csv; the floor <- crypto, db, bus <- merkle <- events, svc <- services, gateway.
includes_follow_the_layers()
{
    ours .c .h | xargs -0 awk '
    BEGIN {
        floor = "base err arena id money clock log conf json fault"
        may["base"] = "base"; may["err"] = "base err"
        split("arena id money clock log conf json fault", f, " ")
        for (i in f) may[f[i]] = floor
        may["check"] = "base clock check"; may["mask"] = "base check mask"; may["csv"] = "base check csv"
        may["crypto"] = floor " crypto"; may["db"] = floor " crypto db"; may["bus"] = floor " bus"
        may["merkle"] = floor " crypto merkle"
        may["events"] = may["svc"] = floor " check mask csv crypto db bus merkle events svc"
        may["sqlgen"] = "base err"
        split(floor " check mask csv crypto db bus merkle events svc sqlgen", all, " ")
        for (i in all) module[all[i]] = 1
        split("identity contributions claims coding disbursement disclosure audit broker", s, " ")
        for (i in s) service[s[i]] = 1
    }
    /^[ \t]*#[ \t]*include[ \t]*"/ {
        file = substr(FILENAME, 3); split(file, part, "/")
        path = $0; sub(/^[^"]*"/, "", path); sub(/".*/, "", path)
        n = split(path, step, "/"); target = n > 1 ? step[1] : ""
        if (part[1] == "common" && (part[2] in may)) {
            if ((target in module) && index(" " may[part[2]] " ", " " target " ") == 0)
                print file ":" FNR ": common/" part[2] " may not include " path
            if (target in service || target == "gateway" || target == "services")
                print file ":" FNR ": common/ knows no service and no gateway: " path
        }
        if (part[1] == "services") {
            if ((target in service) && target != part[2])
                print file ":" FNR ": a service never includes another one: " path
            if (path ~ /^[a-z]+_queries\.h$/ && path != part[2] "_queries.h")
                print file ":" FNR ": these are the statements of another service: " path
            if (target == "gateway")
                print file ":" FNR ": a service knows no gateway: " path
        }
        if (part[1] == "gateway" && (target == "db" || (target in service) || target == "services"))
            print file ":" FNR ": the gateway includes no service and no db: " path
    }' | faults_from
}

# Each row: a pattern of awk, where it is banned, where it is not, and what to do instead.
banned_calls_stay_out()
{
    ours .c .h | xargs -0 bash -c 'code_of "$@"' code_of | awk '
    function ban(pattern, where, but, says) {
        n++; P[n] = pattern; W[n] = where; B[n] = but; S[n] = says
    }
    BEGIN {
        not_test = "^tests/"
        ban("(^|[^a-z_])(strcpy|strcat|stpcpy|sprintf|vsprintf|gets)\\(", ".", not_test, "bound it: snprintf")
        ban("(^|[^a-z_])(atoi|atol|atoll|atof)\\(", ".", not_test, "it tells no error: strtol with its end, or conf")
        ban("(^|[^a-z_])s?rand\\(", ".", not_test, "random_bytes")
        ban("(^|[^a-z_])(localtime|localtime_r|gmtime|mktime|ctime)\\(", ".", "^$", "common/clock")
        ban("(^|[^a-z_.>])(time|gettimeofday|clock_gettime)\\(", ".", "^(common/clock/|tests/)", "common/clock")
        ban("(^|[^a-z_])(strtok|usleep|system|popen)\\(", ".", not_test, "strtok_r; wait for the event; no shell")
        ban("(^|[^A-Za-z_])PQ[a-z][A-Za-z]+\\(", ".", "^(common/(db|events)/|tests/)", "common/db")
        ban("(^|[^a-z_])zmq_[a-z_]+\\(", ".", "^(common/bus/|services/broker/|tests/)", "common/bus")
        ban("(^|[^A-Za-z_])(EVP|RAND|HMAC)_[A-Za-z0-9_]+\\(", ".", "^(common/(crypto|db)/|gateway/|tests/)", "common/crypto")
        ban("(^|[^a-z_])(malloc|calloc|realloc|strdup|strndup|asprintf)\\(", "^services/",
            "^services/(broker/|coding/(drg|design)/|[a-z]+/[a-z_]*(state|command|verify|bootstrap)[a-z_]*\\.c)",
            "the arena of the call")
        ban("(^|[^a-z_])(double|float)[^a-z_]", "^(common/money/|services/(contributions|disbursement|claims)/)", "^$",
            "money is fen, a rate is ppm")
        ban("(^|[^a-z_])LOG0?\\(", "^(common/(base|err|arena|id|money|clock|conf|check|mask|csv|db|bus|crypto|merkle)/|services/[a-z]+/rules\\.c)",
            "^$", "libraries and rules never log")
    }
    {
        colon = index($0, ":"); file = substr($0, 1, colon - 1)
        rest = substr($0, colon + 1); second = index(rest, ":")
        line = substr(rest, 1, second - 1); code = substr(rest, second + 1)
        for (i = 1; i <= n; i++)
            if (code ~ P[i] && file ~ W[i] && file !~ B[i])
                print file ":" line ": banned here; use: " S[i]
    }' | faults_from
}

every_file_begins_with_a_head()
{
    ours .c .h | xargs -0 awk 'FNR == 1 { if ($0 !~ /^\/[*\/] ?[A-Za-z]/) print substr(FILENAME, 3) ":1: no head comment"; nextfile }' |
        faults_from
    ours .def .sql .sh .cmake .proto .txt | xargs -0 awk '
        FNR == 1 && /^#!/ { next }
        { if ($0 !~ /^(\/\*|\/\/|--|#) *[^ ]/) print substr(FILENAME, 3) ":" FNR ": no head comment"; nextfile }' |
        faults_from
}

every_todo_has_a_number()
{
    ours .c .h .def .sql .sh .cmake .proto .md .txt hz |
        xargs -0 awk '/(^|[^A-Z])(TODO|FIXME|XXX)([^A-Z]|$)/ && !/(TODO|FIXME|XXX)\(#[0-9]+\)/ && FILENAME !~ /tests\/tidy\// {
            print substr(FILENAME, 3) ":" FNR ": a TODO without an issue number" }' | faults_from
}

# A landed migration is history: databases out there have run it.  Sums are recorded by `hz contracts accept`.
no_landed_migration_changes()
{
    local sum file
    [[ -f tests/contract/migrations.txt ]] || return 0
    while read -r sum file; do
        [[ $sum != \#* ]] || continue
        if [[ ! -f $file ]]; then
            fault "$file: a landed migration went"
        elif [[ $(sha256sum <"$file") != "$sum  -" ]]; then
            fault "$file: a landed migration changed; write the next one"
        fi
    done <tests/contract/migrations.txt
}

# The table of error codes in README.md is the list of err.def.
the_readme_names_every_error_code()
{
    local code http
    while read -r code http; do
        grep -qE "^\\| *\`$code\` *\\| *$http *\\|" README.md || fault "README.md: no row for $code ($http)"
    done < <(sed -nE 's/^ERR\(([A-Z_]+), *([0-9]+),.*/\1 \2/p' common/err/err.def)
}

scripts_pass_shellcheck()
{
    command -v shellcheck >/dev/null || { echo "tidy: shellcheck is absent: skipped" >&2; return 0; }
    find . \( -name build -o -name node_modules -o -name .git \) -prune -o -type f \( -name '*.sh' -not -path './deploy/hz.d/*' -o -path ./deploy/hz \
        -o -path ./.ci/run -o -path ./tests/bare/run \) -print0 | { xargs -0 shellcheck -x -f gcc 2>&1 || true; } | faults_from
}

export -f code_of
rules=(
    all_seven_services_have_the_same_files
    every_rpc_has_a_row_a_route_and_a_test
    every_internal_rpc_exists_and_has_no_route
    every_statement_is_used
    includes_follow_the_layers
    banned_calls_stay_out
    every_file_begins_with_a_head
    every_todo_has_a_number
    no_landed_migration_changes
    the_readme_names_every_error_code
    scripts_pass_shellcheck
)
if (($# > 1)); then rules=("${@:2}"); fi
for rule in "${rules[@]}"; do
    "$rule"
done

faults=$(wc -l <"$counted")
if ((faults > 0)); then
    echo "tidy: $faults faults" >&2
    exit 1
fi
echo "tidy: no faults"
