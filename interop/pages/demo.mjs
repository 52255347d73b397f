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

  // "number" is the application whose requests come with a number to match.
  async #form(path, params, app = "app") {
    const [id, secret] = app === "app" ? ["appID", "appSecret"] : [`${app}AppID`, `${app}AppSecret`];
    const credentials = Buffer.from(`${this.values[id]}:${this.values[secret]}`).toString("base64");
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

  // A request in detail, with a number: two parts that can be left out, one that cannot.
  async askInDetail(message) {
    const payment = {
      type: "payment_initiation",
      instructedAmount: { currency: "EUR", amount: "123.50" },
      creditorName: "<b>Merchant</b> A",
      remittanceInformation: "Ref 4711",
    };
    const account = (iban) => ({ type: "account_information", iban, actions: ["balances"] });
    const details = [payment, account("DE02100100109307118603"), account("DE75512108001245126199")];
    const params = {
      scope: "openid payments:write",
      login_hint: "alice",
      binding_message: message,
      authorization_details: JSON.stringify(details),
    };
    const answer = await this.#form("cibaAuthorization", params, "number");
    if (!answer.auth_req_id) throw new Error(`the request was refused: ${JSON.stringify(answer)}`);
    return answer;
  }

  poll(auth_req_id, app = "app") {
    const params = { grant_type: "urn:openid:params:grant-type:ciba", auth_req_id };
    return this.#form("token", params, app);
  }

  async phone(path, method = "GET") {
    const headers = { authorization: `Bearer ${this.values.aliceDeviceToken}` };
    const answer = await fetch(`${this.base}/device/${path}`, { method, headers });
    return { status: answer.status, ...(await answer.json()) };
  }
}
