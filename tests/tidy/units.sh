#!/usr/bin/env bash
# units.sh - systemd itself finds nothing wrong with our units, and rates their sandboxes.
#
# Works without a running systemd: the units are laid into a root of their own.  Exit status 77 where systemd-analyze
# is absent.
set -euo pipefail

source=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/deploy/systemd
command -v systemd-analyze >/dev/null || { echo "units: systemd-analyze is absent: skipped"; exit 77; }
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
exposure_max=30 # of 100: a plain unit has 96

mkdir -p "$root"/{etc/systemd/system,etc/huzhu,usr/lib/huzhu,usr/lib/systemd/system,bin}
cp "$source"/*.service "$source"/*.target "$root/etc/systemd/system/"
for name in broker gateway identity contributions claims coding disbursement disclosure audit; do
    install -m 755 /dev/null "$root/usr/lib/huzhu/huzhu-$name"
done
install -m 755 /dev/null "$root/bin/sh"
# The units that ours lean on exist on a real machine.
cp /lib/systemd/system/{basic,sysinit,network,network-online,multi-user,shutdown,sockets,paths,timers,slices}.target \
    "$root/usr/lib/systemd/system/"

units=(huzhu.target huzhu-broker@1.service huzhu-gateway.service)
for name in identity contributions claims coding disbursement disclosure audit; do
    units+=("huzhu@$name.service")
done
failed=0
said=$(systemd-analyze verify --man=no --root="$root" "${units[@]}" 2>&1) || failed=1
# What it says of units that are not ours is about the bare root.
said=$(grep -E 'huzhu' <<<"$said" | grep -vE 'No such file or directory|not found' || true)
if [[ -n $said ]]; then
    echo "$said" >&2
    failed=1
fi
for unit in huzhu@claims.service huzhu-broker@1.service huzhu-gateway.service; do
    systemd-analyze security --offline=true --root="$root" --threshold="$exposure_max" "$unit" >"$root/security" 2>&1 || {
        tail -n 3 "$root/security" >&2
        failed=1
    }
    tail -n 1 "$root/security"
done
exit "$failed"
