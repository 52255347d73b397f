// What the programs of this directory share: openid-client, unmodified, and checks with jose.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import * as jose from 'jose';
import * as oidc from 'openid-client';

export const env = process.env;
export const base = `${env.authPath}/${env.envID}`;
export const issuer = `${base}/as`;
export const ciba = 'urn:openid:params:grant-type:ciba';
export const asked = { scope: 'openid', login_hint: env.cibaHint };

// The demo speaks plain HTTP on the loopback interface. The second entry has the library check the
// ID token's signature also where the transport would vouch for it.
export const liberties = {
  execute: [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks],
  timeout: 10,
};

export function discover(clientId, authentication, metadata = {}, options = liberties) {
  return oidc.discovery(new URL(issuer), clientId, metadata, authentication, options);
}

export const pem = (file, alg) => jose.importPKCS8(readFileSync(file, 'utf8'), alg);

// Counts what the token endpoint answers while the library polls.
export function watch(config, headers = {}, send = fetch) {
  const seen = [];
  config[oidc.customFetch] = async (url, options) => {
    if (!String(url).endsWith('/as/token')) return send(url, options);
    const response = await send(url, { ...options, headers: { ...options.headers, ...headers } });
    const body = await response.clone().json();
    seen.push(body.error ?? 'tokens');
    return response;
  };
  return seen;
}

export async function answer(started, action) {
  const response = await fetch(
    `${base}/simulator/answer?auth_req_id=${started.auth_req_id}&action=${action}`,
    { method: 'POST', signal: AbortSignal.timeout(10_000) },
  );
  assert.equal(response.status, 204);
}

// The management API.
export async function manage(method, path, body) {
  const response = await fetch(`${env.apiPath}/environments/${env.envID}${path}`, {
    method,
    headers: { authorization: `Bearer ${env.adminToken}`, 'content-type': 'application/json' },
    body: body && JSON.stringify(body),
    signal: AbortSignal.timeout(10_000),
  });
  assert.ok(response.ok, `${method} ${path}: ${response.status} ${await response.clone().text()}`);
  return response.json();
}

export const keys = jose.createRemoteJWKSet(new URL(`${issuer}/jwks`));

export async function verify(config, tokens, alg = 'RS256') {
  const clientId = config.clientMetadata().client_id;
  const access = await jose.jwtVerify(tokens.access_token, keys, {
    issuer, typ: 'at+jwt', requiredClaims: ['aud', 'client_id', 'exp', 'iat', 'jti', 'scope', 'sub'],
  });
  assert.equal(access.payload.client_id, clientId);
  assert.equal(access.payload.scope, tokens.scope);
  assert.equal(access.payload.exp - access.payload.iat, tokens.expires_in);

  const id = await jose.jwtVerify(tokens.id_token, keys, { issuer, audience: clientId });
  assert.equal(id.payload.sub, access.payload.sub);
  assert.equal(id.protectedHeader.alg, alg);
  const hash = createHash('sha256').update(tokens.access_token).digest();
  assert.equal(id.payload.at_hash, jose.base64url.encode(hash.subarray(0, 16)));
  assert.deepEqual(tokens.claims(), id.payload);
}

export const refused = (error) => (thrown) => {
  assert.equal(thrown.constructor.name, 'ResponseBodyError', String(thrown?.cause ?? thrown));
  assert.equal(thrown.error, error);
  assert.match(thrown.error_description, / \(Correlation ID: [0-9A-F-]{36}\)$/);
  return true;
};

// Runs the cases one after the other and tells of each; gives the status to exit with.
export async function run(cases) {
  let failed = false;
  for (const [name, each] of Object.entries(cases)) {
    try {
      await each();
      console.log(`case ok ${name}`);
    } catch (error) {
      failed = true;
      console.error(error, error.cause ?? '');
      console.log(`case FAILED ${name} -- ${String(error.message).split('\n')[0]}`);
    }
  }
  return failed ? 1 : 0;
}
