// The notification endpoint of the demo's applications, and what comes to it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { text } from 'node:stream/consumers';
import { env } from './flow.js';

// `answers` are the statuses of the first notifications, as long as they last; whoever does not
// know the token gets 401.
export async function notified(token, answers, act) {
  const endpoint = new URL(env.notificationEndpoint);
  const caught = [];
  const server = createServer({
    cert: readFileSync(env.catcherCertFile), key: readFileSync(env.catcherKeyFile),
  });
  server.on('request', async (request, response) => {
    const { method, url, headers } = request;
    const body = await text(request);
    const knows = headers.authorization === `Bearer ${token}`;
    caught.push({ method, url, type: headers['content-type'], knows, body });
    response.writeHead(knows ? answers.shift() ?? 204 : 401).end();
    server.emit('caught');
  });
  server.listen(Number(endpoint.port), endpoint.hostname);
  await once(server, 'listening');
  try {
    return await act(async (count) => {
      const signal = AbortSignal.timeout(15_000);
      while (caught.length < count) await once(server, 'caught', { signal });
      return caught;
    });
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

// Checks the pings about a request (CIBA section 10.2).
export function checkPings(pings, started) {
  for (const ping of pings) {
    const { method, url, type, knows, body } = ping;
    assert.deepEqual([method, url, knows], ['POST', '/callback', true]);
    assert.match(type, /^application\/json\b/);
    // The identifier and nothing else.
    assert.deepEqual(JSON.parse(body), { auth_req_id: started.auth_req_id });
  }
}
