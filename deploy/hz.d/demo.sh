# demo.sh - something to look at: a county, a township, two villages and the people who work there.  Sourced by hz.
#
# All of it through the public API, as people would do it; so it needs the first passwords, which nobody may have
# used yet.  The passwords it chooses are random and lie in DATA/keys/demo-passwords.
# shellcheck shell=bash disable=SC2016 # in single quotes: the inner shell's words

# A UUIDv7: milliseconds, then randomness.
demo_id()
{
    local ms random
    ms=$(printf '%012x' "$(date +%s%3N)")
    random=$(od -An -N10 -tx1 /dev/urandom | tr -d ' \n')
    printf '%s-%s-7%s-%s%s-%s' "${ms:0:8}" "${ms:8:4}" "${random:0:3}" "$(printf '%x' $((8 + 0x${random:3:1} % 4)))" \
        "${random:4:3}" "${random:7:12}"
}

demo_password() { printf 'Hz-%s-7' "$(od -An -N9 -tx1 /dev/urandom | tr -d ' \n')"; }

# demo_field NAME: the first text of that name in the JSON that comes in.
demo_field() { sed -nE "s/.*\"$1\":\"([^\"]*)\".*/\1/p" | head -n 1; }

# demo_call WHO VERB PATH [JSON]: the answer; dies of any refusal.  Cookies and CSRF tokens lie in a folder that goes.
demo_call()
{
    local who=$1 verb=$2 path=$3 body=${4:-} answer status args=()
    [[ ! -f $demo_folder/$who.csrf ]] || args+=(-H "X-CSRF-Token: $(cat "$demo_folder/$who.csrf")")
    [[ -z $body ]] || args+=(-H 'Content-Type: application/json' --data-binary "$body")
    answer=$(http -X "$verb" -b "$demo_folder/$who.cookies" -c "$demo_folder/$who.cookies" "${args[@]}" \
        -H "Idempotency-Key: $(demo_id)" -w '\n%{http_code}' "https://localhost:$(instance_port)$path")
    status=${answer##*$'\n'}
    [[ $status == 2* ]] || die "$verb $path: $answer"
    printf '%s\n' "${answer%$'\n'*}"
}

# demo_sign_in LOGIN ONE-TIME-PASSWORD: signs in, chooses a password of its own, and notes it.
demo_sign_in()
{
    local login=$1 one_time=$2 password who
    who=${login//@/.}
    password=$(demo_password)
    demo_call "$who" POST /api/v1/sessions "{\"loginName\":\"$login\",\"password\":\"$one_time\"}" |
        demo_field csrfToken >"$demo_folder/$who.csrf"
    demo_call "$who" POST /api/v1/me:changePassword \
        "{\"oldPassword\":\"$one_time\",\"newPassword\":\"$password\"}" >/dev/null
    printf '%s\t%s\n' "$login" "$password" >>"$demo_folder/passwords"
}

demo_organisation() # PARENT LEVEL DIVISION NAME: prints its id
{
    local id parent=
    id=$(demo_id)
    [[ -z $1 ]] || parent="\"parentId\":\"$1\","
    demo_call sysadmin.platform POST /api/v1/organisations "{\"organisationId\":\"$id\",$parent\"level\":\"$2\",
        \"divisionCode\":\"$3\",\"name\":\"$4\"}" >/dev/null
    printf '%s' "$id"
}

demo_person() # LOGIN NAME ROLE [ORGANISATION]
{
    local id reply scope=
    id=$(demo_id)
    [[ -z ${4:-} ]] || scope=",\"organisationIds\":[\"$4\"]"
    demo_call xitong.jingkou POST /api/v1/accounts \
        "{\"accountId\":\"$id\",\"loginName\":\"$1\",\"displayName\":\"$2\"}" >/dev/null
    demo_call anquan.jingkou POST "/api/v1/accounts/$id/roles" "{\"role\":\"$3\"$scope}" >/dev/null
    reply=$(demo_call anquan.jingkou POST "/api/v1/accounts/$id:resetPassword" "{}")
    demo_sign_in "$1@jingkou" "$(demo_field oneTimePassword <<<"$reply")"
}

hz_demo()
{
    local province city county town village tenant reply name file=$HZ_DATA/keys/demo-passwords
    running_needed
    if [[ -e $file ]]; then
        note "the demonstration is there already"
        as_user cat "$file"
        return
    fi
    demo_folder=$(mktemp -d)
    # shellcheck disable=SC2064 # now
    trap "rm -rf '$demo_folder'" EXIT
    while read -r _ name reply; do
        demo_sign_in "$name" "$reply"
    done < <(as_user cat "$HZ_DATA/keys/first-passwords")

    province=$(demo_organisation "" PROVINCE 32 江苏省)
    city=$(demo_organisation "$province" CITY 3211 镇江市)
    county=$(demo_organisation "$city" COUNTY 321112 丹徒区)
    town=$(demo_organisation "$county" TOWNSHIP 321112100 京口镇)
    village=$(demo_organisation "$town" VILLAGE 321112100201 东岗村)
    demo_organisation "$town" VILLAGE 321112100202 西湖村 >/dev/null
    tenant=$(demo_id)
    demo_call sysadmin.platform POST /api/v1/tenants "{\"tenantId\":\"$tenant\",\"code\":\"jingkou\",
        \"name\":\"京口镇互助金\",\"organisationId\":\"$town\"}" >/dev/null
    reply=$(demo_call secadmin.platform POST "/api/v1/tenants/$tenant:appointAdministrators" \
        '{"systemLoginName":"xitong","securityLoginName":"anquan","auditLoginName":"shenji"}')
    for name in xitong anquan shenji; do
        demo_sign_in "$name@jingkou" "$(sed 's/},{/}\n{/g' <<<"$reply" | grep "\"$name@jingkou\"" | demo_field oneTimePassword)"
    done
    demo_person zhang.min 张敏 VILLAGE_CLERK "$village"
    demo_person li.gang 李刚 TOWNSHIP_OFFICER
    demo_person wang.fang 王芳 APPROVER
    demo_person chen.jing 陈静 PAYER
    demo_person zhou.yi 周毅 CODER
    demo_person sun.lei 孙蕾 AUDITOR
    into "$file" <"$demo_folder/passwords"
    note "made; sign in at https://localhost:$(instance_port)/ as one of these (kept in $file):"
    as_user cat "$file"
}
