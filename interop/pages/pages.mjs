// What a person does with the pages, in a real browser against a running demo.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";

import { Browser } from "./browser.mjs";
import { Demo } from "./demo.mjs";
import { Stranger } from "./stranger.mjs";

const [envFile, binary, screenshots] = process.argv.slice(2);
mkdirSync(screenshots, { recursive: true });

const demo = new Demo(envFile);
const checked = (what) => console.log(`ok - ${what}`);
const title = (page) => page.text("h1");
const cards = (page) => page.evaluate("[...document.querySelectorAll('[data-card]')].map((it) => it.innerText)");
const waitsFor = (page, message) =>
  page.until(`the request ${message}`, `document.querySelector("main").innerText.includes("${message}")`);

async function signIn(page) {
  await page.goto(demo.inbox);
  assert.match(await page.evaluate("location.pathname"), /\/inbox\/sign-in$/);
  await page.screenshots(screenshots, "sign-in");
  checked("without a session the inbox leads to the sign-in page");

  await page.leaving(async () => {
    await page.tabTo("input#code");
    await page.send("Input.insertText", { text: "ABCD-EFGH" });
    await page.press("Enter");
  });
  assert.match(await page.text(), /Not signed in/);
  await page.screenshots(screenshots, "sign-in-wrong-code");
  checked("a wrong code is refused in words");

  await page.goto(demo.values.alicePage);
  await page.goto(demo.values.alicePage);
  assert.match(await page.text(), /Your sign-in link is ready/);
  await page.screenshots(screenshots, "sign-in-link");
  await page.leaving(async () => {
    await page.tabTo("button");
    await page.press("Enter");
  });
  const where = await page.evaluate("location.pathname");
  assert.match(where, /\/inbox$/, `signed in, but at ${where}: ${await page.text()}; is the demo fresh?`);
  checked("the link signs in when its button is pressed, however often it was opened before");

  const { cookies } = await page.send("Network.getCookies", { urls: [demo.inbox] });
  const cookie = cookies.find((it) => it.name === "assent_device");
  assert.ok(cookie.httpOnly, "the cookie is HttpOnly");
  assert.equal(cookie.sameSite, "Strict");
  assert.equal(cookie.path, new URL(demo.inbox).pathname);
  assert.equal(await page.evaluate("document.cookie"), "");
  checked("the cookie is HttpOnly, SameSite=Strict and of this environment's pages alone");
  await page.until("live updates", "!document.querySelector('[data-live=on]').hidden");
  await page.screenshots(screenshots, "inbox-empty");
}

async function approve(page) {
  await page.evaluate("window.unchanged = true");
  const asked = await demo.ask({ binding_message: "PAY-4711" });
  await waitsFor(page, "PAY-4711");
  assert.ok(await page.evaluate("window.unchanged"), "the page was not loaded anew");
  assert.match(await page.evaluate("document.title"), /^\(1\)/);
  await page.screenshots(screenshots, "inbox");
  checked("a request arrives live in the open inbox");

  await page.leaving(async () => {
    await page.tabTo("[data-card] a");
    await page.press("Enter");
  });
  await requestPage(page);
  await page.screenshots(screenshots, "request");
  await page.leaving(async () => {
    const stops = await page.tabTo("button.approve");
    assert.ok(stops.indexOf("Decline") >= 0, "Tab meets Decline before Approve");
    await page.press("Enter");
  });
  assert.equal(await title(page), "Approved");
  await page.screenshots(screenshots, "approved");
  checked("the keyboard alone approves");

  const tokens = await demo.poll(asked);
  assert.equal(tokens.status, 200, JSON.stringify(tokens));
  assert.ok(tokens.access_token && tokens.id_token);
  assert.equal((await demo.poll(asked)).error, "invalid_grant");
  checked("the token endpoint gives tokens, once");
}

// T-03: what is shown, in which order, and where the focus is.
async function requestPage(page) {
  const shown = await page.text();
  for (const part of ["Corner Shop", "PAY-4711", "payments:write", "Make a payment", "Alice Example", "Expires in"]) {
    assert.ok(shown.includes(part), `the page shows ${part}:\n${shown}`);
  }
  const buttons = await page.evaluate("[...document.querySelectorAll('main button')].map((it) => it.innerText.trim())");
  assert.deepEqual(buttons, ["Decline", "Approve", "This was not me"]);
  assert.equal(await page.evaluate("document.activeElement.tagName"), "BODY");
  const isolated = "document.querySelector('.display-text bdi').textContent";
  assert.equal(await page.evaluate(isolated), "PAY-4711");
  const inline = "document.querySelectorAll('script:not([src]), [style], [onclick]').length";
  assert.equal(await page.evaluate(inline), 0);
  checked("the page shows who asks, for what and until when; Decline comes first, nothing has focus");
}

async function declineWithoutScript(page) {
  const asked = await demo.ask({ binding_message: "PAY-4712" });
  await page.send("Emulation.setScriptExecutionDisabled", { value: true });
  await page.goto(demo.inbox);
  await page.leaving(async () => {
    await page.tabTo("[data-card] a");
    await page.press("Enter");
  });
  await page.leaving(async () => {
    await page.tabTo("button.decline");
    await page.press("Space");
  });
  assert.equal(await title(page), "Declined");
  await page.screenshots(screenshots, "declined");
  await page.send("Emulation.setScriptExecutionDisabled", { value: false });
  assert.equal((await demo.poll(asked)).error, "access_denied");
  checked("declining works without scripts, and the token endpoint says access_denied");
}

// Three parts, of which one is left out, and a number, by the keyboard and without scripts.
async function inDetail(page) {
  for (const scripts of [true, false]) {
    const asked = await demo.askInDetail(scripts ? "PAY-4720" : "PAY-4721");
    await page.send("Emulation.setScriptExecutionDisabled", { value: !scripts });
    await page.goto(demo.inbox);
    await page.leaving(async () => {
      await page.tabTo("[data-card] a");
      await page.press("Enter");
    });
    const shown = await page.text();
    for (const part of ["Pay 123.50 EUR to <b>Merchant</b> A", "Read balances of account DE02", "Which number"]) {
      assert.ok(shown.includes(part), `the page shows ${part}:\n${shown}`);
    }
    assert.equal(await page.evaluate("document.querySelectorAll('main b').length"), 0);
    await page.screenshots(screenshots, "request-in-detail");
    await page.tabTo(".detail-all summary");
    await page.press("Enter");
    assert.match(await page.text(), /remittanceInformation/);
    await page.tabTo("input[name=detail-2]");
    await page.press("Space");
    await page.tabTo("input[name=number]");
    for (let presses = 0; presses < 3; presses++) {
      const picked = "document.querySelector('input[name=number]:checked')?.value";
      if ((await page.evaluate(picked)) === asked.number) break;
      await page.press(presses === 0 ? "Space" : "ArrowRight");
    }
    await page.screenshots(screenshots, "request-in-detail-chosen");
    await page.leaving(async () => {
      await page.tabTo("button.approve");
      await page.press("Enter");
    });
    assert.equal(await title(page), "Approved", await page.text());
    await page.send("Emulation.setScriptExecutionDisabled", { value: false });
    const tokens = await demo.poll(asked.auth_req_id, "number");
    assert.equal(tokens.authorization_details?.length, 2, JSON.stringify(tokens));
    assert.match(tokens.authorization_details[1].iban, /^DE02/);
  }
  checked("parts are shown in full and left out, and the number picked, by keyboard and without scripts");
}

async function wrongNumber(page) {
  const asked = await demo.askInDetail("PAY-4722");
  await page.goto(demo.inbox);
  await page.leaving(() => page.evaluate("document.querySelector('[data-card] a').click()"));
  const numbers = "[...document.querySelectorAll('input[name=number]')]";
  await page.evaluate(`${numbers}.find((it) => it.value !== "${asked.number}").click()`);
  await page.leaving(() => page.evaluate("document.querySelector('button.approve').click()"));
  assert.equal(await title(page), "That was another number");
  await page.screenshots(screenshots, "wrong-number");
  assert.equal((await demo.poll(asked.auth_req_id, "number")).error, "access_denied");
  checked("a wrong number declines and says so");
}

async function reported(page) {
  const asked = await demo.askInDetail("PAY-4723");
  await page.goto(demo.inbox);
  await page.leaving(() => page.evaluate("document.querySelector('[data-card] a').click()"));
  await page.leaving(async () => {
    await page.tabTo(".report-button");
    await page.press("Enter");
  });
  assert.equal(await title(page), "Declined and reported");
  await page.screenshots(screenshots, "reported");
  assert.equal((await demo.poll(asked.auth_req_id, "number")).error, "access_denied");
  await assert.rejects(() => demo.askInDetail("PAY-4724"), /access_denied/);
  checked("who says that it was not them is asked by that application no more");
}

async function decidedElsewhere(page) {
  await page.goto(demo.inbox);
  await demo.ask({ binding_message: "PAY-4713" });
  await demo.ask({ scope: "openid profile" });
  await page.until("both requests", "document.querySelectorAll('[data-card]').length === 2");
  await page.screenshots(screenshots, "inbox-two");
  const { requests } = await demo.phone("requests");
  await demo.phone(`requests/${requests[0].id}/deny`, "POST");
  await page.until("one to go", "document.querySelectorAll('[data-card]').length === 1");
  checked("what the phone decides leaves the open inbox");

  const last = requests[1].id;
  await page.goto(`${demo.inbox}/requests/${last}`);
  await page.screenshots(screenshots, "request-without-message");
  await demo.phone(`requests/${last}/deny`, "POST");
  await page.leaving(async () => {
    await page.tabTo("button.approve");
    await page.press("Enter");
  });
  assert.equal(await title(page), "Already declined");
  await page.screenshots(screenshots, "already-declined");
  checked("who approves what was declined elsewhere is told that it did not count");
}

async function expires(page) {
  await demo.ask({ requested_expiry: "3", binding_message: "SHORT" });
  await page.goto(demo.inbox);
  await page.leaving(async () => {
    await page.tabTo("[data-card] a");
    await page.press("Enter");
  });
  await page.until("the page to say so", "document.querySelector('h1').innerText === 'Expired'");
  await page.screenshots(screenshots, "expired");
  checked("a request that expires says so on its open page");
}

// T-81: should markup ever slip through, the policy still keeps scripts from running.
async function policy(page) {
  assert.deepEqual(page.complaints, []);
  await page.evaluate(`(() => {
    const script = document.createElement("script");
    try { script.textContent = "window.slipped = true"; } catch {}
    document.body.append(script);
    document.body.setAttribute("style", "color: red");
  })()`);
  assert.equal(await page.evaluate("window.slipped"), undefined);
  assert.equal(await page.evaluate("document.body.style.color"), "");
  assert.ok(page.complaints.length >= 2, "the browser reports what the policy stopped");
  checked("no page fails a script or violates the policy, and the policy stops what is injected");
}

// T-78, T-79: with our cookie, and even with a form token that was stolen.
async function strangers(page) {
  const stranger = await Stranger.start();
  const asked = await demo.ask({ binding_message: "PAY-4714" });
  const [{ id }] = (await demo.phone("requests")).requests;
  const path = `${demo.inbox}/requests/${id}`;
  await page.goto(path);
  const csrf = await page.evaluate("document.querySelector('[name=csrf]').value");
  for (const host of ["127.0.0.1", "localhost"]) {
    stranger.show(`<form method="post" action="${path}/approve"><input name="csrf" value="${csrf}"><button>Win`);
    await page.goto(stranger.url(host));
    await page.leaving(async () => {
      await page.tabTo("button");
      await page.press("Enter");
    });
    assert.equal(await title(page), "This was not accepted", `from ${host}`);
  }
  await page.screenshots(screenshots, "refused");
  assert.equal((await demo.poll(asked)).error, "authorization_pending");
  checked("a form of another origin is refused, and the request stays pending");

  stranger.show(`<iframe src="${path}"></iframe>`);
  await page.goto(stranger.url());
  const { frameTree } = await page.send("Page.getFrameTree");
  assert.equal(frameTree.childFrames[0].frame.unreachableUrl, path);
  checked("the pages cannot be framed");

  stranger.show(`<a href="${path}">a link in a message</a>`);
  await page.goto(stranger.url("localhost"));
  await page.leaving(async () => {
    await page.tabTo("a");
    await page.press("Enter");
  });
  assert.equal(await title(page), "You came from another site");
  await page.screenshots(screenshots, "from-another-site");
  await page.leaving(async () => {
    await page.tabTo("main a");
    await page.press("Enter");
  });
  assert.match(await page.text(), /PAY-4714/);
  checked("a link from elsewhere leads to the request after one press, although the cookie is Strict");
  await demo.phone(`requests/${id}/deny`, "POST");
  stranger.stop();
}

async function darkAndEnvironment(page) {
  await demo.ask({ binding_message: "DARK-1" });
  const dark = [{ name: "prefers-color-scheme", value: "dark" }];
  await page.send("Emulation.setEmulatedMedia", { features: dark });
  await page.goto(demo.inbox);
  await page.screenshots(screenshots, "inbox-dark");
  await page.leaving(async () => {
    await page.tabTo("[data-card] a");
    await page.press("Enter");
  });
  await page.screenshots(screenshots, "request-dark");
  await page.send("Emulation.setEmulatedMedia", { features: [] });
  await page.goto(`${demo.values.authPath}/${demo.values.otherEnvID}/inbox`);
  assert.match(await page.evaluate("location.pathname"), /\/sign-in$/);
  checked("a session of one environment is none in another");
}

async function signOut(page) {
  const { cookies } = await page.send("Network.getCookies", { urls: [demo.inbox] });
  await page.goto(demo.inbox);
  await page.leaving(async () => {
    await page.tabTo("aside button");
    await page.press("Enter");
  });
  assert.match(await page.evaluate("location.pathname"), /\/sign-in$/);
  assert.deepEqual((await page.send("Network.getCookies", { urls: [demo.inbox] })).cookies, []);
  const { name, value, path } = cookies[0];
  await page.send("Network.setCookie", { name, value, path, url: demo.inbox });
  await page.goto(demo.inbox);
  assert.match(await page.evaluate("location.pathname"), /\/sign-in$/);
  checked("signing out ends the session in the browser and on the server");
}

const TOO_LONG = 180_000;
setTimeout(() => {
  console.error("FAILED: not done after three minutes");
  process.exit(1);
}, TOO_LONG).unref();

const browser = await Browser.start(binary);
try {
  const page = await browser.open();
  await signIn(page);
  await approve(page);
  await declineWithoutScript(page);
  await inDetail(page);
  await wrongNumber(page);
  await reported(page);
  await decidedElsewhere(page);
  await expires(page);
  await policy(page);
  await strangers(page);
  await darkAndEnvironment(page);
  await signOut(page);
} catch (error) {
  console.error(`FAILED: ${error.stack}`);
  process.exitCode = 1;
} finally {
  await browser.stop();
}
