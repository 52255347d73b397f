// openid-client, unmodified, registers itself, asks for approval, and uses what it gets: userinfo,
// introspection, revocation.
import assert from 'node:assert/strict';
import * as jose from 'jose';
import * as oidc from 'openid-client';
import {
  answer, asked, ciba, issuer, liberties, manage, refused, run, verify, watch,
} from './flow.js';

const metadata = {
  client_name: 'Example Bank',
  grant_types: [ciba, 'refresh_token'],
  response_types: [],
  scope: 'openid email payments:read offline_access',
  backchannel_token_delivery_mode: 'poll',
};

async function initialAccessToken(uses = 1) {
  const made = await manage('POST', '/initialAccessTokens', { description: 'Interop', uses });
  return made.token;
}

// Everybody who registered, to be removed in the end.
const everybody = [];

async function register(more, authentication, token) {
  const config = await oidc.dynamicClientRegistration(
    new URL(issuer), { ...metadata, ...more }, authentication,
    { ...liberties, initialAccessToken: token },
  );
  everybody.push(config);
  return config;
}

// A call about a registration (RFC 7592), for which the library has nothing of its own.
function own(config, method, body) {
  const { registration_client_uri: uri, registration_access_token: token } = config.clientMetadata();
  const headers = body && new Headers({ 'content-type': 'application/json' });
  return oidc.fetchProtectedResource(
    config, token, new URL(uri), method, body && JSON.stringify(body), headers,
  );
}

// From the request to the tokens; that polls are told to wait is a matter of openid_client.js.
async function tokensFor(config, alg) {
  const { scope } = metadata;
  const seen = watch(config);
  const started = await oidc.initiateBackchannelAuthentication(config, { ...asked, scope });
  await answer(started, 'allow');
  const tokens = await oidc.pollBackchannelAuthenticationGrant(config, { ...started, interval: 0 });
  assert.deepEqual(seen, ['tokens']);
  await verify(config, tokens, alg);
  return tokens;
}

// RFC 6750 section 3.1: the library reports the challenge.
const challenged = (thrown) => {
  assert.equal(thrown.constructor.name, 'WWWAuthenticateChallengeError', String(thrown));
  assert.equal(thrown.status, 401);
  const [{ scheme, parameters }] = thrown.cause;
  assert.deepEqual([scheme, parameters.error], ['bearer', 'invalid_token']);
  return true;
};

const unauthorized = (thrown) => {
  assert.equal(thrown.status, 401);
  return true;
};

async function useTokens(config, tokens) {
  const { sub } = tokens.claims();
  const { client_id } = config.clientMetadata();
  const person = await oidc.fetchUserInfo(config, tokens.access_token, sub);
  assert.equal(person.email, 'alice@example.com');

  const access = await oidc.tokenIntrospection(config, tokens.access_token);
  const { active, token_type, scope } = access;
  assert.deepEqual([active, access.sub, access.client_id], [true, sub, client_id]);
  assert.deepEqual([token_type, scope], ['Bearer', tokens.scope]);
  const refresh = await oidc.tokenIntrospection(
    config, tokens.refresh_token, { token_type_hint: 'refresh_token' },
  );
  assert.deepEqual([refresh.active, refresh.sub], [true, sub]);

  await oidc.tokenRevocation(config, tokens.access_token);
  assert.equal((await oidc.tokenIntrospection(config, tokens.access_token)).active, false);
  await assert.rejects(oidc.fetchUserInfo(config, tokens.access_token, sub), challenged);

  // A refresh token takes along what was refreshed with it.
  const again = await oidc.refreshTokenGrant(config, tokens.refresh_token);
  assert.equal((await oidc.tokenIntrospection(config, again.access_token)).active, true);
  await oidc.tokenRevocation(config, again.refresh_token, { token_type_hint: 'refresh_token' });
  for (const token of [again.access_token, again.refresh_token]) {
    assert.equal((await oidc.tokenIntrospection(config, token)).active, false);
  }
  await assert.rejects(oidc.refreshTokenGrant(config, again.refresh_token), refused('invalid_grant'));
  await oidc.tokenRevocation(config, 'unknown');
}

const cases = {};

cases['client_secret_basic: tokens, userinfo, introspection, revocation'] = async () => {
  const token = await initialAccessToken();
  const config = await register({}, oidc.ClientSecretBasic(), token);
  const registered = config.clientMetadata();
  assert.equal(registered.token_endpoint_auth_method, 'client_secret_basic');
  assert.equal(registered.client_secret_expires_at, 0);
  await useTokens(config, await tokensFor(config));
  await assert.rejects(register({}, oidc.ClientSecretBasic(), token), challenged);
};

cases['private_key_jwt: every answer signed'] = async () => {
  const { publicKey, privateKey } = await jose.generateKeyPair('ES256');
  const key = { ...await jose.exportJWK(publicKey), kid: 'mine', alg: 'ES256', use: 'sig' };
  const more = {
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'ES256',
    jwks: { keys: [key] },
    id_token_signed_response_alg: 'PS256',
    userinfo_signed_response_alg: 'ES256',
    introspection_signed_response_alg: 'EdDSA',
  };
  const authentication = oidc.PrivateKeyJwt({ key: privateKey, kid: 'mine' });
  const config = await register(more, authentication, await initialAccessToken());
  const registered = config.clientMetadata();
  for (const [name, value] of Object.entries(more)) assert.deepEqual(registered[name], value, name);
  assert.equal(registered.client_secret, undefined);
  const tokens = await tokensFor(config, 'PS256');
  const types = new Set();
  config[oidc.customFetch] = async (url, options) => {
    const response = await fetch(url, options);
    const [, endpoint] = /\/(userinfo|introspect)$/.exec(url) ?? [];
    if (endpoint && response.ok) types.add(`${endpoint} ${response.headers.get('content-type')}`);
    return response;
  };
  await useTokens(config, tokens);
  // The library, which checks their signatures, would accept JSON too.
  assert.deepEqual(
    [...types], ['userinfo application/jwt', 'introspect application/token-introspection+jwt'],
  );
};

cases['a request is taken back'] = async () => {
  const config = await register({}, oidc.ClientSecretBasic(), await initialAccessToken());
  const started = await oidc.initiateBackchannelAuthentication(config, asked);
  await oidc.tokenRevocation(config, started.auth_req_id, { token_type_hint: 'auth_req_id' });
  const poll = oidc.pollBackchannelAuthenticationGrant(config, { ...started, interval: 0 });
  await assert.rejects(poll, refused('invalid_grant'));
};

cases['refusals'] = async () => {
  const token = await initialAccessToken(2);
  const redirecting = { grant_types: ['authorization_code'], redirect_uris: ['https://client.example.com/'] };
  for (const wrong of [redirecting, { scope: 'openid payments:write' }]) {
    const registered = register(wrong, oidc.ClientSecretBasic(), token);
    await assert.rejects(registered, refused('invalid_client_metadata'));
  }
  await assert.rejects(register({}, oidc.ClientSecretBasic(), 'wrong'), challenged);
  await assert.rejects(register({}, oidc.ClientSecretBasic()), unauthorized);
  // A refusal uses nothing up.
  await register({}, oidc.ClientSecretBasic(), token);
  await register({}, oidc.ClientSecretBasic(), token);
};

cases['a client looks after its registration'] = async () => {
  const config = await register({}, oidc.ClientSecretBasic(), await initialAccessToken());
  const { client_id, scope } = config.clientMetadata();
  const shown = await (await own(config, 'GET')).json();
  assert.deepEqual([shown.client_id, shown.scope], [client_id, scope]);
  const renamed = { ...metadata, client_id, client_name: 'Example Bank plc' };
  const replaced = await (await own(config, 'PUT', renamed)).json();
  assert.deepEqual([replaced.client_id, replaced.client_name], [client_id, 'Example Bank plc']);
  assert.equal((await own(config, 'DELETE')).status, 204);
  await assert.rejects(own(config, 'GET'), challenged);
  await assert.rejects(oidc.initiateBackchannelAuthentication(config, asked), unauthorized);
};

const before = await manage('GET', '');
const registration = {
  ...before.registration, mode: 'INITIAL_ACCESS_TOKEN', scopes: ['email', 'payments:read'],
};
await manage('PUT', '', { ...before, registration });
const status = await run(cases);
for (const config of everybody) await own(config, 'DELETE').catch(() => {});
await manage('PUT', '', before);
process.exit(status);
