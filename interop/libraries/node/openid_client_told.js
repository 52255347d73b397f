// openid-client, unmodified, where it need not ask again and again: pings and long polling.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import * as oidc from 'openid-client';
import { checkPings, notified } from './caught.js';
import {
  answer, asked, discover, env, manage, refused, run, verify, watch,
} from './flow.js';

// From the request to the ping; `decide` is what happens in between.
async function pinged(config, { parameters = {}, answers = [], decide }) {
  const token = randomBytes(24).toString('base64url');
  const count = answers.length + 1;
  return notified(token, answers, async (caught) => {
    const started = await oidc.initiateBackchannelAuthentication(
      config, { ...asked, ...parameters, client_notification_token: token },
    );
    await decide(started);
    const pings = await caught(count);
    assert.equal(pings.length, count);
    checkPings(pings, started);
    // There is an outcome: the library need not wait before it asks.
    return { ...started, interval: 0 };
  });
}

const ping = () => discover(env.pingAppID, oidc.ClientSecretBasic(env.pingAppSecret));
const allow = (started) => answer(started, 'allow');

const cases = {};

cases['ping: tokens, refresh'] = async () => {
  const config = await ping();
  const seen = watch(config);
  const scope = 'openid offline_access';
  const started = await pinged(config, { parameters: { scope }, decide: allow });
  const tokens = await oidc.pollBackchannelAuthenticationGrant(config, started);
  assert.deepEqual(seen, ['tokens']);
  await verify(config, tokens);
  await verify(config, await oidc.refreshTokenGrant(config, tokens.refresh_token));
};

cases['ping: one that is not taken comes again'] = async () => {
  const config = await ping();
  const started = await pinged(config, { answers: [503], decide: allow });
  await verify(config, await oidc.pollBackchannelAuthenticationGrant(config, started));
};

cases['ping: denial'] = async () => {
  const config = await ping();
  const started = await pinged(config, { decide: (started) => answer(started, 'deny') });
  const poll = oidc.pollBackchannelAuthenticationGrant(config, started);
  await assert.rejects(poll, refused('access_denied'));
};

cases['ping: expiry'] = async () => {
  const config = await ping();
  const started = await pinged(config, { parameters: { requested_expiry: '2' }, decide() {} });
  const poll = oidc.pollBackchannelAuthenticationGrant(config, { ...started, expires_in: 10 });
  await assert.rejects(poll, refused('expired_token'));
};

cases['ping: no client_notification_token'] = async () => {
  const started = oidc.initiateBackchannelAuthentication(await ping(), asked);
  await assert.rejects(started, refused('invalid_request'));
};

// A poll of which nothing comes ends long before the request expires.
const soon = () => ({ signal: AbortSignal.timeout(15_000) });

// Answers a while after the library began to wait at the token endpoint: one request is enough.
async function heldPoll(config, headers, action) {
  const seen = watch(config, headers);
  const started = await oidc.initiateBackchannelAuthentication(config, asked);
  let decided;
  const decide = async () => {
    await sleep((started.interval + 1.5) * 1000);
    assert.deepEqual(seen, [], 'the poll was not held');
    decided = performance.now();
    await answer(started, action);
  };
  // Nothing of this is unhandled while the other goes on.
  const [polled, answered] = await Promise.allSettled([
    oidc.pollBackchannelAuthenticationGrant(config, started, {}, soon()).finally(() => {
      const late = performance.now() - decided;
      assert.ok(late < 1000, `the answer came ${Math.round(late)} ms after the decision`);
    }),
    decide(),
  ]);
  if (answered.status === 'rejected') throw answered.reason;
  assert.equal(seen.length, 1);
  if (polled.status === 'rejected') throw polled.reason;
  return polled.value;
}

const secretBasic = () => discover(env.appID, oidc.ClientSecretBasic(env.appSecret));
const patient = { prefer: 'wait=9' };

cases['long polling: Prefer'] = async () => {
  const config = await secretBasic();
  await verify(config, await heldPoll(config, patient, 'allow'));
};

cases['long polling: denial'] = async () => {
  const config = await secretBasic();
  await assert.rejects(heldPoll(config, patient, 'deny'), refused('access_denied'));
};

cases['long polling: time runs out'] = async () => {
  const config = await secretBasic();
  const seen = watch(config, { prefer: 'wait=2' });
  const started = await oidc.initiateBackchannelAuthentication(config, asked);
  const decide = async () => {
    await sleep(2_500);
    assert.deepEqual(seen, [], 'the poll was not held');
    await sleep(1_500);
    assert.deepEqual(seen, ['authorization_pending']);
    await answer(started, 'allow');
  };
  const [tokens] = await Promise.all([
    oidc.pollBackchannelAuthenticationGrant(config, { ...started, interval: 1 }, {}, soon()),
    decide(),
  ]);
  assert.deepEqual(seen, ['authorization_pending', 'tokens']);
  await verify(config, tokens);
};

// The library knows nothing of it: an administrator has set that polls are held.
cases['long polling: a setting of the application'] = async () => {
  const path = `/applications/${env.postAppID}`;
  const before = await manage('GET', path);
  await manage('PUT', path, { ...before, ciba: { ...before.ciba, longPoll: 9 } });
  try {
    const config = await discover(env.postAppID, oidc.ClientSecretPost(env.postAppSecret));
    await verify(config, await heldPoll(config, {}, 'allow'));
  } finally {
    await manage('PUT', path, before);
  }
};

process.exit(await run(cases));
