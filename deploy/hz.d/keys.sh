# keys.sh - every secret of an instance; made once, never printed.  Sourced by hz.
#
#   keys/bus/NAME           CURVE key pair of a process kind (NAME.pub beside it); broker: all brokers' common one
#   keys/bus/permissions    the brokers' table: which key is who, and who may call whom
#   keys/principal[.pub]    Ed25519: identity signs principals; principal.trusted is what every service believes
#   keys/audit[.pub]        Ed25519: audit signs tree heads
#   keys/payouts[.pub]      Ed25519: disbursement signs approvals and what goes to banks
#   keys/master/            the ring that wraps the tenants' data keys
#   keys/tls/               certificate and key of the gateway
# shellcheck shell=bash disable=SC2016 # in single quotes: the inner shell's words

TLS_DAYS=398 # what browsers accept at most

keygen() { as_user "$HZ_PROGRAMS/huzhu-keys" "$@"; }

keys_create()
{
    local name
    for name in broker gateway "${HZ_SERVICES[@]}"; do
        [[ -f $HZ_DATA/keys/bus/$name ]] || keygen bus "$HZ_DATA/keys/bus/$name"
    done
    for name in principal audit payouts; do
        [[ -f $HZ_DATA/keys/$name ]] || keygen signing "$HZ_DATA/keys/$name"
    done
    [[ -f $HZ_DATA/keys/principal.trusted ]] ||
        as_user cp "$HZ_DATA/keys/principal.pub" "$HZ_DATA/keys/principal.trusted"
    [[ -f $HZ_DATA/keys/master/current ]] || keygen ring "$HZ_DATA/keys/master"
    [[ -f $HZ_DATA/keys/tls/cert.pem ]] || keys_tls
    keys_permissions
}

# The table follows the tree: routes and consumed events are what callers need, and no more.
keys_permissions()
{
    local name service method
    {
        printf '# Made by hz at every start from deploy/permissions.txt, gateway/routes.def and services/*/events.def.\n'
        for name in broker gateway "${HZ_SERVICES[@]}"; do
            printf 'key %s %s\n' "$(as_user sed -n 's/^public //p' "$HZ_DATA/keys/bus/$name.pub")" "$name"
        done
        sed '/^#/d;/^$/d' "$HZ_SOURCE/deploy/permissions.txt"
        sed -nE 's/^ROUTE[A-Z_]*\([^"]*"[^"]*", *([A-Za-z]+), *([A-Za-z]+).*/\1 \2/p' "$HZ_SOURCE/gateway/routes.def" |
            sort -u | while read -r service method; do
            printf 'call gateway %s %s\n' "${service,,}" "$method"
        done
        for service in "${HZ_SERVICES[@]}"; do
            sed -nE 's/^EVENT\( *([a-z]+),.*/\1/p' "$HZ_SOURCE/services/$service/events.def" | sort -u |
                while read -r name; do
                    printf 'call %s %s Common.ReadEvents\n' "$service" "$name"
                done
        done
    } | into "$HZ_DATA/keys/bus/permissions"
}

keys_tls()
{
    as_user sh -c 'umask 077 && cd "$1" && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
        -sha256 -days "$2" -subj "/CN=localhost/O=huzhu" -addext "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1" \
        -addext "basicConstraints=critical,CA:FALSE" -addext "keyUsage=critical,digitalSignature" \
        -addext "extendedKeyUsage=serverAuth" -keyout key.new -out cert.new 2>openssl.log &&
        mv key.new key.pem && mv cert.new cert.pem && rm -f openssl.log' sh "$HZ_DATA/keys/tls" "$TLS_DAYS" ||
        die "openssl could not make a certificate: $(as_user cat "$HZ_DATA/keys/tls/openssl.log")"
}

keys_show()
{
    local name
    as_user openssl x509 -in "$HZ_DATA/keys/tls/cert.pem" -noout -subject -enddate -fingerprint -sha256
    for name in broker gateway "${HZ_SERVICES[@]}"; do
        printf 'bus %-14s %s\n' "$name" "$(as_user sed -n 's/^public //p' "$HZ_DATA/keys/bus/$name.pub")"
    done
    as_user sed 's/^/principal (trusted)  /' "$HZ_DATA/keys/principal.trusted"
    as_user sed 's/^/audit                /' "$HZ_DATA/keys/audit.pub"
    as_user sed 's/^/payouts              /' "$HZ_DATA/keys/payouts.pub"
    printf 'master (current)     %s\n' "$(as_user cat "$HZ_DATA/keys/master/current")"
}

# Old and new are believed side by side while old principals are about; identity sees to the order.
keys_rotate_principal()
{
    with_settings identity "$HZ_PROGRAMS/huzhu-identity" rotate-keys
    ! is_running || for name in $(replicas_of identity); do restart_and_wait "$name"; done
}

keys_rotate_bus()
{
    local name=$1 process
    [[ -f $HZ_DATA/keys/bus/$name ]] || die "nobody is called $name on the bus"
    as_user rm -f "$HZ_DATA/keys/bus/$name" "$HZ_DATA/keys/bus/$name.pub"
    keygen bus "$HZ_DATA/keys/bus/$name"
    keys_permissions
    is_running || return 0
    # The brokers learn the new table first; their own key concerns everybody.
    for process in $(brokers); do ask signal "$process" HUP >/dev/null; done
    if [[ $name == broker ]]; then
        for process in $(brokers) $(processes | grep -v -e postgres -e '^broker'); do ask restart "$process" >/dev/null; done
    else
        for process in $(replicas_of "$name"); do ask restart "$process" >/dev/null; done
    fi
}

hz_keys()
{
    instance_needed
    case ${1:-show} in
    show) keys_show ;;
    tls)
        keys_tls
        ! is_running || ask signal gateway HUP >/dev/null
        ;;
    bus)
        takes 'hz keys bus broker|gateway|SERVICE' 2 2 "$@"
        keys_rotate_bus "$2"
        ;;
    principal) keys_rotate_principal ;;
    audit | payouts) # the old ones stay: what they signed is checked with them
        as_user sh -c 'cd "$1" && mv "$3" "$3.$2" && mv "$3.pub" "$3.$2.pub"' sh "$HZ_DATA/keys" "$(date +%s)" "$1"
        keygen signing "$HZ_DATA/keys/$1"
        ! is_running || for name in $(replicas_of "${1/payouts/disbursement}"); do ask restart "$name" >/dev/null; done
        ;;
    master)
        keygen ring "$HZ_DATA/keys/master"
        ! is_running || for name in "${HZ_SERVICES[@]}"; do ask restart "$name" >/dev/null; done
        ;;
    *) die "hz keys [tls|bus NAME|principal|audit|payouts|master]" ;;
    esac
}
