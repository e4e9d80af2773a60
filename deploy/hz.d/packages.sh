# packages.sh - Debian packages, installed only when one is missing.  Sourced by hz.
# shellcheck shell=bash

package_list()
{
    local kind
    for kind in "$@"; do
        sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$HZ_SOURCE/deploy/packages/$kind.txt"
    done
}

packages_missing()
{
    local wanted
    wanted=$(package_list "$@" | sort -u)
    # shellcheck disable=SC2086 # one word each
    comm -23 <(printf '%s\n' $wanted) \
        <(dpkg-query -W -f='${Package} ${db:Status-Status}\n' $wanted 2>/dev/null | sed -n 's/ installed$//p' | sort -u)
}

# packages_ensure KIND...: root is needed for this alone, and only when something is missing.
packages_ensure()
{
    local missing policy=/usr/sbin/policy-rc.d ours=no
    missing=$(packages_missing "$@")
    [[ -n $missing ]] || return 0
    is_root || die "these packages are missing, and installing them needs root: ${missing//$'\n'/ }"
    note "installing $(wc -l <<<"$missing") Debian packages: ${missing//$'\n'/ }"
    # The packages' own daemons are not wanted (our database is a private one): Debian's way to say so.
    if [[ ! -e $policy ]]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
        ours=yes
    fi
    local status=0
    packages_install "$missing" || status=$?
    [[ $ours == no ]] || rm -f "$policy"
    ((status == 0)) || die "the packages could not be installed"
}

packages_install()
{
    export DEBIAN_FRONTEND=noninteractive
    run apt-get -qq update || return
    # shellcheck disable=SC2086 # one word each
    run apt-get -qq -y -o Dpkg::Options::=--force-confold install --no-install-recommends $1 </dev/null >&2
}
