import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { apiKeyOf, GatewayConfig } from "../../../examples/mcp-gateway/config.ts";
import { DecideClient } from "../../../examples/mcp-gateway/decide-client.ts";

const allow = { decision_id: "d-1", allow: true, reasons: [], obligations: [] };
const deny = { decision_id: "d-2", allow: false, reasons: [{ code: "no", message: "m", remedy: "r" }], obligations: [] };

let server: Server;
let answer: (response: ServerResponse, body: string) => void;
let requests: { url: string | undefined; key: unknown; body: string }[];
let client: DecideClient;

beforeEach(async () => {
  requests = [];
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on("end", () => {
      requests.push({ url: request.url, key: request.headers["x-api-key"], body });
      answer(response, body);
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  client = new DecideClient({ url: `${urlOf(server)}/`, timeoutMs: 200, apiKey: "k-1" });
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
});

function urlOf(listening: Server): string {
  return `http://127.0.0.1:${(listening.address() as AddressInfo).port}`;
}

function reply(status: number, body: unknown): void {
  answer = (response) => response.writeHead(status).end(typeof body === "string" ? body : JSON.stringify(body));
}

/** Answers that no reader may take for a yes, and the code of the refusal. */
const notAllowed: [string, number, unknown, string][] = [
  ["a 500", 500, "oops", "remit_failed"],
  ["a 500 that says yes", 500, allow, "remit_failed"],
  ["a 201 that says yes", 201, allow, "remit_failed"],
  ["a problem", 503, { allow: false, code: "not_ready", detail: "starting", instance: "r-1" }, "not_ready"],
  ["garbage", 200, "<html>", "remit_answer_invalid"],
  ["an empty body", 200, "", "remit_answer_invalid"],
  ["null", 200, "null", "remit_answer_invalid"],
  ["true", 200, "true", "remit_answer_invalid"],
  ["a list", 200, [allow], "remit_answer_invalid"],
  ["an allow that is text", 200, { ...allow, allow: "true" }, "remit_answer_invalid"],
  ["an allow that is 1", 200, { ...allow, allow: 1 }, "remit_answer_invalid"],
  ["an allow without obligations", 200, { allow: true, decision_id: "d-1" }, "remit_answer_invalid"],
  ["an allow without a decision id", 200, { allow: true, obligations: [] }, "remit_answer_invalid"],
  ["a deny without reasons", 200, { ...deny, reasons: [] }, "remit_answer_invalid"],
  ["an unknown obligation", 200, { ...allow, obligations: [{ id: "o", type: "redact", properties: {} }] }, "obligation_unknown"],
  ["a deny", 200, deny, "no"],
];

describe("decide", () => {
  it("allows on a clear yes, and sends the key", async () => {
    reply(200, allow);

    expect(await client.decide({ tool: { name: "t" } })).toEqual({ allow: true, decisionId: "d-1" });
    expect(requests).toEqual([{ url: "/decide", key: "k-1", body: '{"tool":{"name":"t"}}' }]);
  });

  it.each(notAllowed)("never takes %s for a yes", async (_name, status, body, code) => {
    reply(status, body);

    expect(await client.decide({})).toMatchObject({ allow: false, reasons: [{ code, message: expect.stringMatching(/./) }] });
  });

  it("refuses when there is no answer in time", async () => {
    answer = () => {};
    expect(await client.decide({})).toMatchObject({ allow: false, reasons: [{ code: "remit_timeout" }] });
  });

  it("refuses when the body stops halfway", async () => {
    answer = (response) => void response.writeHead(200).write(JSON.stringify(allow));
    expect(await client.decide({})).toMatchObject({ allow: false, reasons: [{ code: "remit_timeout" }] });
  });

  it("follows no redirect", async () => {
    answer = (response) => response.writeHead(307, { location: "/elsewhere" }).end();

    expect(await client.decide({})).toMatchObject({ allow: false });
    expect(requests).toHaveLength(1);
  });

  it("refuses when the connection breaks", async () => {
    answer = (response) => response.destroy();
    expect(await client.decide({})).toMatchObject({ allow: false, reasons: [{ code: "remit_unreachable" }] });
  });
});

describe("decideAll", () => {
  it("asks in chunks of 100 and keeps the order", async () => {
    answer = (response, body) => {
      const { calls } = JSON.parse(body) as { calls: number[] };
      response.end(JSON.stringify({ decisions: calls.map((call) => (call % 2 === 0 ? allow : deny)) }));
    };
    const verdicts = await client.decideAll(Array.from({ length: 201 }, (_, index) => index));

    expect(verdicts.map((verdict) => verdict.allow)).toEqual(Array.from({ length: 201 }, (_, index) => index % 2 === 0));
    expect(requests.map(({ url }) => url)).toEqual(["/decide/batch", "/decide/batch", "/decide/batch"]);
  });

  it.each([
    ["too few decisions", 200, { decisions: [allow] }],
    ["too many decisions", 200, { decisions: [allow, allow, allow] }],
    ["a single decision", 200, allow],
    ["a 500", 500, { decisions: [allow, allow] }],
  ])("refuses all on %s", async (_name, status, body) => {
    reply(status, body);
    expect(await client.decideAll([1, 2])).toMatchObject([{ allow: false }, { allow: false }]);
  });

  it.each(notAllowed.filter(([, status]) => status === 200).map(([name, , body]) => [name, body] as const))(
    "never takes %s among the decisions for a yes",
    async (_name, body) => {
      let decision: unknown = body;
      if (typeof body === "string") decision = body === "null" ? null : body;
      reply(200, { decisions: [decision, allow] });

      expect(await client.decideAll([1, 2])).toMatchObject([{ allow: false }, { allow: true }]);
    },
  );
});

describe("apiKeyOf", () => {
  const base = { upstream: { name: "s", command: "c" }, subject: { id: "u" }, agent: { id: "a" }, session: { id: "s" } };
  const config = GatewayConfig.parse({ ...base, remit: { url: "http://127.0.0.1:1", api_key_env: "KEY" } });

  it("refuses to start without the key that is configured", () => {
    expect(apiKeyOf(config, { KEY: "k" })).toBe("k");
    expect(() => apiKeyOf(config, {})).toThrow("set the environment variable `KEY`");
  });
});
