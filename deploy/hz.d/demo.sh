# demo.sh - the first year of three townships, played on a private rehearsal instance.  Sourced by hz.
#
# The play itself is deploy/demo (Python, standard library alone); it knows the platform by its public API only.  Here is
# what an operator would do for it: packages, an instance beside the normal one, its settings, the grouping scheme.
# shellcheck shell=bash

DEMO_PORT=9443
DEMO_PEOPLE=20000

# Beside the normal instance, so that neither knows of the other.
demo_data()
{
    if is_root; then echo /var/lib/huzhu-demo; else echo "${XDG_DATA_HOME:-$HOME/.local/share}/huzhu-demo"; fi
}

# Three townships come from one address here, where in life they come from a few hundred.
demo_settings()
{
    printf '%s\n' HUZHU_GATEWAY_ADDRESS_RATE=5000 HUZHU_GATEWAY_ADDRESS_BURST=20000 HUZHU_GATEWAY_ACCOUNT_RATE=1000 \
        HUZHU_GATEWAY_ACCOUNT_BURST=5000 HUZHU_GATEWAY_SIGN_IN_RATE=6000 HUZHU_GATEWAY_SIGN_IN_BURST=1000 \
        >"$HZ_DATA/settings/gateway"
}

# The published national scheme where it lies beside the checkout; the starter scheme is in every instance anyway.
demo_scheme()
{
    local pack=$HZ_SOURCE/../shared/drg/packs/chs_drg_11 file=$HZ_DATA/schemes/chs_drg_11.hzs said
    [[ -d $pack && ! -e $file ]] || return 0
    said=$("$HZ_BIN/huzhu-drg" compile "$pack" -o "$file.new" 2>&1) ||
        die "the scheme $pack does not compile: $(tail -n 3 <<<"$said")"
    chmod a+r "$file.new"
    mv "$file.new" "$file"
}

demo_again() # whether the instance holds a demonstration that has been played
{
    [[ -f $HZ_DATA/demo/finished ]] || return 1
    cat "$HZ_DATA/demo/finished"
    is_running || note "it is stopped; start it again: hz up --data $HZ_DATA"
}

hz_demo()
{
    local people=$DEMO_PEOPLE seed='' port=$DEMO_PORT build=yes kills=()
    while (($#)); do
        case $1 in
        --people) people=${2:?--people needs a number}; shift ;;
        --people=*) people=${1#*=} ;;
        --seed) seed=${2:?--seed needs a number}; shift ;;
        --seed=*) seed=${1#*=} ;;
        --port) port=${2:?--port needs a number}; shift ;;
        --port=*) port=${1#*=} ;;
        --no-build) build=no ;;
        --kills) kills=(--kills) ;;
        *) die "hz demo [--people N] [--seed S] [--data DIR] [--port N] [--no-build] [--kills]" ;;
        esac
        shift
    done
    [[ $people =~ ^[1-9][0-9]{2,5}$ && ! $people =~ ^[1-5]..$ ]] || die "--people: 600 to 999999 over the three townships together"
    [[ $seed =~ ^[0-9]{0,9}$ ]] || die "--seed: a number of up to nine digits"
    ! demo_again || return 0
    ! instance_exists ||
        die "the demonstration in $HZ_DATA was not played to its end; start anew: hz wipe --yes --data $HZ_DATA, then hz demo"

    packages_ensure demo
    [[ $build == no ]] || up_build
    up_user
    up_folders
    rm -rf "$HZ_DATA/demo"
    mkdir -m 700 "$HZ_DATA/demo"
    demo_settings
    demo_scheme
    hz_up --rehearsal --no-build --port "$port" >"$HZ_DATA/demo/up.txt"
    is_root || umask 077
    PYTHONDONTWRITEBYTECODE=1 python3 "$HZ_SOURCE/deploy/demo/year.py" --people "$people" \
        --seed "${seed:-$(date +%s)}" --port "$(instance_port)" --data "$HZ_DATA" --hz "$HZ_SOURCE/deploy/hz" \
        --bin "$HZ_BIN" --source "$HZ_SOURCE" "${kills[@]}"
}
