// Serves page.html from an origin the demo's applications allow, opens it in Chromium and checks
// what the page saw; then from an origin they do not allow, where the browser must hide the answer.
'use strict';

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { mkdtempSync, readFileSync, rmSync } = require('node:fs');
const http = require('node:http');
const { tmpdir } = require('node:os');
const { join } = require('node:path');

const { authPath, envID, appID, appSecret, cibaHint, CHROMIUM = 'chromium' } = process.env;
const base = `${authPath}/${envID}`;
const authorization = `Basic ${Buffer.from(`${appID}:${appSecret}`).toString('base64')}`;
const page = readFileSync(join(__dirname, 'page.html'));
const jquery = readFileSync(join(__dirname, 'node_modules/jquery/dist/jquery.js'));

async function post(url, form, want) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { authorization },
    body: new URLSearchParams(form),
    signal: AbortSignal.timeout(10_000),
  });
  assert.equal(response.status, want, await response.clone().text());
  return response.status === 204 ? {} : response.json();
}

// What the page may ask of its own server: to start a request and to answer it.
const actions = {
  '/start': async () => ({
    ...await post(`${base}/as/cibaAuthorization`, { scope: 'openid', login_hint: cibaHint }, 200),
    token: `${base}/as/token`,
    authorization,
  }),
  '/answer': async ({ auth_req_id: id }) =>
    post(`${base}/simulator/answer?action=allow&auth_req_id=${id}`, {}, 204),
};

function serve(report) {
  return http.createServer(async (request, response) => {
    const text = [];
    for await (const chunk of request) text.push(chunk);
    const send = (type, body) => response.writeHead(200, { 'content-type': type }).end(body);
    if (request.method === 'GET' && request.url === '/') return send('text/html', page);
    if (request.method === 'GET' && request.url === '/jquery.js') return send('text/javascript', jquery);
    if (request.method === 'POST' && request.url === '/report') {
      send('application/json', '{}');
      return report(JSON.parse(Buffer.concat(text)));
    }
    const action = request.method === 'POST' && actions[request.url];
    if (!action) return response.writeHead(404).end();
    try {
      return send('application/json', JSON.stringify(await action(JSON.parse(Buffer.concat(text)))));
    } catch (error) {
      return response.writeHead(500).end(JSON.stringify(String(error)));
    }
  });
}

async function visit(host, port) {
  let report;
  const reported = new Promise((resolve) => { report = resolve; });
  const server = serve(report);
  await new Promise((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  const profile = mkdtempSync(join(tmpdir(), 'interop-chromium-'));
  const browser = spawn(CHROMIUM, [
    '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run',
    '--disable-background-networking', '--no-proxy-server', `--user-data-dir=${profile}`,
    `http://${host}:${port}/`,
  ], { stdio: 'ignore', detached: true });
  const gone = new Promise((resolve) => browser.once('exit', resolve).once('error', resolve));
  try {
    return await Promise.race([
      reported,
      gone.then((code) => { throw new Error(`Chromium ended before the page reported: ${code}`); }),
      new Promise((_, reject) => setTimeout(reject, 40_000, new Error('the page did not report'))),
    ]);
  } finally {
    try { process.kill(-browser.pid, 'SIGKILL'); } catch { /* It has ended already. */ }
    await gone;
    server.closeAllConnections();
    server.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

async function main() {
  for (const host of ['127.0.0.1', 'localhost']) {
    const seen = await visit(host, 9401);
    assert.equal(seen.thrown, undefined, seen.thrown);
    assert.equal(seen.pending.status, 400, 'the page cannot read the answer "authorization_pending"');
    assert.equal(seen.pending.body.error, 'authorization_pending');
    assert.equal(seen.tokens.status, 200);
    assert.equal(seen.tokens.body.token_type, 'Bearer');
    assert.equal(seen.tokens.body.access_token.split('.').length, 3);
    console.log(`${seen.origin}, jQuery ${seen.jquery}: tokens`);
  }
  const seen = await visit('127.0.0.1', 9402);
  assert.equal(seen.thrown, undefined, seen.thrown);
  assert.deepEqual([seen.pending.status, seen.tokens.status], [0, 0], 'an origin not allowed read an answer');
  console.log(`${seen.origin}: hidden by the browser, as it should be`);
  console.log('OK');
}

main().then(() => process.exit(0), (error) => {
  console.error(error);
  process.exit(1);
});
