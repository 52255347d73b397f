// A Chromium of its own, spoken to in the DevTools protocol through a pipe: no driver and no
// packages to install.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--lang=en-GB",
  "--remote-debugging-pipe",
];
const DEADLINE = 15_000;
const KEYS = {
  Tab: ["Tab", 9, ""],
  Enter: ["Enter", 13, "\r"],
  Space: ["Space", 32, " "],
  ArrowRight: ["ArrowRight", 39, ""],
};

export class Browser {
  static async start(binary) {
    const browser = new Browser();
    browser.profile = mkdtempSync(join(tmpdir(), "assent-pages-"));
    const stdio = ["ignore", "ignore", "ignore", "pipe", "pipe"];
    const flags = [...FLAGS, `--user-data-dir=${browser.profile}`, "about:blank"];
    browser.process = spawn(binary, flags, { stdio });
    browser.process.on("exit", () => browser.#fail(new Error("the browser ended")));
    browser.#read(browser.process.stdio[4]);
    return browser;
  }

  #next = 1;
  #waiting = new Map();
  #listeners = [];

  #read(pipe) {
    let rest = "";
    pipe.setEncoding("utf8");
    pipe.on("data", (chunk) => {
      const parts = (rest + chunk).split("\0");
      rest = parts.pop();
      for (const part of parts) this.#hear(JSON.parse(part));
    });
  }

  #hear(message) {
    if (!message.id) {
      for (const listener of this.#listeners) listener(message);
      return;
    }
    const { resolve, reject } = this.#waiting.get(message.id) ?? {};
    this.#waiting.delete(message.id);
    if (message.error) reject?.(new Error(message.error.message));
    else resolve?.(message.result);
  }

  #fail(error) {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  listen(listener) {
    this.#listeners.push(listener);
  }

  send(method, params = {}, sessionId = undefined) {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.process.stdio[3].write(JSON.stringify({ id, method, params, sessionId }) + "\0");
    });
  }

  async open() {
    const { targetId } = await this.send("Target.createTarget", { url: "about:blank" });
    const attached = await this.send("Target.attachToTarget", { targetId, flatten: true });
    const page = new Page(this, attached.sessionId);
    for (const domain of ["Page", "Runtime", "Log", "Network"]) await page.send(`${domain}.enable`);
    return page;
  }

  async stop() {
    await this.send("Browser.close").catch(() => {});
    await new Promise((done) => (this.process.exitCode === null ? this.process.on("exit", done) : done()));
    rmSync(this.profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

export class Page {
  // What the browser complained about: violations of the policy, exceptions of scripts.
  complaints = [];
  #loads = 0;

  constructor(browser, session) {
    this.browser = browser;
    this.session = session;
    browser.listen((message) => {
      if (message.sessionId !== session) return;
      const { method, params } = message;
      if (method === "Page.loadEventFired") this.#loads++;
      if (method === "Runtime.exceptionThrown") this.complaints.push(params.exceptionDetails.text);
      if (method === "Log.entryAdded" && ["security", "javascript"].includes(params.entry.source)) {
        this.complaints.push(params.entry.text);
      }
    });
  }

  send(method, params) {
    return this.browser.send(method, params, this.session);
  }

  // Does what makes the page change and waits until the next page has loaded.
  async leaving(act) {
    const before = this.#loads;
    const result = await act();
    await until("a page to load", () => this.#loads > before);
    return result;
  }

  async goto(url) {
    const { errorText } = await this.leaving(() => this.send("Page.navigate", { url }));
    if (errorText) throw new Error(`${url}: ${errorText}`);
  }

  async evaluate(expression) {
    const params = { expression, returnByValue: true, awaitPromise: true };
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", params);
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  async until(what, expression) {
    // While a page changes there is nothing to evaluate in.
    await until(what, () => this.evaluate(expression).catch(() => false));
  }

  async press(name) {
    const [code, windowsVirtualKeyCode, text] = KEYS[name];
    const key = name === "Space" ? " " : name;
    const down = { type: text ? "keyDown" : "rawKeyDown", key, code, windowsVirtualKeyCode, text };
    await this.send("Input.dispatchKeyEvent", down);
    await this.send("Input.dispatchKeyEvent", { type: "keyUp", key, code, windowsVirtualKeyCode });
  }

  // Tabs to the element that matches, as a person without a mouse does; answers all stops.
  async tabTo(selector) {
    const stops = [];
    for (let presses = 0; presses < 40; presses++) {
      await this.press("Tab");
      stops.push(await this.evaluate("document.activeElement.textContent.trim()"));
      if (await this.evaluate(`document.activeElement.matches(${JSON.stringify(selector)})`)) return stops;
    }
    throw new Error(`Tab never reaches ${selector}; it stops at ${stops.join(" | ")}`);
  }

  text(selector = "main") {
    return this.evaluate(`document.querySelector(${JSON.stringify(selector)})?.innerText ?? ""`);
  }

  async screenshots(folder, name) {
    for (const width of [390, 1280]) {
      const metrics = { width, height: 844, deviceScaleFactor: 1, mobile: width < 600 };
      await this.send("Emulation.setDeviceMetricsOverride", metrics);
      const wider = await this.evaluate("document.documentElement.scrollWidth - innerWidth");
      if (wider > 0) throw new Error(`${name} is ${wider} px wider than a window of ${width} px`);
      const { data } = await this.send("Page.captureScreenshot", { captureBeyondViewport: true });
      writeFileSync(join(folder, `${name}-${width}.png`), Buffer.from(data, "base64"));
    }
  }
}

export async function until(what, condition) {
  const end = Date.now() + DEADLINE;
  while (Date.now() < end) {
    const value = await condition();
    if (value) return value;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`waited in vain for ${what}`);
}
