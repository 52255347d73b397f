// The other side of the pages: the application that asks, and Alice's phone.
import { readFileSync } from "node:fs";

export class Demo {
  constructor(file) {
    this.values = Object.fromEntries(
      readFileSync(file, "utf8")
        .split("\n")
        .filter((line) => line.includes("="))
        .map((line) => {
          const at = line.indexOf("=");
          return [line.slice(0, at), line.slice(at + 1).replace(/^'|'$/g, "").replaceAll("'\\''", "'")];
        }),
    );
    this.base = `${this.values.authPath}/${this.values.envID}`;
    this.inbox = `${this.base}/inbox`;
  }

  async #form(path, params) {
    const credentials = Buffer.from(`${this.values.appID}:${this.values.appSecret}`).toString("base64");
    const answer = await fetch(`${this.base}/as/${path}`, {
      method: "POST",
      headers: { authorization: `Basic ${credentials}` },
      body: new URLSearchParams(params),
    });
    return { status: answer.status, ...(await answer.json()) };
  }

  async ask(params = {}) {
    const all = { scope: "openid payments:write", login_hint: "alice", ...params };
    const answer = await this.#form("cibaAuthorization", all);
    if (!answer.auth_req_id) throw new Error(`the request was refused: ${JSON.stringify(answer)}`);
    return answer.auth_req_id;
  }

  poll(auth_req_id) {
    return this.#form("token", { grant_type: "urn:openid:params:grant-type:ciba", auth_req_id });
  }

  async phone(path, method = "GET") {
    const headers = { authorization: `Bearer ${this.values.aliceDeviceToken}` };
    const answer = await fetch(`${this.base}/device/${path}`, { method, headers });
    return { status: answer.status, ...(await answer.json()) };
  }
}
