// openid-client, unmodified, in the environment that is held to the FAPI-CIBA profile: over TLS, with
// signed requests, and with tokens that are bound to a key (DPoP) or to a certificate.
import assert from 'node:assert/strict';
import { createHash, randomBytes, randomUUID, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import * as jose from 'jose';
import * as oidc from 'openid-client';
import { Agent, fetch as fetchWith } from 'undici';
import { checkPings, notified } from './caught.js';
import { answer, discover, env, issuer, pem, refused, run, verify, watch } from './flow.js';

const strict = { execute: [oidc.enableNonRepudiationChecks], timeout: 10 };
const metadata = { id_token_signed_response_alg: 'PS256', use_mtls_endpoint_aliases: true };

// What is asked, signed as the profile has it.
async function signed(config, key, claims = {}) {
  const clientId = config.clientMetadata().client_id;
  const asked = {
    scope: 'openid offline_access', login_hint: env.cibaHint, binding_message: 'PAY-4711', ...claims,
  };
  const request = await new jose.SignJWT(asked)
    .setProtectedHeader({ alg: 'PS256', kid: key.kid })
    .setIssuer(clientId).setAudience(issuer).setJti(randomUUID())
    .setIssuedAt().setNotBefore('0s').setExpirationTime('5m')
    .sign(key.key);
  return { request };
}

const key = { key: await pem(env.fapiKeyFile, 'PS256'), kid: env.fapiKeyKid };
const signs = () => discover(env.fapiAppID, oidc.PrivateKeyJwt(key), metadata, strict);

const thumbprint = async (pair) =>
  jose.calculateJwkThumbprint(await jose.exportJWK(pair.publicKey));

const cases = {};

cases['private_key_jwt and DPoP: tokens, userinfo, refresh'] = async () => {
  const config = await signs();
  const pair = await oidc.randomDPoPKeyPair('ES256');
  const DPoP = oidc.getDPoPHandle(config, pair);
  const started = await oidc.initiateBackchannelAuthentication(config, await signed(config, key));
  await answer(started, 'allow');
  const tokens = await oidc.pollBackchannelAuthenticationGrant(config, started, {}, { DPoP });
  await verify(config, tokens, 'PS256');
  assert.equal(tokens.token_type, 'dpop');
  const { cnf } = jose.decodeJwt(tokens.access_token);
  assert.deepEqual(cnf, { jkt: await thumbprint(pair) });

  const { sub } = tokens.claims();
  const about = await oidc.fetchUserInfo(config, tokens.access_token, sub, { DPoP });
  assert.equal(about.sub, sub);
  // With another key the token is worth nothing.
  const other = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair('ES256'));
  const stolen = oidc.fetchUserInfo(config, tokens.access_token, sub, { DPoP: other });
  await assert.rejects(stolen, (thrown) => thrown.status === 401);

  const again = await oidc.refreshTokenGrant(config, tokens.refresh_token, {}, { DPoP });
  await verify(config, again, 'PS256');
};

cases['private_key_jwt and DPoP: denial'] = async () => {
  const config = await signs();
  const DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair('ES256'));
  const started = await oidc.initiateBackchannelAuthentication(config, await signed(config, key));
  await answer(started, 'deny');
  const poll = oidc.pollBackchannelAuthenticationGrant(config, started, {}, { DPoP });
  await assert.rejects(poll, refused('access_denied'));
};

cases['a request that is not signed, or says nothing of what it is about'] = async () => {
  const config = await signs();
  const plain = { scope: 'openid', login_hint: env.cibaHint, binding_message: 'PAY-4711' };
  const unsigned = oidc.initiateBackchannelAuthentication(config, plain);
  await assert.rejects(unsigned, refused('invalid_request'));
  const silent = await signed(config, key, { binding_message: undefined });
  const started = oidc.initiateBackchannelAuthentication(config, silent);
  await assert.rejects(started, refused('invalid_request'));
};

cases['tokens that would be bound to nothing'] = async () => {
  const config = await signs();
  const started = await oidc.initiateBackchannelAuthentication(config, await signed(config, key));
  await answer(started, 'allow');
  const poll = oidc.pollBackchannelAuthenticationGrant(config, started);
  await assert.rejects(poll, refused('invalid_request'));
};

cases['tls_client_auth and ping: tokens, userinfo, refresh'] = async () => {
  const [cert, certKey] = [env.clientCertFile, env.clientKeyFile].map((file) => readFileSync(file));
  const ca = readFileSync(env.tlsAuthorityFile);
  const shown = new Agent({ connect: { cert, key: certKey, ca } });
  const send = (url, options) => fetchWith(url, { ...options, dispatcher: shown });
  const config = await discover(env.fapiMtlsAppID, oidc.TlsClientAuth(), metadata, strict);
  const seen = watch(config, {}, send);
  const signing = { key: await pem(env.fapiMtlsKeyFile, 'PS256'), kid: env.fapiMtlsKeyKid };
  const token = randomBytes(24).toString('base64url');
  await notified(token, [], async (caught) => {
    const request = await signed(config, signing, { client_notification_token: token });
    const started = await oidc.initiateBackchannelAuthentication(config, request);
    await answer(started, 'allow');
    checkPings(await caught(1), started);
    const soon = { ...started, interval: 0 };
    const tokens = await oidc.pollBackchannelAuthenticationGrant(config, soon);
    assert.deepEqual(seen, ['tokens']);
    await verify(config, tokens, 'PS256');
    const { cnf } = jose.decodeJwt(tokens.access_token);
    const digest = createHash('sha256').update(new X509Certificate(cert).raw).digest();
    assert.deepEqual(cnf, { 'x5t#S256': jose.base64url.encode(digest) });

    const { sub } = tokens.claims();
    assert.equal((await oidc.fetchUserInfo(config, tokens.access_token, sub)).sub, sub);
    const again = await oidc.refreshTokenGrant(config, tokens.refresh_token);
    await verify(config, again, 'PS256');
    // Without the certificate the token is worth nothing.
    const bare = await fetch(config.serverMetadata().userinfo_endpoint, {
      headers: { authorization: `Bearer ${tokens.access_token}` },
    });
    assert.equal(bare.status, 401);
  });
  await shown.close();
};

process.exit(await run(cases));
