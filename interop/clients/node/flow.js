// The flow both Node clients run; `post(url, form)` gives {status, body}.
'use strict';

const assert = require('node:assert/strict');
const { setTimeout: sleep } = require('node:timers/promises');

const { authPath, envID, appID, appSecret, cibaHint } = process.env;
const base = `${authPath}/${envID}`;
const basic = `Basic ${Buffer.from(`${appID}:${appSecret}`).toString('base64')}`;

async function flow(post) {
  const call = async (path, form, want) => {
    const { status, body } = await post(base + path, form);
    assert.equal(status, want, `${path} answered ${status}: ${body}`);
    return body ? JSON.parse(body) : undefined;
  };
  const started = await call('/as/cibaAuthorization', { scope: 'openid', login_hint: cibaHint }, 200);
  const form = { grant_type: 'urn:openid:params:grant-type:ciba', auth_req_id: started.auth_req_id };

  assert.equal((await call('/as/token', form, 400)).error, 'authorization_pending');
  await call(`/simulator/answer?action=allow&auth_req_id=${started.auth_req_id}`, {}, 204);
  await sleep(started.interval * 1000 + 200);

  const tokens = await call('/as/token', form, 200);
  assert.equal(tokens.token_type, 'Bearer');
  assert.equal(tokens.expires_in, 3600);
  assert.equal(tokens.access_token.split('.').length, 3);
  console.log('OK');
}

module.exports = { basic, flow };
