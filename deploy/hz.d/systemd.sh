# systemd.sh - the platform as systemd's services: a user, a sandbox and limits for each process.  Sourced by hz.
#
#   /etc/huzhu               hz.conf, settings/, schemes/: as an instance's DATA; root's
#   /etc/huzhu/keys          the originals of all secrets, root's alone
#   /etc/huzhu/own/NAME      what the process NAME has been handed of them: its user's files in root's folder
#   /etc/huzhu/NAME.env      its settings, made from settings/ and hz.conf
#   /usr/lib/huzhu, /usr/share/huzhu/web   programs and pages
#   postgresql@15-huzhu      a cluster of its own, of Debian's kind; peer authentication gives each user its roles
#
# A secret must be its reader's alone (the programs refuse one that others may read), and every process is a user of
# its own: therefore each has copies.  The folders stay root's, so that a service which was taken over cannot put a
# link in root's way.
# shellcheck shell=bash disable=SC2016,SC2034,SC2317 # sed's own $; the other parts read and call what systemd_mode sets

SYSTEMD_UNITS=/etc/systemd/system
SYSTEMD_CLUSTER=/etc/postgresql/15/huzhu
SYSTEMD_PORT=443
SYSTEMD_METRICS_BASE=8443 # ports below 1024 are the gateway's privilege alone

# The rest of hz works on this machine's one installation from here on.
systemd_mode()
{
    is_root || die "units, users and ports below 1024 are root's affair"
    HZ_DATA=/etc/huzhu
    instance_locate
    HZ_PROGRAMS=/usr/lib/huzhu HZ_WEB=/usr/share/huzhu/web HZ_SOCKETS=/run/postgresql
    PG_PORT=$(conf_get pg_port 5432)
    as_user() { "$@"; } # /etc/huzhu is root's
    is_running() { return 1; } # there is no supervisor to ask
    broker_endpoint() { printf 'curve+ipc:///run/huzhu-%s/broker.ipc' "$1"; }
    http() { curl -sS --max-time 10 --insecure "$@"; } # the certificate may name this machine's public name alone
    with_settings() # NAME PROGRAM WORDS...: as the process's own user
    {
        local kind=${1%-[0-9]*} settings
        mapfile -t settings < <(systemd_settings "$1")
        shift
        setpriv --reuid "huzhu-$kind" --regid huzhu --clear-groups --no-new-privs -- env -i "${settings[@]}" "$@"
    }
    keys_rotate_principal() # on the originals
    {
        local settings
        mapfile -t settings < <(settings_of identity)
        env -i "${settings[@]}" "$HZ_PROGRAMS/huzhu-identity" rotate-keys
    }
}

systemd_names() { printf '%s\n' broker-1 broker-2 "${HZ_SERVICES[@]}" gateway; }

systemd_unit_of()
{
    case $1 in
    broker-[0-9]) echo "huzhu-broker@${1#broker-}.service" ;;
    gateway) echo huzhu-gateway.service ;;
    *) echo "huzhu@$1.service" ;;
    esac
}

# What hz would give the process, with its own copies of the secrets.
systemd_settings()
{
    local kind=${1%-[0-9]*}
    settings_of "$1" | sed "s|=$HZ_DATA/keys/|=$HZ_DATA/own/$kind/|"
    # Another user's process connects to the socket; the key says who it is.
    if [[ $kind == broker ]]; then echo HUZHU_BROKER_SOCKET_MODE=660; fi
}

systemd_environment()
{
    local name
    for name in $(systemd_names); do
        systemd_settings "$name" | sed -e 's/["\\$`]/\\&/g' -e 's/=\(.*\)/="\1"/' | into "$HZ_DATA/$name.env"
    done
}

hand_out() # KIND FILES-BELOW-keys...
{
    local kind=$1 file target
    shift
    for file in "$@"; do
        target=$HZ_DATA/own/$kind/$file
        mkdir -p "$(dirname "$target")"
        install -m 400 -o "huzhu-$kind" -g huzhu "$HZ_DATA/keys/$file" "$target.new"
        mv "$target.new" "$target"
    done
}

systemd_hand_out()
{
    local service ring signed
    (
        umask 022
        mkdir -p "$HZ_DATA/own"
        mapfile -t ring < <(cd "$HZ_DATA/keys" && find master -type f)
        hand_out broker bus/broker bus/permissions
        hand_out gateway bus/gateway bus/broker.pub tls/cert.pem tls/key.pem
        for service in "${HZ_SERVICES[@]}"; do
            hand_out "$service" "bus/$service" bus/broker.pub principal.trusted "${ring[@]}"
        done
        hand_out identity principal
        # With those of before: what they signed is checked with them.
        mapfile -t signed < <(cd "$HZ_DATA/keys" && find . -maxdepth 1 -type f -name 'audit*' -printf '%P\n')
        hand_out audit "${signed[@]}"
        mapfile -t signed < <(cd "$HZ_DATA/keys" && find . -maxdepth 1 -type f -name 'payouts*' -printf '%P\n')
        hand_out disbursement "${signed[@]}"
    )
}

systemd_folders()
{
    (umask 022 && mkdir -p "$HZ_DATA"/{settings,schemes} "$HZ_PROGRAMS" "$HZ_WEB" /etc/sysusers.d)
    (umask 077 && mkdir -p "$HZ_DATA"/keys/{bus,tls,master})
}

# A cluster beside those that the machine may have already.
systemd_database()
{
    local changed='' role service
    [[ -e $SYSTEMD_CLUSTER/postgresql.conf ]] ||
        run pg_createcluster 15 huzhu --encoding UTF8 --locale C.UTF-8 -- --data-checksums >&2
    PG_PORT=$(pg_conftool -s 15 huzhu show port)
    conf_set pg_port "$PG_PORT"
    # Who may connect is pg_hba's affair: the socket's folder is every cluster's.
    grep -v '^unix_socket_permissions' "$HZ_SOURCE/deploy/postgres/huzhu.conf" >"$HZ_DATA/cluster.new"
    cmp -s "$HZ_DATA/cluster.new" "$SYSTEMD_CLUSTER/conf.d/huzhu.conf" || changed=yes
    install -m 644 "$HZ_DATA/cluster.new" "$SYSTEMD_CLUSTER/conf.d/huzhu.conf"
    rm "$HZ_DATA/cluster.new"
    printf '# Made by hz systemd.\nlocal all,replication all peer map=huzhu\n' >"$SYSTEMD_CLUSTER/pg_hba.conf"
    {
        printf '# Made by hz systemd.\n'
        for role in postgres $(database_roles); do printf 'huzhu root %s\n' "$role"; done
        echo "huzhu postgres postgres"
        for service in "${HZ_SERVICES[@]}"; do
            printf "huzhu huzhu-$service huzhu_$service%s\n" '' _feed _migrate
        done
    } >"$SYSTEMD_CLUSTER/pg_ident.conf"
    run systemctl daemon-reload
    if [[ -n $changed ]]; then run systemctl restart postgresql@15-huzhu; else run systemctl reload-or-restart postgresql@15-huzhu; fi
    wait_for "$READY_S" database_is_up || die "PostgreSQL does not come up: journalctl -u postgresql@15-huzhu"
    database_roles_create
}

systemd_units()
{
    install -m 644 "$HZ_SOURCE/deploy/systemd/sysusers.conf" /etc/sysusers.d/huzhu.conf
    run systemd-sysusers /etc/sysusers.d/huzhu.conf
    install -m 644 "$HZ_SOURCE"/deploy/systemd/*.service "$HZ_SOURCE"/deploy/systemd/*.target "$SYSTEMD_UNITS/"
    run systemctl daemon-reload
}

# What runs is restarted one after the other, so that no request fails for an upgrade.
systemd_renew() # NAMES...
{
    local name
    for name in "$@"; do
        run systemctl restart "$(systemd_unit_of "$name")"
        wait_for "$READY_S" is_healthy "$name" || die "$name does not get ready: journalctl -u $(systemd_unit_of "$name")"
    done
}

systemd_install()
{
    local build=yes port='' names
    while (($#)); do
        case $1 in
        --port) port=${2:?--port needs a number}; shift ;;
        --no-build) build=no ;;
        *) die "hz systemd install [--port N] [--no-build]" ;;
        esac
        shift
    done
    [[ -z $port || $port =~ ^[1-9][0-9]{0,4}$ ]] || die "a port lies between 1 and 65499"
    if [[ $build == yes ]]; then up_build; else packages_ensure run; fi
    systemd_folders
    [[ -n $port ]] || port=$(conf_get port "$SYSTEMD_PORT")
    conf_set port "$port"
    conf_set metrics_base "$( ((port < 1024)) && echo "$SYSTEMD_METRICS_BASE" || echo "$port")"
    systemd_units
    install_programs
    install_schemes
    systemd_database
    keys_create
    systemd_hand_out
    systemd_environment
    mapfile -t names < <(systemd_names)
    if systemctl is-active --quiet huzhu.target; then
        systemd_renew "${names[@]}"
    else
        run systemctl enable huzhu.target
        run systemctl start --no-block huzhu.target # what does not come up must not hold this up for ever
    fi
    wait_for "$READY_S" is_ready || die "it is not ready after $READY_S s: systemctl status 'huzhu*'; journalctl -u 'huzhu*'"
    [[ -e $HZ_DATA/keys/first-passwords ]] || bootstrap
    say "平台已就绪 / the platform is ready:  https://localhost:$port/"
    say "  登录 sign in   the three administrators and their first passwords: sudo cat $HZ_DATA/keys/first-passwords"
    say "  状态 status    systemctl status 'huzhu*'    日志 logs  journalctl -u 'huzhu*'    停止 stop  systemctl stop huzhu.target"
}

# As `hz keys`; then everybody has the new ones, and who must begin anew does.
systemd_keys()
{
    local names
    instance_needed
    hz_keys "$@"
    [[ ${1:-show} != show ]] || return 0
    systemd_hand_out
    mapfile -t names < <(systemd_names)
    case $1 in
    tls) run systemctl reload huzhu-gateway ;;
    bus)
        run systemctl reload huzhu-broker@1 huzhu-broker@2
        if [[ $2 == broker ]]; then systemd_renew "${names[@]}"; else systemd_renew "$2"; fi
        ;;
    principal) systemd_renew identity ;;
    audit) systemd_renew audit ;;
    payouts) systemd_renew disbursement ;;
    master) systemd_renew "${HZ_SERVICES[@]}" ;;
    esac
}

hz_systemd()
{
    local what=${1:-}
    shift || true
    systemd_mode
    case $what in
    install) systemd_install "$@" ;;
    keys) systemd_keys "$@" ;;
    run) hz_run "$@" ;;
    *) die "hz systemd install [--port N] [--no-build] | keys [WORDS] | run SERVICE WORDS" ;;
    esac
}
