# run.sh - what an operator does with an instance.  Sourced by hz.
# shellcheck shell=bash disable=SC2016,SC2119,SC2120 # in single quotes: the inner shell's words; commands refuse words

READY_S=30
PROGRAMS=(huzhu-supervise huzhu-keys huzhu-broker huzhu-gateway huzhu-drg huzhu-design)

programs()
{
    printf '%s\n' "${PROGRAMS[@]}" "${HZ_SERVICES[@]/#/huzhu-}"
}

# --- up ---

up_user()
{
    is_root || return 0
    id -u "$HZ_USER" >/dev/null 2>&1 ||
        run useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "$HZ_USER"
}

up_folders()
{
    local folder
    mkdir -p "$HZ_DATA"/{bin,settings,schemes}
    chmod 755 "$HZ_DATA" "$HZ_DATA"/{bin,settings,schemes}
    for folder in pg run log keys; do
        [[ -d $HZ_DATA/$folder ]] || mkdir -m 700 "$HZ_DATA/$folder"
        if is_root; then chown -h "$HZ_USER:" "$HZ_DATA/$folder"; fi
    done
    as_user sh -c 'cd "$1" && mkdir -p -m 700 bus tls master' sh "$HZ_DATA/keys" 2>/dev/null ||
        die "the user $HZ_USER cannot reach $HZ_DATA: every folder above it must allow it to pass (chmod o+x)"
}

up_build()
{
    packages_ensure run build
    [[ -f $HZ_SOURCE/build/release/build.ninja ]] || run cmake -S "$HZ_SOURCE" --preset release >/dev/null
    mapfile -t targets < <(programs)
    note "building (quick when nothing changed)"
    ninja -C "$HZ_SOURCE/build/release" "${targets[@]}" gateway_web >"$HZ_SOURCE/build/release/hz.log" 2>&1 || {
        tail -n 40 "$HZ_SOURCE/build/release/hz.log" >&2
        die "the build failed"
    }
}

# Copies what differs; a running program keeps the file it was started from.
install_programs()
{
    local name
    for name in $(programs); do
        [[ -x $HZ_BIN/$name ]] || die "$HZ_BIN/$name is not built: hz build release"
        cmp -s "$HZ_BIN/$name" "$HZ_PROGRAMS/$name" || {
            install -m 755 "$HZ_BIN/$name" "$HZ_PROGRAMS/$name.new"
            mv "$HZ_PROGRAMS/$name.new" "$HZ_PROGRAMS/$name"
        }
    done
    rm -rf "$HZ_WEB.new"
    # The build lays the pages beside the programs, with their compressed forms.
    cp -r "$HZ_BIN/../web" "$HZ_WEB.new"
    chmod -R a+rX "$HZ_WEB.new"
    rm -rf "$HZ_WEB" && mv "$HZ_WEB.new" "$HZ_WEB"
}

# The demonstration scheme, so that stays can be grouped at once; a city's own is compiled into the same folder.  Each
# version stays: an old claim regroups with its own year's scheme, and what the file is called says which pack it is.
install_schemes()
{
    local pack=$HZ_SOURCE/services/coding/scheme/starter version file said
    [[ -d $pack ]] || return 0
    version=$(cat "$pack"/*.tsv "$pack/scheme.json" | sha256sum | cut -c1-12)
    file=$HZ_DATA/schemes/starter-$version.hzs
    [[ ! -e $file ]] || return 0
    said=$("$HZ_BIN/huzhu-drg" compile "$pack" -o "$file.new" 2>&1) ||
        die "the demonstration scheme does not compile: $(tail -n 3 <<<"$said")"
    chmod a+r "$file.new"
    mv "$file.new" "$file"
}

start_supervisor()
{
    # Out of this terminal's session: closing it must not end the platform.
    logged "$HZ_DATA/log/supervise.out" setsid -f "$HZ_PROGRAMS/huzhu-supervise" "$HZ_DATA/run/table" </dev/null
    wait_for 5 is_running || die "the supervisor did not start: $(as_user tail -n 3 "$HZ_DATA/log/supervise.out")"
}

migrate()
{
    local service pids=() failed=
    for service in "$@"; do
        migrate_one "$service" &
        pids+=("$!:$service")
    done
    for service in "${pids[@]}"; do
        wait "${service%%:*}" || failed+=" ${service#*:}"
    done
    [[ -z $failed ]] || die "could not migrate:$failed; see $HZ_DATA/log/migrate-*.log"
}

migrate_one()
{
    local settings
    mapfile -t settings < <(settings_of "$1")
    logged "$HZ_DATA/log/migrate-$1.log" env -i "${settings[@]}" "$HZ_PROGRAMS/huzhu-$1" migrate
}

http() { curl -sS --max-time 10 --cacert "$HZ_DATA/keys/tls/cert.pem" "$@"; }
is_ready()
{
    [[ $(http -o /dev/null -w '%{http_code}' "https://localhost:$(instance_port)/readyz" 2>/dev/null) == 200 ]]
}

hz_up()
{
    local build=yes port='' count='' rehearsal=no
    while (($#)); do
        case $1 in
        --port) port=${2:-none}; shift $(($# > 1)) ;;
        --port=*) port=${1#*=} ;;
        --brokers) count=${2:-none}; shift $(($# > 1)) ;;
        --no-build) build=no ;;
        --rehearsal) rehearsal=yes ;;
        *) die "hz up [--data DIR] [--port N] [--brokers N] [--no-build] [--rehearsal]" ;;
        esac
        shift
    done
    [[ $port =~ ^[0-9]*$ && $count =~ ^[1-3]?$ ]] || die "a port is a number, and there are 1 to 3 brokers"
    [[ -z $port ]] || ((port > 0 && port < 65500)) || die "a port lies between 1 and 65499"

    [[ $rehearsal == no ]] || ! instance_exists || rehearsal_mark # before anything is built: it may refuse
    [[ $build == no ]] || up_build
    up_user
    up_folders
    [[ $rehearsal == no ]] || rehearsal_mark
    if is_running; then
        [[ -z $port || $port == "$(instance_port)" ]] || die "it runs on port $(instance_port); hz down first"
        note "it is running already; programs that were built since then start with: hz upgrade"
    else
        [[ -z $port ]] || conf_set port "$port"
        [[ -z $count ]] || conf_set brokers "$count"
        instance_exists || conf_set port "$PORT_DEFAULT"
        port_is_free || die "port $(instance_port) is taken: hz up --port N"
        install_programs
        install_schemes
        database_create
        database_configure
        keys_create
        table_write
        start_supervisor
    fi
    ask start postgres >/dev/null
    wait_for "$READY_S" database_is_up || die "PostgreSQL does not come up: $(as_user tail -n 3 "$HZ_DATA/log/postgres.log")"
    database_roles_create
    migrate "${HZ_SERVICES[@]}"
    ask start all >/dev/null
    wait_for "$READY_S" is_ready || {
        hz_status >&2 || true
        die "it is not ready after $READY_S s; see hz logs"
    }
    bootstrap
    welcome
}

port_is_free()
{
    ! (exec 3<>"/dev/tcp/127.0.0.1/$(instance_port)") 2>/dev/null
}

# The three administrators of the platform, once.  Their first passwords lie in a file that only the operator reads,
# and must be changed at the first sign-in.
bootstrap()
{
    local file=$HZ_DATA/keys/first-passwords
    [[ ! -e $file ]] || return 0
    with_settings identity "$HZ_PROGRAMS/huzhu-identity" bootstrap | into "$file" ||
        die "the first administrators could not be made"
}

welcome()
{
    say ""
    say "平台已就绪 / the platform is ready:  https://localhost:$(instance_port)/"
    say "  证书 certificate   $HZ_DATA/keys/tls/cert.pem (self-signed: curl --cacert, or accept it once in the browser)"
    say "  登录 sign in       POST /api/v1/sessions; the three administrators and their first passwords:"
    say "                     $(is_root && printf 'sudo ')cat $HZ_DATA/keys/first-passwords"
    ! is_rehearsal || say "  演练 rehearsal     business time is $(hz_clock): hz clock move 30d"
    say "  状态 status        hz status    日志 logs  hz logs    停止 stop  hz down"
}

# --- down and the others ---

hz_down()
{
    takes 'hz down' 0 0 "$@"
    if ! is_running; then
        note "nothing runs in $HZ_DATA"
        return 0
    fi
    ask quit >/dev/null
    note "stopped; the data stays in $HZ_DATA"
}

seconds_text()
{
    if (($1 >= 86400)); then printf '%dd%dh' $(($1 / 86400)) $(($1 % 86400 / 3600))
    elif (($1 >= 3600)); then printf '%dh%dm' $(($1 / 3600)) $(($1 % 3600 / 60))
    elif (($1 >= 60)); then printf '%dm%ds' $(($1 / 60)) $(($1 % 60))
    else printf '%ds' "$1"; fi
}

health_of()
{
    local port
    if [[ $1 == postgres ]]; then
        if database_is_up; then echo ok; else echo away; fi
        return
    fi
    port=$(metrics_port "$1")
    case $(curl -s -o /dev/null --max-time 2 -w '%{http_code}' "http://127.0.0.1:$port/readyz" 2>/dev/null) in
    200) echo ok ;;
    503) echo not ready ;;
    *) echo no answer ;;
    esac
}

hz_status()
{
    local name state pid seconds restarts memory healthy=0
    takes 'hz status' 0 0 "$@"
    instance_needed
    running_needed
    printf '%-15s %-9s %8s %9s %9s %9s  %s\n' process state pid uptime restarts memory health
    while read -r name state pid seconds restarts _; do
        [[ $name != ok ]] || continue
        memory=-
        if ((pid > 0)); then memory=$(awk '/^VmRSS/ { printf "%.1f MB", $2 / 1024 }' "/proc/$pid/status" 2>/dev/null || echo -); fi
        local health=down
        if [[ $state == up ]]; then health=$(health_of "$name"); fi
        [[ $health == ok ]] || healthy=1
        printf '%-15s %-9s %8s %9s %9s %9s  %s\n' "$name" "$state" "$pid" "$(seconds_text "$seconds")" "$restarts" \
            "$memory" "$health"
    done < <(ask status)
    printf 'gateway: https://localhost:%s/  data: %s\n' "$(instance_port)" "$HZ_DATA"
    ! is_rehearsal || printf '演练 REHEARSAL: business time is %s\n' "$(hz_clock)"
    return "$healthy"
}

hz_logs()
{
    local name='' follow=no files=()
    instance_needed
    while (($#)); do
        case $1 in
        -f) follow=yes ;;
        *) name=$1 ;;
        esac
        shift
    done
    if [[ -n $name ]]; then files=("$HZ_DATA/log/$name.log"); else files=("$HZ_DATA"/log/*.log); fi
    [[ -f ${files[0]} ]] || die "no process is called $name"
    if [[ $follow == yes ]]; then exec tail -n 20 -F "${files[@]}"; fi
    tail -n "$([[ -n $name ]] && echo 200 || echo 5)" "${files[@]}"
}

# A trace id goes with a request through every process; lines are JSON with their time first.
hz_trace()
{
    instance_needed
    [[ ${1:-} =~ ^[0-9a-f]{32}$ ]] || die "hz trace ID: 32 hex digits, as a problem's \"trace\" says"
    grep -h -- "$1" "$HZ_DATA"/log/*.log* | sort || die "no log holds that trace (logs rotate by size)"
}

hz_parked()
{
    local service found=0 rows
    takes 'hz parked' 0 0 "$@"
    running_needed
    for service in "${HZ_SERVICES[@]}"; do
        rows=$(sql -A -F '  ' -t -c "SELECT '$service', producer, tx::text || '/' || seq, topic, code, reason, says,
            to_char(parked_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') FROM $service.parked ORDER BY parked_at")
        [[ -z $rows ]] || { say "$rows"; found=$((found + $(wc -l <<<"$rows"))); }
    done
    note "$found parked events"
}

hz_psql()
{
    local role=postgres name=hz path=public
    running_needed
    # Whoever mistypes a service must not become the superuser.
    if [[ -n ${1:-} && $1 != -* ]]; then
        is_service "$1" || die "there is no service $1: ${HZ_SERVICES[*]}"
        role=huzhu_$1 path=$1
        shift
    fi
    as_user env PGOPTIONS="-c search_path=$path" HOME="${HOME:-/}" PSQL_HISTORY=/dev/null "$PG_BIN/psql" -X \
        "host=$HZ_SOCKETS port=$PG_PORT dbname=huzhu user=$role application_name=$name" "$@"
}

hz_start() { ask_one start "$@"; }
hz_stop() { ask_one stop "$@"; }
hz_restart() { ask_one restart "$@"; }
ask_one() # VERB NAME
{
    local verb=$1
    shift
    takes "hz $verb NAME" 1 1 "$@"
    running_needed
    as_user grep -q "^process $1 " "$HZ_DATA/run/table" || [[ $1 == all ]] ||
        die "there is no process $1: $(as_user sed -n 's/^process \([a-z0-9-]*\) .*/\1/p' "$HZ_DATA/run/table" | tr '\n' ' ')"
    ask "$verb" "$1"
}

# One process at a time, and the next only when this one answers: no request fails for an upgrade.  A setting that the new
# program refuses is found before anything is stopped.
hz_upgrade()
{
    local kind kinds=(broker "${HZ_SERVICES[@]}" gateway) name
    takes 'hz upgrade [SERVICE|broker|gateway]' 0 1 "$@"
    running_needed
    if (($# == 1)); then
        [[ " ${kinds[*]} " == *" $1 "* ]] || die "there is no $1: ${kinds[*]}"
        kinds=("$1")
    fi
    install_programs
    for kind in "${kinds[@]}"; do settings_check "$kind"; done
    keys_permissions
    table_write
    ask reload >/dev/null
    for kind in "${kinds[@]}"; do
        case $kind in
        broker) for name in $(brokers); do restart_and_wait "$name"; done ;;
        gateway) restart_and_wait gateway ;;
        *)
            migrate "$kind"
            for name in $(replicas_of "$kind"); do restart_and_wait "$name"; done
            ;;
        esac
    done
}

settings_check() # KIND
{
    local name=$1 said
    [[ $1 != broker ]] || name=broker-1
    said=$(with_settings "$name" "$HZ_DATA/bin/huzhu-$1" --check-config 2>&1) ||
        die "$1 would not start with these settings, so nothing was changed:"$'\n'"$said"
}

is_healthy() { [[ $(health_of "$1") == ok ]]; }
restart_and_wait()
{
    ask restart "$1" >/dev/null
    wait_for "$READY_S" is_healthy "$1" || die "$1 did not come back; see hz logs $1"
    note "$1 is new"
}

hz_scale()
{
    local name
    running_needed
    is_service "${1:-}" || die "hz scale SERVICE N"
    [[ ${2:-} =~ ^[1-5]$ ]] || die "1 to 5 processes of a service on one machine"
    conf_set "scale_$1" "$2"
    table_write
    ask reload >/dev/null
    for name in $(replicas_of "$1"); do ask start "$name" >/dev/null; done
    wait_for "$READY_S" is_healthy "$name" || die "$name does not get ready; see hz logs $name"
}

hz_run()
{
    (($# > 0)) || die "usage: hz run SERVICE WORDS"
    local service=$1
    shift
    instance_needed
    is_service "$service" || [[ $service == broker || $service == gateway ]] || die "there is no $service"
    with_settings "$([[ $service == broker ]] && echo broker-1 || echo "$service")" \
        "HUZHU_METRICS_PORT=0" "$HZ_PROGRAMS/huzhu-$service" "$@"
}

# First form: the whole cluster as it is on disk, the keys that it is worth nothing without, the grouping schemes that its
# years are named after, and the operator's settings.  Physical, not a
# dump: the event logs hold transaction ids, which a dump would carry into a cluster whose own count is far behind.
# The archive is as secret as the keys in it.
hz_backup()
{
    takes 'hz backup FILE' 1 1 "$@"
    local file=$1 folder clock=
    running_needed
    file=$(realpath -m "$file")
    folder=$(as_user mktemp -d "$HZ_DATA/run/backup-XXXXXX")
    as_user "$PG_BIN/pg_basebackup" -d "host=$HZ_SOCKETS port=$PG_PORT user=postgres" -D "$folder" -Ft -z -X fetch \
        --checkpoint=fast --no-manifest
    if is_rehearsal; then clock_write "$(clock_offset)"; clock=business-clock; fi
    # The operator's own folders are read by the operator.
    tar -C "$HZ_DATA" -cf - schemes settings | into "$folder/operator.tar"
    (umask 077 && as_user tar -C "$HZ_DATA" -cf - keys hz.conf ${clock:+"$clock"} -C "$folder" base.tar.gz operator.tar \
        >"$file.new")
    as_user rm -rf "$folder"
    mv "$file.new" "$file"
    note "wrote $file ($(du -h "$file" | cut -f1)); keep it where only you can read it"
}

hz_restore()
{
    takes 'hz restore FILE' 1 1 "$@"
    [[ -f $1 ]] || die "there is no file $1"
    local file
    file=$(realpath "$1")
    ! is_running || die "hz down first"
    [[ ! -e $HZ_DATA/pg/15 ]] || die "there is an instance in $HZ_DATA; restore into an empty folder: --data DIR"
    up_user
    up_folders
    tar -xOf "$file" hz.conf >"$HZ_DATA/hz.conf"
    ! is_rehearsal || clock_write "$(tar -xOf "$file" business-clock)"
    as_user tar -C "$HZ_DATA" -xf - keys <"$file"
    # A backup of before these were part of it has none.
    ! tar -tf "$file" operator.tar >/dev/null 2>&1 ||
        tar -xOf "$file" operator.tar | tar -C "$HZ_DATA" --no-same-owner -xf -
    as_user sh -c 'umask 077; mkdir "$1" && tar -xOf - base.tar.gz | tar -C "$1" -xzf -' sh "$HZ_DATA/pg/15" <"$file"
    note "restored into $HZ_DATA; start it: hz up"
}

hz_wipe()
{
    takes 'hz wipe --yes' 0 1 "$@"
    [[ ${1:-} == --yes ]] || die "this throws away all data in $HZ_DATA: hz wipe --yes"
    instance_needed
    hz_down
    rm -rf "${HZ_DATA:?}"/{pg,keys,run,log,bin,web,schemes,settings,demo,hz.conf,business-clock}
    note "wiped $HZ_DATA"
}
