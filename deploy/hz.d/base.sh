# base.sh - saying, failing, and who runs what.  Sourced by hz.
# shellcheck shell=bash disable=SC2016 # in single quotes: the inner shell's words

# The seven, in the order in which they stand everywhere.
HZ_SERVICES=(identity contributions claims coding disbursement disclosure audit)
HZ_USER=huzhu # when root types the commands

say() { printf '%s\n' "$*"; }
note() { printf 'hz: %s\n' "$*" >&2; }
die()
{
    printf 'hz: %s\n' "$*" >&2
    exit 1
}

# takes USAGE LEAST MOST WORDS...: a word too many may be a slip that means another instance, so none is ignored.
takes()
{
    local usage=$1 least=$2 most=$3
    shift 3
    (($# >= least && $# <= most)) || die "usage: $usage"
}

# Prints what it runs, as the house's rule for scripts says.
run()
{
    printf '+ %s\n' "$*" >&2
    "$@"
}

is_root() { ((EUID == 0)); }

# Nothing of the platform runs as root: initdb refuses it, and a hole in a parser should not own the machine.
as_user()
{
    if is_root; then
        setpriv --reuid "$HZ_USER" --regid "$HZ_USER" --clear-groups --no-new-privs -- "$@"
    else
        "$@"
    fi
}

# into FILE [MODE]: what comes in becomes the platform's file, whole or not at all.
into()
{
    as_user sh -c 'umask 077 && cat >"$1".new && chmod "$2" "$1".new && mv "$1".new "$1"' sh "$1" "${2:-600}"
}

# logged FILE COMMAND...: as the platform's user, with all that it says in FILE.
logged()
{
    as_user sh -c 'file=$1; shift; exec "$@" >"$file" 2>&1' sh "$@"
}

# wait_for SECONDS COMMAND...: true as soon as the command is, asked every 20 ms; false when time is up.
wait_for()
{
    local until=$((${EPOCHREALTIME/./} + $1 * 1000000))
    shift
    until "$@"; do
        ((${EPOCHREALTIME/./} < until)) || return 1
        sleep 0.02
    done
}

is_service()
{
    local service
    for service in "${HZ_SERVICES[@]}"; do
        [[ $service == "$1" ]] && return 0
    done
    return 1
}
