// Runs CIBA against Assent with openid-client, unmodified, and checks every token with jose.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import * as jose from 'jose';
import * as oidc from 'openid-client';

const env = process.env;
const base = `${env.authPath}/${env.envID}`;
const issuer = `${base}/as`;
const ciba = 'urn:openid:params:grant-type:ciba';
const asked = { scope: 'openid', login_hint: env.cibaHint };

const pem = (file, alg) => jose.importPKCS8(readFileSync(file, 'utf8'), alg);
const es256 = { key: await pem(env.privateKeyFile, 'ES256'), kid: env.privateKeyKid };
const ps256 = { key: await pem(env.rsaKeyFile, 'PS256'), kid: env.rsaKeyKid };

const methods = {
  client_secret_basic: [env.appID, oidc.ClientSecretBasic(env.appSecret)],
  client_secret_post: [env.postAppID, oidc.ClientSecretPost(env.postAppSecret)],
  client_secret_jwt: [env.secretJwtAppID, oidc.ClientSecretJwt(env.secretJwtAppSecret)],
  'private_key_jwt, ES256': [env.privateKeyAppID, oidc.PrivateKeyJwt(es256)],
  'private_key_jwt, PS256': [env.rsaKeyAppID, oidc.PrivateKeyJwt(ps256)],
};

// The demo speaks plain HTTP on the loopback interface. The second entry has the library check the
// ID token's signature also where the transport would vouch for it.
function discover(clientId, authentication) {
  return oidc.discovery(new URL(issuer), clientId, {}, authentication, {
    execute: [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks],
    timeout: 10,
  });
}

// Counts what the token endpoint answers while the library polls.
function watch(config) {
  const seen = [];
  config[oidc.customFetch] = async (url, options) => {
    const response = await fetch(url, options);
    if (String(url).endsWith('/as/token')) {
      const body = await response.clone().json();
      seen.push(body.error ?? 'tokens');
    }
    return response;
  };
  return seen;
}

async function answer(started, action) {
  const response = await fetch(
    `${base}/simulator/answer?auth_req_id=${started.auth_req_id}&action=${action}`,
    { method: 'POST', signal: AbortSignal.timeout(10_000) },
  );
  assert.equal(response.status, 204);
}

// Lets the first poll find the request pending.
async function answerLater(started, action, seconds = started.interval + 1) {
  await sleep(seconds * 1000);
  await answer(started, action);
}

const keys = jose.createRemoteJWKSet(new URL(`${issuer}/jwks`));

async function verify(config, tokens) {
  const clientId = config.clientMetadata().client_id;
  const access = await jose.jwtVerify(tokens.access_token, keys, {
    issuer, typ: 'at+jwt', requiredClaims: ['aud', 'client_id', 'exp', 'iat', 'jti', 'scope', 'sub'],
  });
  assert.equal(access.payload.client_id, clientId);
  assert.equal(access.payload.scope, tokens.scope);
  assert.equal(access.payload.exp - access.payload.iat, tokens.expires_in);

  const id = await jose.jwtVerify(tokens.id_token, keys, { issuer, audience: clientId });
  assert.equal(id.payload.sub, access.payload.sub);
  assert.equal(id.protectedHeader.alg, 'RS256');
  const hash = createHash('sha256').update(tokens.access_token).digest();
  assert.equal(id.payload.at_hash, jose.base64url.encode(hash.subarray(0, 16)));
  assert.deepEqual(tokens.claims(), id.payload);
}

async function tokensFor(config, parameters) {
  const seen = watch(config);
  const started = await oidc.initiateBackchannelAuthentication(config, parameters);
  const [tokens] = await Promise.all([
    oidc.pollBackchannelAuthenticationGrant(config, started),
    answerLater(started, 'allow'),
  ]);
  assert.deepEqual(seen, ['authorization_pending', 'tokens']);
  await verify(config, tokens);
  return tokens;
}

const refused = (error) => (thrown) => {
  assert.equal(thrown.constructor.name, 'ResponseBodyError', String(thrown?.cause ?? thrown));
  assert.equal(thrown.error, error);
  assert.match(thrown.error_description, / \(Correlation ID: [0-9A-F-]{36}\)$/);
  return true;
};

const cases = {};

for (const [name, [clientId, authentication]] of Object.entries(methods)) {
  cases[`${name}: tokens, refresh`] = async () => {
    const config = await discover(clientId, authentication);
    const tokens = await tokensFor(
      config, { ...asked, scope: 'openid offline_access', binding_message: 'PAY-4711' },
    );
    assert.ok(tokens.refresh_token, `no refresh_token; scope granted: ${tokens.scope}`);
    const again = await oidc.refreshTokenGrant(config, tokens.refresh_token);
    await verify(config, again);
    assert.equal(again.claims().sub, tokens.claims().sub);
    assert.equal(again.claims().auth_time, tokens.claims().auth_time);
    assert.notEqual(again.refresh_token, tokens.refresh_token);
  };
}

cases['id_token_hint'] = async () => {
  const config = await discover(...methods.client_secret_basic);
  const first = await tokensFor(config, asked);
  const second = await tokensFor(config, { scope: 'openid', id_token_hint: first.id_token });
  assert.equal(second.claims().sub, first.claims().sub);
};

cases['login_hint_token'] = async () => {
  const config = await discover(...methods.client_secret_basic);
  const hint = await new jose.SignJWT({})
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuer(env.appID).setAudience(issuer).setSubject(env.cibaHint)
    .setIssuedAt().setExpirationTime('5m')
    .sign(new TextEncoder().encode(env.appSecret));
  await tokensFor(config, { scope: 'openid', login_hint_token: hint });
};

cases['denial'] = async () => {
  const config = await discover(...methods.client_secret_basic);
  const started = await oidc.initiateBackchannelAuthentication(config, asked);
  await answer(started, 'deny');
  await assert.rejects(oidc.pollBackchannelAuthenticationGrant(config, started), refused('access_denied'));
};

cases['expiry'] = async () => {
  const config = await discover(...methods.client_secret_basic);
  const started = await oidc.initiateBackchannelAuthentication(config, { ...asked, requested_expiry: '3' });
  assert.equal(started.expires_in, 3);
  const signal = AbortSignal.timeout(20_000);
  await assert.rejects(
    oidc.pollBackchannelAuthenticationGrant(config, started, {}, { signal }), refused('expired_token'),
  );
};

// A poll of our own half a second before the library's first one makes that one too early.
cases['slow_down'] = async () => {
  const config = await discover(...methods.client_secret_basic);
  const seen = watch(config);
  const started = await oidc.initiateBackchannelAuthentication(config, asked);
  const early = sleep(started.interval * 1000 - 500)
    .then(() => oidc.genericGrantRequest(config, ciba, { auth_req_id: started.auth_req_id }));
  const [tokens] = await Promise.all([
    oidc.pollBackchannelAuthenticationGrant(config, started),
    assert.rejects(early, refused('authorization_pending')),
    answerLater(started, 'allow'),
  ]);
  assert.deepEqual(seen, ['authorization_pending', 'slow_down', 'tokens']);
  await verify(config, tokens);
};

cases['a wrong secret'] = async () => {
  const config = await discover(env.postAppID, oidc.ClientSecretPost('wrong'));
  await assert.rejects(
    oidc.initiateBackchannelAuthentication(config, asked), refused('invalid_client'),
  );

  // With the header, RFC 6749 section 5.2 wants a challenge of the same scheme, which the library
  // reports in place of the body.
  const basic = await discover(env.appID, oidc.ClientSecretBasic('wrong'));
  await assert.rejects(oidc.initiateBackchannelAuthentication(basic, asked), (thrown) => {
    assert.equal(thrown.constructor.name, 'WWWAuthenticateChallengeError', String(thrown));
    assert.equal(thrown.status, 401);
    assert.equal(thrown.cause[0].scheme, 'basic');
    return true;
  });
};

cases['an auth_req_id used twice'] = async () => {
  const config = await discover(...methods.client_secret_basic);
  const started = await oidc.initiateBackchannelAuthentication(config, asked);
  await answer(started, 'allow');
  await oidc.pollBackchannelAuthenticationGrant(config, started);
  await assert.rejects(
    oidc.genericGrantRequest(config, ciba, { auth_req_id: started.auth_req_id }), refused('invalid_grant'),
  );
};

let failed = false;
for (const [name, run] of Object.entries(cases)) {
  try {
    await run();
    console.log(`case ok ${name}`);
  } catch (error) {
    failed = true;
    console.error(error, error.cause ?? '');
    console.log(`case FAILED ${name} -- ${String(error.message).split('\n')[0]}`);
  }
}
process.exit(failed ? 1 : 0);
