// Runs CIBA against Assent with openid-client, unmodified, and checks every token with jose.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import * as jose from 'jose';
import * as oidc from 'openid-client';
import {
  answer, asked, ciba, discover, env, issuer, pem, refused, run, verify, watch,
} from './flow.js';

const es256 = { key: await pem(env.privateKeyFile, 'ES256'), kid: env.privateKeyKid };
const ps256 = { key: await pem(env.rsaKeyFile, 'PS256'), kid: env.rsaKeyKid };

const methods = {
  client_secret_basic: [env.appID, oidc.ClientSecretBasic(env.appSecret)],
  client_secret_post: [env.postAppID, oidc.ClientSecretPost(env.postAppSecret)],
  client_secret_jwt: [env.secretJwtAppID, oidc.ClientSecretJwt(env.secretJwtAppSecret)],
  'private_key_jwt, ES256': [env.privateKeyAppID, oidc.PrivateKeyJwt(es256)],
  'private_key_jwt, PS256': [env.rsaKeyAppID, oidc.PrivateKeyJwt(ps256)],
};

// Lets the first poll find the request pending.
async function answerLater(started, action, seconds = started.interval + 1) {
  await sleep(seconds * 1000);
  await answer(started, action);
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

process.exit(await run(cases));
