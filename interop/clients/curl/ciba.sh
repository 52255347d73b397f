#!/bin/sh
# The cURL form of the token request: --data-urlencode, a header written by hand,
# and the page's four ways to authenticate.
set -eu
base="$authPath/$envID"
ciba='urn:openid:params:grant-type:ciba'
bearer='urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "$1" >&2
    [ ! -f "$work/body" ] || cat "$work/body" >&2
    exit 1
}

# call STATUS URL [curl arguments]: leaves the body in $work/body.
call() {
    want=$1 url=$2
    shift 2
    got=$(curl --silent --show-error --max-time 10 --location --globoff \
        --output "$work/body" --write-out '%{http_code}' "$url" "$@")
    [ "$got" = "$want" ] || fail "$url answered $got instead of $want"
}

member() {
    sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p" "$work/body"
}

base64url() {
    openssl base64 -A | tr '+/' '-_' | tr -d '='
}

# assertion CLIENT HEADER SIGN...: a client-authentication JWT signed by openssl.
assertion() {
    client=$1 header=$2
    shift 2
    now=$(date +%s) jti=$(openssl rand -hex 16)
    claims="{\"iss\":\"$client\",\"sub\":\"$client\",\"aud\":\"$base/as/token\",\"exp\":$((now + 300)),\"jti\":\"$jti\"}"
    input="$(printf %s "$header" | base64url).$(printf %s "$claims" | base64url)"
    printf '%s.%s' "$input" "$(printf %s "$input" | "$@" | base64url)"
}

# flow NAME AUTHENTICATION...: how to authenticate is given as curl arguments;
# a fresh assertion is made for each request by the function "fresh".
flow() {
    name=$1
    fresh=$2
    set -- $("$fresh")
    call 200 "$base/as/cibaAuthorization" \
        --header 'Content-Type: application/x-www-form-urlencoded' "$@" \
        --data-urlencode "login_hint=$cibaHint" --data-urlencode 'scope=openid'
    id=$(member auth_req_id) interval=$(member interval)
    [ -n "$id" ] || fail "no auth_req_id"

    set -- $("$fresh")
    poll 400 "$id" "$@"
    [ "$(member error)" = authorization_pending ] || fail "not authorization_pending"

    call 204 "$base/simulator/answer?auth_req_id=$id&action=allow" --request POST
    sleep "$interval.2"
    set -- $("$fresh")
    poll 200 "$id" "$@"
    [ "$(member token_type)" = Bearer ] || fail "not a Bearer token"
    [ "$(member expires_in)" = 3600 ] || fail "expires_in is not 3600"
    member access_token | grep -Eq '^[^.]+\.[^.]+\.[^.]+$' || fail "the access token is no JWT"
    echo "$name: tokens"
}

poll() {
    want=$1 id=$2
    shift 2
    call "$want" "$base/as/token" \
        --header 'Content-Type: application/x-www-form-urlencoded' "$@" \
        --data-urlencode "grant_type=$ciba" \
        --data-urlencode "auth_req_id=$id"
}

# None of these values holds a space, save the one in the Authorization header,
# which curl reads from a file.
basic() {
    printf 'Authorization: Basic %s' "$(printf %s "$appID:$appSecret" | openssl base64 -A)" >"$work/header"
    echo "--header @$work/header"
}

post() {
    echo "--data-urlencode client_id=$postAppID --data-urlencode client_secret=$postAppSecret"
}

secret_jwt() {
    jwt=$(assertion "$secretJwtAppID" '{"alg":"HS256","typ":"JWT"}' \
        openssl dgst -sha256 -hmac "$secretJwtAppSecret" -binary)
    echo "--data-urlencode client_assertion=$jwt --data-urlencode client_assertion_type=$bearer"
}

private_key_jwt() {
    jwt=$(assertion "$rsaKeyAppID" "{\"alg\":\"PS256\",\"typ\":\"JWT\",\"kid\":\"$rsaKeyKid\"}" \
        openssl dgst -sha256 -sign "$rsaKeyFile" -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest -binary)
    echo "--data-urlencode client_assertion=$jwt --data-urlencode client_assertion_type=$bearer"
}

flow CLIENT_SECRET_BASIC basic
flow CLIENT_SECRET_POST post
flow CLIENT_SECRET_JWT secret_jwt
flow PRIVATE_KEY_JWT private_key_jwt
echo OK
