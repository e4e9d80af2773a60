# clock.sh - business time of a rehearsal instance.  Sourced by hz.
#
# A rehearsal walks through a year of deadlines in an afternoon: its services add what DATA/business-clock says (one
# line, microseconds) to the wall clock and read the file again when it changed.  What is marked as a rehearsal was
# made as one, so that nobody moves the time of an instance with real people in it.  The file is the operator's: the
# services read it and cannot write it.
# shellcheck shell=bash

CLOCK_US_MAX=6324480000000000 # BUSINESS_OFFSET_US_MAX of common/clock/business.h

is_rehearsal() { [[ $(conf_get rehearsal no) == yes ]]; }
clock_file() { printf '%s/business-clock' "$HZ_DATA"; }

rehearsal_mark()
{
    ! is_rehearsal || return 0
    ! instance_exists ||
        die "the instance in $HZ_DATA is not a rehearsal and cannot become one; make a new one: hz up --rehearsal --data DIR"
    conf_set rehearsal yes
}

clock_offset()
{
    local file
    file=$(clock_file)
    if is_rehearsal && [[ -f $file ]]; then cat "$file"; else echo 0; fi
}

clock_text() # MICROSECONDS
{
    local us=$1 s
    s=$((us / 1000000 - (us % 1000000 < 0 ? 1 : 0)))
    TZ=UTC-8 date -d "@$s" +%Y-%m-%dT%H:%M:%S+08:00
}

clock_write() # OFFSET: whole or not at all, for readers look at any moment
{
    local file
    file=$(clock_file)
    (($1 <= CLOCK_US_MAX && $1 >= -CLOCK_US_MAX)) || die "business time stays within 200 years of the wall clock"
    printf '%s\n' "$1" >"$file.new"
    chmod 644 "$file.new"
    mv "$file.new" "$file"
}

clock_instant() # TEXT: microseconds since 1970; a date alone is its midnight in Shanghai
{
    local text=$1 s
    [[ ! $text =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}$ ]] || text+=T00:00:00+08:00
    [[ $text =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})$ ]] &&
        s=$(date -u -d "$text" +%s 2>/dev/null) || return 1
    echo $((s * 1000000))
}

clock_span() # TEXT: microseconds of 30d, 12h, -90m, 5s
{
    local seconds
    [[ $1 =~ ^(-?)([0-9]{1,7})([dhms])$ ]] || return 1
    case ${BASH_REMATCH[3]} in
    d) seconds=86400 ;;
    h) seconds=3600 ;;
    m) seconds=60 ;;
    s) seconds=1 ;;
    esac
    echo $((${BASH_REMATCH[1]}1 * 10#${BASH_REMATCH[2]} * seconds * 1000000))
}

hz_clock()
{
    local words=() back=no word offset now to span
    instance_needed
    for word in "$@"; do
        if [[ $word == --back ]]; then back=yes; else words+=("$word"); fi
    done
    offset=$(clock_offset)
    now=$((${EPOCHREALTIME/./} + offset))
    case ${words[0]:-show}/${#words[@]} in
    show/*)
        clock_text "$now"
        is_rehearsal || note "business time is the wall clock: the instance is not a rehearsal"
        return
        ;;
    set/2) to=$(clock_instant "${words[1]}") || die "hz clock set 2024-07-01T08:00:00+08:00, or 2024-07-01" ;;
    move/2)
        span=$(clock_span "${words[1]}") || die "hz clock move 30d (or h, m, s; -3d with --back)"
        to=$((now + span))
        ;;
    *) die "hz clock [set 2024-07-01T08:00:00+08:00 | move 30d] [--back]" ;;
    esac
    is_rehearsal || die "the instance in $HZ_DATA is not a rehearsal: its time is not moved"
    [[ $to -ge $now || $back == yes ]] || die "that lies before $(clock_text "$now"); to go back all the same: --back"
    clock_write $((offset + to - now))
    clock_text "$to"
}
