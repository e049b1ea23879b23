import { createHmac } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDialects } from "../../../service/dialects/table.ts";
import { toolhive } from "../../../service/dialects/toolhive.ts";
import { createPepAuthenticator, requireDialect } from "../../../service/identity/pep.ts";
import { dialectOptions } from "../../contract/dialects/options.ts";
import { startApp } from "../../helpers/session-app.ts";

const secrets = ["first-secret-of-at-least-32-characters", "second-secret-of-at-least-32-characters"] as const;
const call = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "find", arguments: { q: "ä" } } });
const webhook = JSON.stringify({ version: "v0.1.0", uid: "u", mcp_request: JSON.parse(call) });
const mac = (text: string, secret: string = secrets[0]) => createHmac("sha256", secret).update(text).digest("hex");

type App = Awaited<ReturnType<typeof startApp>>;
let app: App;

beforeAll(async () => {
  const pep = { tenant: "acme", permissions: ["decide" as const], assertsSubject: true, annotationsTrusted: false };
  const book = createPepAuthenticator({
    mode: "required",
    peps: [
      { ...pep, id: "gate", dialects: ["toolhive", "obot"], webhookSecrets: [...secrets] },
      { ...pep, id: "narrow", dialects: ["native"], webhookSecrets: [secrets[0]] },
    ],
  });
  app = await startApp({
    deps: {
      dialects: createDialects(dialectOptions),
      authenticateSigned(signature, bytes, dialect) {
        const found = book.authenticateSigned(signature.pepId, signature.mac, bytes);
        requireDialect(found, dialect);
        return found;
      },
      signatureAgeMsMax: 300_000,
    },
  });
});
afterAll(() => app.close());

async function send(path: string, body: string, headers: Record<string, string>) {
  const response = await app.raw("nobody", { method: "POST", path, headers: { "content-type": "application/json", ...headers }, body });
  return { status: response.status, body: (await response.json()) as { allowed?: boolean; allow?: boolean; reason?: string } };
}
const seconds = () => String(Math.floor(app.clock.nowMs() / 1000));

describe("ToolHive", () => {
  const signed = (timestamp: string, more: Record<string, string> = {}, secret?: string) => ({
    "x-toolhive-timestamp": timestamp,
    "x-toolhive-signature": `sha256=${mac(`${timestamp}.${webhook}`, secret)}`,
    ...more,
  });
  const ask = (headers: Record<string, string>, path = "/hooks/toolhive/gate", body = webhook) => send(path, body, headers);
  const isNo = async (answer: ReturnType<typeof ask>) =>
    expect(await answer).toMatchObject({ status: 200, body: { allowed: false, reason: expect.stringMatching(/^pep_/) } });

  test("is let in by a signature of either secret", async () => {
    for (const secret of secrets) expect(await ask(signed(seconds(), {}, secret))).toMatchObject({ status: 200, body: { allowed: true } });
  });

  test("a signature counts for five minutes either way", async () => {
    const now = Math.floor(app.clock.nowMs() / 1000);
    for (const age of [-299, 299]) expect((await ask(signed(String(now + age)))).body.allowed).toBe(true);
    for (const age of [-301, 301]) await isNo(ask(signed(String(now + age))));
  });

  test.each<[string, () => Record<string, string>]>([
    ["no signature", () => ({ "x-toolhive-timestamp": seconds() })],
    ["no time", () => ({ "x-toolhive-signature": `sha256=${mac(`${seconds()}.${webhook}`)}` })],
    ["another time", () => ({ ...signed(seconds()), "x-toolhive-timestamp": String(Number(seconds()) + 1) })],
    ["a time that is no number", () => signed("1e9")],
    ["no prefix", () => signed(seconds(), { "x-toolhive-signature": mac(`${seconds()}.${webhook}`) })],
    ["too few digits", () => signed(seconds(), { "x-toolhive-signature": "sha256=abcd" })],
    ["no digits", () => signed(seconds(), { "x-toolhive-signature": "sha256=not-valid-hex!" })],
    ["a signature of the body alone", () => signed(seconds(), { "x-toolhive-signature": `sha256=${mac(webhook)}` })],
    ["another secret", () => signed(seconds(), {}, "x".repeat(40))],
  ])("%s is no signature", async (_, headers) => {
    await isNo(ask(headers()));
  });

  test("another body, enforcement point or path is not what was signed", async () => {
    await isNo(ask(signed(seconds()), undefined, webhook.replace("find", "drop")));
    for (const path of ["/hooks/toolhive/other", "/hooks/toolhive/GATE", "/hooks/toolhive/gate%2F", "/hooks/toolhive/narrow"])
      await isNo(ask(signed(seconds()), path));
  });

  test("the bytes that are signed are `<timestamp>.<body>`", () => {
    const route = toolhive.routes.find(({ path }) => path.endsWith("{pep}"));
    const headers = { "x-toolhive-timestamp": "1698057000", "x-toolhive-signature": `sha256=${"ab".repeat(32)}` };
    const head = { method: "POST", path: "/hooks/toolhive/gate", query: "", requestId: "r", headers };
    const signature = route?.signed?.(head);
    expect(signature?.signedBytes(Buffer.from('{"version":"v0.1.0","uid":"test"}')).toString()).toBe(
      '1698057000.{"version":"v0.1.0","uid":"test"}',
    );
    expect(signature).toMatchObject({ pepId: "gate", signedAtMs: 1_698_057_000_000 });
    // As ToolHive's own signer writes it for the secret `test-secret`.
    const expected = createHmac("sha256", "test-secret").update('1698057000.{"version":"v0.1.0","uid":"test"}').digest("hex");
    expect(mac('1698057000.{"version":"v0.1.0","uid":"test"}', "test-secret")).toBe(expected);
  });
});

describe("Obot", () => {
  const ask = (signature: string, body = call, path = "/hooks/obot/gate") => send(path, body, { "x-obot-signature-256": signature });

  test("is let in by a signature of the body, with and without the prefix", async () => {
    expect(await ask(`sha256=${mac(call)}`)).toMatchObject({ status: 200, body: { allow: true } });
    expect(await ask(mac(call, secrets[1]))).toMatchObject({ status: 200, body: { allow: true } });
  });

  test("anything else is refused", async () => {
    for (const signature of ["", "sha256=", `sha1=${mac(call)}`, mac(call).toUpperCase(), `${mac(call)}00`, mac(call, "x".repeat(40))])
      expect(await ask(signature)).toMatchObject({ status: 401, body: { allow: false } });
    expect(await ask(mac(call), `${call} `)).toMatchObject({ status: 401 });
    expect(await ask(mac(call), call, "/hooks/obot/narrow")).toMatchObject({ status: 403, body: { allow: false } });
  });

  test("whatever stands in the header", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "grapheme-ascii", maxLength: 80 }), async (text) => {
        expect((await ask(text.trim())).status).toBe(401);
      }),
      { numRuns: 30 },
    );
  });
});
