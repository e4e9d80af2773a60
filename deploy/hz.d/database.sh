# database.sh - the instance's own PostgreSQL 15: made once, reached by a unix socket alone.  Sourced by hz.
# shellcheck shell=bash

database_url() # ROLE APPLICATION
{
    printf "host=%s port=%s dbname=huzhu user=%s application_name='%s'" "$HZ_SOCKETS" "$PG_PORT" "$1" "$2"
}

sql() # as the cluster's superuser
{
    as_user env -i PATH=/usr/bin:/bin LANG=C.UTF-8 "$PG_BIN/psql" -X -q -v ON_ERROR_STOP=1 \
        "host=$HZ_SOCKETS port=$PG_PORT dbname=${HZ_DB:-huzhu} user=postgres" "$@"
}

database_is_up()
{
    as_user "$PG_BIN/pg_isready" -q -U postgres -d postgres -h "$HZ_SOCKETS" -p "$PG_PORT"
}

# The operating system says who connects (peer), and pg_ident says which roles that user may be.  All processes of
# one instance on one machine are one user; on machines that give each service a user of its own, the map does the same.
database_create()
{
    [[ ! -f $HZ_DATA/pg/15/PG_VERSION ]] || return 0
    note "making a database cluster in $HZ_DATA/pg/15"
    as_user rm -rf "$HZ_DATA/pg/15.new"
    logged "$HZ_DATA/log/initdb.log" env -i PATH=/usr/bin:/bin LANG=C.UTF-8 "$PG_BIN/initdb" -D "$HZ_DATA/pg/15.new" \
        -U postgres -E UTF8 --locale=C.UTF-8 --data-checksums --auth=reject ||
        die "initdb failed: $(as_user tail -n 3 "$HZ_DATA/log/initdb.log")"
    as_user sh -c "echo \"include 'huzhu.conf'\" >>\"\$1\"" sh "$HZ_DATA/pg/15.new/postgresql.conf"
    as_user mv "$HZ_DATA/pg/15.new" "$HZ_DATA/pg/15"
}

# At every start, so that what an upgrade changes arrives.
database_configure()
{
    local user role
    user=$(as_user id -un)
    {
        cat "$HZ_SOURCE/deploy/postgres/huzhu.conf"
        printf "unix_socket_directories = '%s'\nport = %s\n" "$HZ_SOCKETS" "$PG_PORT"
    } | into "$HZ_DATA/pg/15/huzhu.conf"
    printf 'local all,replication all peer map=huzhu\n' | into "$HZ_DATA/pg/15/pg_hba.conf"
    for role in postgres $(database_roles); do
        printf 'huzhu %s %s\n' "$user" "$role"
    done | into "$HZ_DATA/pg/15/pg_ident.conf"
}

# Roles and schemas of the seven; idempotent.
database_roles()
{
    local service
    for service in "${HZ_SERVICES[@]}"; do
        printf '%s\n' "huzhu_$service" "huzhu_${service}_feed" "huzhu_${service}_migrate"
    done
}

database_roles_create()
{
    HZ_DB=postgres sql -A -t -c "SELECT 1 FROM pg_database WHERE datname = 'huzhu'" | grep -q 1 ||
        HZ_DB=postgres sql -c 'CREATE DATABASE huzhu'
    sql <"$HZ_SOURCE/deploy/postgres/roles.sql" >/dev/null
}
