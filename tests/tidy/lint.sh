#!/usr/bin/env bash
# lint.sh - clang-tidy over our sources, as the clang build compiles them; exit status 1 if it finds anything.
#
#   tests/tidy/lint.sh              everything; a source that was clean before, with all that it includes, is
#                                   not looked at again, so that a second run takes seconds
#   tests/tidy/lint.sh --changed    what this branch changed since it left origin's main (on main itself: the
#                                   last commit), and what is not committed: before landing, since `hz test` leaves this out
#   tests/tidy/lint.sh --since REF  the same since REF
#   tests/tidy/lint.sh FILE...      these sources
#
# A header is judged through the sources that include it, by --changed and --since through one of them.
# Clean is a file of no bytes in ~/.cache/huzhu/lint (LINT_CACHE), whose name is a sum over the source, its
# headers, its command line, .clang-tidy and the version of clang-tidy: clones of the tree share it.
# The clang build must be up to date (hz build clang): its dependencies tell what a source includes.
set -euo pipefail
export LC_ALL=C

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=$root/build/clang
cache=${LINT_CACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/huzhu/lint}
jobs=${JOBS:-$(nproc)}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

die()
{
    printf 'lint: %s\n' "$*" >&2
    exit 2
}

[[ -f $build/compile_commands.json ]] || die "there is no clang build: hz build clang"
command -v clang-tidy >/dev/null || die "clang-tidy is not installed"

# SOURCE<tab>COMMAND, without the root; made code and foreign code are not ours to judge.
commands()
{
    awk -v root="$root/" -v build="$build/" '
        /^ *"command":/ { command = $0 }
        /^ *"file":/ {
            file = $0; sub(/^ *"file": "/, "", file); sub(/",?$/, "", file)
            if (index(file, root) != 1 || index(file, build) == 1 || seen[file]++) next
            while ((at = index(command, root)) > 0)
                command = substr(command, 1, at - 1) substr(command, at + length(root))
            print substr(file, length(root) + 1) "\t" command
        }' "$build/compile_commands.json"
}

# SOURCE<tab>FILE for each file that a source includes, and itself.
dependencies()
{
    ninja -C "$build" -t deps | awk -v root="$root/" -v build="$build" '
        /^[^ ]/ { source = ""; next }
        NF {
            file = $1
            if (substr(file, 1, 1) != "/") file = build "/" file
            if (index(file, build "/../../") == 1) file = root substr(file, length(build) + 8)
            if (source == "") { source = file; if (seen[source]++) source = "again" }
            if (source != "again" && index(source, root) == 1) print substr(source, length(root) + 1) "\t" file
        }'
}

lint_one() # KEY SOURCE
{
    local said status=0
    said=$(clang-tidy -p "$build" --quiet "--header-filter=^$root/(common|services|gateway|deploy|tests)/" \
        --extra-arg-before=-include "--extra-arg-before=$root/tests/tidy/analyzer.h" "$root/$2" 2>&1) || status=$?
    if ((status == 0)); then
        : >"$cache/$1"
        return
    fi
    printf '%s\n' "$said" | grep -v ' warnings generated\.$' # in one write, since several run at once
    return 1
}

# KEY<tab>SOURCE of every source.
keys()
{
    local common line
    common=$(cat <(grep -hv '^#' "$root/.clang-tidy" "$root/tests/.clang-tidy") "$root/tests/tidy/analyzer.h" \
        <(clang-tidy --version) <(declare -f lint_one) | sha256sum)
    cut -f 2 "$work/dependencies" | sort -u | tr '\n' '\0' | xargs -0 sha256sum >"$work/sums"
    # One line a source, of all that its result depends on.
    awk -F '\t' -v common="$common" '
        FILENAME ~ /sums$/ { sum[substr($0, 67)] = substr($0, 1, 64); next }
        FILENAME ~ /dependencies$/ { of[$1] = of[$1] sum[$2]; next }
        !($1 in of) { print "lint: " $1 " is not built: hz build clang" >"/dev/stderr"; exit 2 }
        { print $1 "\t" $2 of[$1] common }' "$work/sums" "$work/dependencies" "$work/commands" |
        while IFS=$'\t' read -r source line; do
            printf '%s\t%s\n' "$(sha256sum <<<"$line" | cut -c 1-64)" "$source"
        done
}

# The sources that judge the changed files on stdin.
judges()
{
    awk -F '\t' -v root="$root/" '
        FILENAME == "-" { changed[$1] = 1; next }
        FILENAME ~ /commands$/ { if ($1 in changed) { print $1; judged[$1] = 1; chosen[$1] = 1 } next }
        index($2, root) == 1 {
            file = substr($2, length(root) + 1)
            if (!(file in changed) || file in judged) next
            judged[file] = 1
            if (!chosen[$1]++) print $1
        }' - "$work/commands" "$work/dependencies"
}

changed_since()
{
    git -C "$root" diff --name-only --diff-filter=d "$1" -- '*.c' '*.h' '*.def'
    git -C "$root" ls-files --others --exclude-standard -- '*.c' '*.h' '*.def'
}

# Where the branch left main; the commit before this one, when it did not.
branch_point()
{
    local main point
    for main in origin/HEAD origin/main main; do
        point=$(git -C "$root" merge-base HEAD "$main" 2>/dev/null) || continue
        [[ $point != "$(git -C "$root" rev-parse HEAD)" ]] || continue
        printf '%s\n' "$point"
        return
    done
    git -C "$root" rev-parse --verify --quiet HEAD~1
}

commands >"$work/commands"
dependencies >"$work/dependencies"
case ${1:-} in
    '') cut -f 1 "$work/commands" >"$work/chosen" ;;
    --changed)
        if ! since=$(branch_point); then
            printf 'lint: no history tells what changed\n' >&2
            exit 0
        fi
        changed_since "$since" | judges >"$work/chosen"
        ;;
    --since) changed_since "${2:?--since REF}" | judges >"$work/chosen" ;;
    -*) die "lint.sh [--changed | --since REF | FILE...]" ;;
    *) realpath -s --relative-to="$root" "$@" >"$work/chosen" ;;
esac

mkdir -p "$cache"
find "$cache" -type f -mtime +60 -delete
keys | awk -F '\t' 'FILENAME ~ /chosen$/ { chosen[$1] = 1; next } $2 in chosen' "$work/chosen" - >"$work/keys"
while IFS=$'\t' read -r key source; do
    if [[ -f $cache/$key ]]; then touch "$cache/$key"; else printf '%s\n%s\n' "$key" "$source"; fi
done <"$work/keys" >"$work/todo"

export -f lint_one
export root build cache

printf 'lint: %d of %d sources\n' "$(($(wc -l <"$work/todo") / 2))" "$(wc -l <"$work/keys")" >&2
[[ -s $work/todo ]] || exit 0
# shellcheck disable=SC2016 # the words are the inner shell's
xargs -a "$work/todo" -n 2 -P "$jobs" bash -c 'lint_one "$1" "$2"' lint || {
    printf 'lint: findings\n' >&2
    exit 1
}
