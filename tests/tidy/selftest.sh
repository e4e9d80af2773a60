#!/usr/bin/env bash
# selftest.sh - each rule of tidy.sh refuses a tree in which it alone is broken.
#
# Method: a copy of the tree is spoilt in one place, and the fault must be named; then it is mended.  The
# rest of the copy's faults do not matter, so that this test fails for its own reasons only.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp -r "$root"/{common,services,gateway,proto,tests,deploy,README.md,CMakeLists.txt} "$copy"/ 2>/dev/null || true
rm -rf "$copy"/tests/fuzz/corpus
failed=0 passed=0

# refuses RULE NAME EXPECTED FILE TEXT: with TEXT added at the end of FILE (made when it is not there).
refuses()
{
    local rule=$1 name=$2 expected=$3 file=$copy/$4 text=$5 made=no said
    mkdir -p "$(dirname "$file")"
    if [[ -f $file ]]; then cp "$file" "$copy/kept"; else made=yes; fi
    printf '%b\n' "$text" >>"$file"
    said=$("$root/tests/tidy/tidy.sh" "$copy" "$rule" 2>&1) || true
    if grep -qF -- "$expected" <<<"$said"; then
        passed=$((passed + 1))
    else
        echo "selftest: $name was not refused ($expected)" >&2
        failed=$((failed + 1))
    fi
    if [[ $made == yes ]]; then rm "$file"; else mv "$copy/kept" "$file"; fi
}

# allows RULE NAME UNEXPECTED FILE TEXT
allows()
{
    local before=$passed
    refuses "$@" 2>/dev/null
    if ((passed > before)); then
        echo "selftest: $2 was refused" >&2
        failed=$((failed + 1)) passed=$before
    else
        failed=$((failed - 1)) passed=$((passed + 1))
    fi
}

head='/* x.c - a file of the self-test. */'
for call in 'strcpy(a, b)' 'sprintf(a, b)' 'atoi(a)' 'rand()' 'localtime(&t)' 'time(NULL)' 'system(a)' 'PQexec(c, q)' \
    'zmq_send(s, b, 1, 0)' 'EVP_sha256()' 'malloc(4)'; do
    refuses banned_calls_stay_out "$call" 'services/claims/x.c:2: banned here' services/claims/x.c "$head\nint x = $call;"
done
refuses banned_calls_stay_out 'a double in money' 'services/disbursement/x.c:2: banned here' services/disbursement/x.c "$head\ndouble x;"
refuses banned_calls_stay_out 'a log line in a rule' 'banned here; use: libraries' services/claims/rules.c 'void f(void) { LOG0(INFO, NULL, "x"); }'
allows banned_calls_stay_out 'a banned word in a comment' 'x.c:2: banned' services/claims/x.c "$head\n/* strcpy(a, b) */ int x;"
allows banned_calls_stay_out 'a banned word in a text' 'x.c:2: banned' services/claims/x.c "$head\nconst char *x = \"strcpy(a, b)\";"
allows banned_calls_stay_out 'a rule broken with a reason' 'x.c:3: banned' services/claims/x.c "$head\n/* tidy: here it is safe */\nint x = atoi(a);"
refuses includes_follow_the_layers 'a service in a service' 'a service never includes another one' services/claims/x.c "$head\n#include \"coding/service.h\""
refuses includes_follow_the_layers 'a service in common' 'common/ knows no service' common/db/x.c "$head\n#include \"claims/claims.h\""
refuses includes_follow_the_layers 'the bus in the database' 'common/db may not include bus/bus.h' common/db/x.c "$head\n#include \"bus/bus.h\""
refuses includes_follow_the_layers 'the database in the floor' 'common/log may not include db/db.h' common/log/x.c "$head\n#include \"db/db.h\""
refuses includes_follow_the_layers 'the database in the gateway' 'the gateway includes no service and no db' gateway/x.c "$head\n#include \"db/db.h\""
refuses every_file_begins_with_a_head 'a file without a head' 'common/err/x.c:1: no head comment' common/err/x.c 'int x;'
refuses every_todo_has_a_number 'a TODO' 'x.c:2: a TODO without' common/err/x.c "$head\n/* TODO later */"
allows every_todo_has_a_number 'a TODO with a number' 'x.c:2: a TODO without' common/err/x.c "$head\n/* TODO(#12) later */"
refuses every_rpc_has_a_row_a_route_and_a_test 'an rpc without a row' 'RenameClaim has no row' proto/claims.proto 'service More {\n  rpc RenameClaim (A) returns (B);\n}'
refuses every_rpc_has_a_row_a_route_and_a_test 'an rpc without a route' 'RenameClaim has no route' proto/claims.proto 'service More {\n  rpc RenameClaim (A) returns (B);\n}'
refuses every_rpc_has_a_row_a_route_and_a_test 'an rpc without a test' 'FrobnicateClaim is in no test' proto/claims.proto 'service More {\n  rpc FrobnicateClaim (A) returns (B);\n}'
refuses every_internal_rpc_exists_and_has_no_route 'an internal rpc that is gone' 'claims.Gone does not exist' tests/tidy/internal_rpcs.txt 'claims.Gone nobody'
refuses every_statement_is_used 'an unused statement' 'nobody runs claim_forget' services/claims/queries.sql '-- name: claim_forget\nSELECT 1;'
refuses the_readme_names_every_error_code 'an error code without a row' 'no row for LOST (499)' common/err/err.def 'ERR(LOST, 499, false, "lost")'
refuses no_landed_migration_changes 'a changed migration' 'a landed migration changed' tests/contract/migrations.txt \
    "$(printf 'x' | sha256sum | cut -d' ' -f1) README.md"
rm -f "$copy/services/coding/wire.h"
refuses all_seven_services_have_the_same_files 'a missing file' 'services/coding/wire.h: every service has the same files' common/err/x.c "$head"

echo "selftest: $passed passed, $failed failed"
((failed == 0))
