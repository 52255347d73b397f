"""Runs CIBA against Assent with requests_oauth2client, unmodified, and checks every token with joserfc."""

import base64
import hashlib
import os
import sys
import threading
import time
import traceback
import uuid

import requests
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey
from jwskate import Jwk
from requests_oauth2client import (
    AccessDenied,
    BackChannelAuthenticationPollingJob,
    ClientSecretBasic,
    ClientSecretJwt,
    ClientSecretPost,
    ExpiredToken,
    InvalidGrant,
    OAuth2Client,
    PrivateKeyJwt,
)
from requests_oauth2client.authorization_request import AuthorizationResponse
from requests_oauth2client.exceptions import EndpointError

ENV = os.environ
BASE = f"{ENV['authPath']}/{ENV['envID']}"
ISSUER = f"{BASE}/as"
HINT = ENV["cibaHint"]


def key(file, kid, alg):
    with open(ENV[file], encoding="ascii") as pem:
        return Jwk(dict(Jwk.from_pem(pem.read())) | {"kid": ENV[kid], "alg": alg})


METHODS = {
    "client_secret_basic": ClientSecretBasic(ENV["appID"], ENV["appSecret"]),
    "client_secret_post": ClientSecretPost(ENV["postAppID"], ENV["postAppSecret"]),
    "client_secret_jwt": ClientSecretJwt(ENV["secretJwtAppID"], ENV["secretJwtAppSecret"]),
    "private_key_jwt, ES256": PrivateKeyJwt(
        ENV["privateKeyAppID"], key("privateKeyFile", "privateKeyKid", "ES256")
    ),
    "private_key_jwt, PS256": PrivateKeyJwt(ENV["rsaKeyAppID"], key("rsaKeyFile", "rsaKeyKid", "PS256")),
}
BASIC = METHODS["client_secret_basic"]


class Timed(requests.Session):
    """A session that never waits for ever, and notes what the token endpoint answers."""

    def __init__(self):
        super().__init__()
        self.trust_env = False
        self.seen = []

    def request(self, method, url, **arguments):
        response = super().request(method, url, **{"timeout": 10} | arguments)
        if url.endswith("/as/token"):
            self.seen.append(response.json().get("error", "tokens"))
        return response


def discover(auth):
    """A client made from the metadata; `testing` permits plain HTTP, which the demo speaks."""
    session = Timed()
    metadata = session.get(f"{ISSUER}/.well-known/openid-configuration").json()
    return OAuth2Client.from_discovery_endpoint(
        issuer=ISSUER,
        auth=auth,
        session=session,
        testing=True,
        # This release's discovery overlooks this endpoint.
        backchannel_authentication_endpoint=metadata["backchannel_authentication_endpoint"],
    )


def answer(started, action):
    response = requests.post(
        f"{BASE}/simulator/answer", params={"auth_req_id": started.auth_req_id, "action": action}, timeout=10
    )
    assert response.status_code == 204, (response.status_code, response.text)


def answer_later(started, action):
    """Lets the first poll find the request pending."""
    timer = threading.Timer(started.interval + 1, answer, (started, action))
    timer.daemon = True
    timer.start()


def poll(client, started, **arguments):
    job = BackChannelAuthenticationPollingJob(client, started, **arguments)
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        if tokens := job():
            return tokens
    raise TimeoutError(client.session.seen)


def verify(client, tokens):
    # The library's own validation wants to know what an authorization response would have told.
    expected = AuthorizationResponse(
        code="", redirect_uri="", code_verifier="", state="", issuer=ISSUER, client_id=client.client_id
    )
    validated = tokens.validate_id_token(client, expected)

    keys = KeySet.import_key_set(requests.get(f"{ISSUER}/jwks", timeout=10).json())
    access = jwt.decode(str(tokens.access_token), keys, algorithms=["RS256"])
    assert access.header["typ"] == "at+jwt", access.header
    jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": ISSUER},
        client_id={"essential": True, "value": client.client_id},
        scope={"essential": True, "value": tokens.scope},
        **{name: {"essential": True} for name in ("aud", "exp", "iat", "jti", "sub")},
    ).validate(access.claims)

    identity = jwt.decode(str(tokens.id_token), keys, algorithms=["RS256"])
    digest = hashlib.sha256(str(tokens.access_token).encode()).digest()
    jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": ISSUER},
        aud={"essential": True, "value": client.client_id},
        sub={"essential": True, "value": access.claims["sub"]},
        at_hash={"essential": True, "value": base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()},
        **{name: {"essential": True} for name in ("exp", "iat", "auth_time", "acr")},
    ).validate(identity.claims)
    assert validated.id_token.claims == identity.claims
    return identity.claims


def tokens_for(client, **parameters):
    started = client.backchannel_authentication_request(**parameters)
    answer_later(started, "allow")
    tokens = poll(client, started)
    assert client.session.seen == ["authorization_pending", "tokens"], client.session.seen
    client.session.seen.clear()
    return tokens, verify(client, tokens)


def authenticated_by(auth):
    client = discover(auth)
    tokens, claims = tokens_for(
        client, scope="openid offline_access", login_hint=HINT, binding_message="PAY-4711"
    )
    assert tokens.refresh_token, f"no refresh_token; scope granted: {tokens.scope}"
    again = client.refresh_token(tokens.refresh_token)
    renewed = verify(client, again)
    assert (renewed["sub"], renewed["auth_time"]) == (claims["sub"], claims["auth_time"])
    assert again.refresh_token != tokens.refresh_token


def id_token_hint():
    client = discover(BASIC)
    first, claims = tokens_for(client, login_hint=HINT)
    _, again = tokens_for(client, id_token_hint=str(first.id_token))
    assert again["sub"] == claims["sub"]


def login_hint_token():
    client = discover(BASIC)
    now = int(time.time())
    claims = {"iss": ENV["appID"], "aud": ISSUER, "sub": HINT, "iat": now, "exp": now + 300, "jti": str(uuid.uuid4())}
    tokens_for(client, login_hint_token=jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(ENV["appSecret"])))


def raises(kind, error, call):
    try:
        call()
    except kind as thrown:
        assert thrown.error == error, thrown
        assert " (Correlation ID: " in thrown.description, thrown
    else:
        raise AssertionError(f"not refused with {error}")


def denial():
    client = discover(BASIC)
    started = client.backchannel_authentication_request(login_hint=HINT)
    answer(started, "deny")
    raises(AccessDenied, "access_denied", lambda: poll(client, started))


def expiry():
    client = discover(BASIC)
    started = client.backchannel_authentication_request(login_hint=HINT, requested_expiry=3)
    assert 2 <= started.expires_in <= 3, started.expires_in
    raises(ExpiredToken, "expired_token", lambda: poll(client, started))


def slow_down():
    """A poll of our own half a second before the library's first one makes that one too early."""
    client = discover(BASIC)
    started = client.backchannel_authentication_request(login_hint=HINT)
    answer_later(started, "allow")
    other = discover(BASIC)

    def early():
        try:
            other.ciba(started.auth_req_id)
        except EndpointError:
            pass

    timer = threading.Timer(started.interval - 0.5, early)
    timer.start()
    tokens = poll(client, started)
    assert other.session.seen == ["authorization_pending"], other.session.seen
    assert client.session.seen == ["slow_down", "tokens"], client.session.seen
    verify(client, tokens)


def wrong_secret():
    client = discover(ClientSecretBasic(ENV["appID"], "wrong"))
    raises(EndpointError, "invalid_client", lambda: client.backchannel_authentication_request(login_hint=HINT))


def used_twice():
    client = discover(BASIC)
    started = client.backchannel_authentication_request(login_hint=HINT)
    answer(started, "allow")
    poll(client, started)
    raises(InvalidGrant, "invalid_grant", lambda: client.ciba(started.auth_req_id))


CASES = {f"{name}: tokens, refresh": lambda auth=auth: authenticated_by(auth) for name, auth in METHODS.items()} | {
    "id_token_hint": id_token_hint,
    "login_hint_token": login_hint_token,
    "denial": denial,
    "expiry": expiry,
    "slow_down": slow_down,
    "a wrong secret": wrong_secret,
    "an auth_req_id used twice": used_twice,
}

failed = False
for name, run in CASES.items():
    try:
        run()
        print(f"case ok {name}", flush=True)
    except Exception as error:
        failed = True
        traceback.print_exc()
        print(f"case FAILED {name} -- {type(error).__name__}: {error}".split("\n")[0], flush=True)
sys.exit(failed)
