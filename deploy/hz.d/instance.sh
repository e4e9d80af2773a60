# instance.sh - one instance: where its things lie, its settings, and the table of its processes.  Sourced by hz.
#
#   the operator's (root's, when root types the commands), read by the platform:
#   DATA/hz.conf     port, brokers, scale_SERVICE, rehearsal: what was chosen at `hz up`, `hz scale`
#   DATA/business-clock  a rehearsal's offset of business time (clock.sh)
#   DATA/settings    an operator's own settings, a file a kind of process
#   DATA/bin, web    what runs and what is shown: copies, so that building and upgrading are two things
#   DATA/schemes     compiled grouping schemes (*.hzs)
#   the platform's own:
#   DATA/pg/15       PostgreSQL's            DATA/keys   all secrets (0700)
#   DATA/run         sockets, the supervisor's table
#   DATA/log         a log a process, rotated by size
#
# Root writes nothing into the platform's folders and runs nothing out of them, so that a service which was taken
# over cannot put a link or a program in root's way.
# shellcheck shell=bash disable=SC2034 # used by the other parts

PG_BIN=/usr/lib/postgresql/15/bin
PG_PORT=5432           # names a socket file in DATA/run; no TCP port is opened
PORT_DEFAULT=8443
SOCKET_PATH_MAX=107    # of sockaddr_un

instance_locate()
{
    if [[ -z ${HZ_DATA:-} ]]; then
        if is_root; then HZ_DATA=/var/lib/huzhu; else HZ_DATA=${XDG_DATA_HOME:-$HOME/.local/share}/huzhu; fi
    fi
    HZ_DATA=$(realpath -m "$HZ_DATA")
    HZ_BIN=${HZ_BIN:-$HZ_SOURCE/build/release/bin}
    [[ $HZ_DATA != *[[:space:]\"]* ]] || die "the data folder's path may hold no blanks: $HZ_DATA"
    ((${#HZ_DATA} + 20 <= SOCKET_PATH_MAX)) ||
        die "the data folder's path is too long for sockets ($SOCKET_PATH_MAX bytes with the socket's name): $HZ_DATA"
    # systemd.sh puts these elsewhere.
    HZ_PROGRAMS=$HZ_DATA/bin HZ_WEB=$HZ_DATA/web HZ_SOCKETS=$HZ_DATA/run
    CONTROL=$HZ_DATA/run/supervise
}

# conf_get NAME DEFAULT / conf_set NAME VALUE: the instance's own choices.
conf_get()
{
    local value=
    [[ ! -f $HZ_DATA/hz.conf ]] || value=$(sed -n "s/^$1=//p" "$HZ_DATA/hz.conf")
    printf '%s' "${value:-$2}"
}

conf_set()
{
    {
        [[ ! -f $HZ_DATA/hz.conf ]] || grep -v "^$1=" "$HZ_DATA/hz.conf" || true
        printf '%s=%s\n' "$1" "$2"
    } >"$HZ_DATA/hz.conf.new"
    mv "$HZ_DATA/hz.conf.new" "$HZ_DATA/hz.conf"
}

instance_port() { conf_get port "$PORT_DEFAULT"; }
instance_exists() { [[ -f $HZ_DATA/hz.conf ]]; }
instance_needed() { instance_exists || die "there is no instance in $HZ_DATA yet: hz up"; }

# Names of the processes of one kind: coding coding-2 coding-3.
replicas_of()
{
    local i count
    count=$(conf_get "scale_$1" 1)
    for ((i = 1; i <= count; i++)); do
        if ((i == 1)); then echo "$1"; else echo "$1-$i"; fi
    done
}

brokers()
{
    local i count
    count=$(conf_get brokers 2)
    for ((i = 1; i <= count; i++)); do echo "broker-$i"; done
}

# CURVE even on one host: all processes are one user here, so the kernel could not tell them apart.
broker_endpoint() { printf 'curve+ipc://%s/run/%s.ipc' "$HZ_DATA" "$1"; }

broker_endpoints()
{
    local name list=
    for name in $(brokers); do list+=,$(broker_endpoint "$name"); done
    printf '%s' "${list#,}"
}

# Metrics and health are on loopback ports just above the gateway's, each process at a fixed place, so that two
# instances whose ports lie 50 apart do not meet.
metrics_port()
{
    local offset=1 name
    for name in gateway broker-1 broker-2 broker-3 "${HZ_SERVICES[@]}"; do
        if [[ $1 == "$name" ]]; then
            echo $(($(conf_get metrics_base "$(instance_port)") + offset))
            return
        fi
        offset=$((offset + 1))
    done
    case $1 in # replicas: coding-2 ... after all firsts
    *-[0-9]*) echo $(($(metrics_port "${1%-*}") + (${1##*-} - 1) * 7 + 4)) ;;
    esac
}

# The settings of a process, NAME=VALUE a line: the only place that knows them.  What an operator wrote into
# DATA/settings/KIND or DATA/settings/all comes first and wins (`hz run KIND --help-config` names all settings).
settings_of()
{
    local kind=${1%-[0-9]*}
    {
        settings_chosen "$kind"
        printf '%s\n' PATH=/usr/bin:/bin LANG=C.UTF-8 "HUZHU_METRICS_PORT=$(metrics_port "$1")"
        case $kind in
        broker) settings_of_broker "$1" ;;
        gateway) settings_of_gateway ;;
        *) settings_of_service "$kind" "$1" ;;
        esac
    } | awk -F= '!seen[$1]++'
}

settings_chosen()
{
    local file
    for file in "$HZ_DATA/settings/$1" "$HZ_DATA/settings/all"; do
        # The clock is no operator's setting: only what was made as a rehearsal has one.
        [[ ! -f $file ]] || grep -E '^HUZHU_[A-Z0-9_]+=' "$file" | grep -Ev '^HUZHU_([A-Z]+_)?BUSINESS_CLOCK=' || true
    done
}

settings_of_broker()
{
    printf '%s\n' "HUZHU_BROKER_ENDPOINTS=$(broker_endpoint "$1")" "HUZHU_BROKER_CURVE_KEY=$HZ_DATA/keys/bus/broker" \
        "HUZHU_BROKER_PERMISSIONS=$HZ_DATA/keys/bus/permissions" "HUZHU_BROKER_HTTP_PORT=$(metrics_port "$1")"
}

settings_of_gateway()
{
    printf '%s\n' "HUZHU_BROKERS=$(broker_endpoints)" "HUZHU_BUS_KEY=$HZ_DATA/keys/bus/gateway" \
        "HUZHU_BROKER_KEY=$HZ_DATA/keys/bus/broker.pub" "HUZHU_GATEWAY_PORT=$(instance_port)" \
        "HUZHU_GATEWAY_CERTIFICATE_FILE=$HZ_DATA/keys/tls/cert.pem" \
        "HUZHU_GATEWAY_CERTIFICATE_KEY_FILE=$HZ_DATA/keys/tls/key.pem" "HUZHU_GATEWAY_WEB_ROOT=$HZ_WEB"
}

settings_of_service() # KIND NAME
{
    printf '%s\n' "HUZHU_BROKERS=$(broker_endpoints)" "HUZHU_BUS_KEY=$HZ_DATA/keys/bus/$1" \
        "HUZHU_BROKER_KEY=$HZ_DATA/keys/bus/broker.pub" "HUZHU_PRINCIPAL_KEYS=$HZ_DATA/keys/principal.trusted" \
        "HUZHU_MASTER_KEYS=$HZ_DATA/keys/master" "HUZHU_DATABASE_URL=$(database_url "huzhu_$1" "$2")" \
        "HUZHU_FEED_URL=$(database_url "huzhu_$1_feed" "$2-feed")" \
        "HUZHU_MIGRATE_URL=$(database_url "huzhu_$1_migrate" "$2-migrate")"
    ! is_rehearsal || echo "HUZHU_BUSINESS_CLOCK=$(clock_file)"
    case $1 in
    identity) echo "HUZHU_IDENTITY_PRINCIPAL_KEY=$HZ_DATA/keys/principal" ;;
    coding) echo "HUZHU_CODING_SCHEME_FOLDER=$HZ_DATA/schemes" ;;
    audit) echo "HUZHU_AUDIT_SIGNING_KEY=$HZ_DATA/keys/audit" ;;
    disbursement) echo "HUZHU_DISBURSEMENT_SIGNING_KEY=$HZ_DATA/keys/payouts" ;;
    esac
}

# with_settings NAME PROGRAM WORDS...: runs it as the process NAME would run.
with_settings()
{
    local settings
    mapfile -t settings < <(settings_of "$1")
    shift
    as_user env -i "${settings[@]}" "$@"
}

table_process() # NAME RANK STOP PROGRAM WORDS...
{
    local name=$1 rank=$2 stop=$3
    shift 3
    printf '\nprocess %s %s\nstop %s\n' "$name" "$rank" "$stop"
    if [[ $name != postgres ]]; then settings_of "$name" | sed 's/^/env /'; fi
    printf 'exec %s\n' "$*"
}

# Ranks: what is needed by others starts first and stops last.
table_write()
{
    local service name
    {
        printf '# Made by hz: edit hz.conf or the settings in deploy/hz.d/instance.sh instead.\n'
        printf 'control %s\nlogs %s\nrotate 16777216 4\n' "$CONTROL" "$HZ_DATA/log"
        # SIGINT: PostgreSQL's fast shutdown; it does not wait for idle connections.
        table_process postgres 1 "INT 30s" "$PG_BIN/postgres" -D "$HZ_DATA/pg/15"
        for name in $(brokers); do
            table_process "$name" 2 "TERM 10s" "$HZ_PROGRAMS/huzhu-broker"
        done
        for service in "${HZ_SERVICES[@]}"; do
            for name in $(replicas_of "$service"); do
                table_process "$name" 3 "TERM 15s" "$HZ_PROGRAMS/huzhu-$service"
            done
        done
        table_process gateway 4 "TERM 15s" "$HZ_PROGRAMS/huzhu-gateway"
    } | into "$HZ_DATA/run/table"
}

processes() { sed -n 's/^process \([a-z0-9-]*\) .*/\1/p' "$HZ_DATA/run/table"; }

ask() { as_user "$HZ_PROGRAMS/huzhu-supervise" --ask "$CONTROL" "$@"; }
is_running() { [[ -S $CONTROL && -x $HZ_PROGRAMS/huzhu-supervise ]] && ask status >/dev/null 2>&1; }
running_needed() { is_running || die "the instance in $HZ_DATA is not running: hz up"; }
