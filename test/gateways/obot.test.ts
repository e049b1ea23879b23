import { createHmac, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { parse } from "yaml";
import { cleanUp, post, type RunningService, startService } from "../helpers/service.ts";

const secret = randomBytes(32).toString("hex");
let service: RunningService;

beforeAll(async () => {
  const { auth, dialects } = parse(readFileSync(resolve(import.meta.dirname, "../../examples/obot/remit.yaml"), "utf8"));
  auth.peps[0].webhook_secrets = [secret];
  service = await startService({ config: { auth, dialects } });
});
afterAll(() => {
  service.kill("SIGKILL");
  cleanUp(service);
});

/** As the webhook converter sends it (the digits alone), or the gateways before it (with their name). */
function filter(message: object, form: (digits: string) => string = (digits) => digits) {
  const body = JSON.stringify(message);
  const signature = form(createHmac("sha256", secret).update(body).digest("hex"));
  const headers = { "x-obot-signature-256": signature, "x-obot-user-id": "emma", "x-obot-mcp-server-id": "crm" };
  return post(`${service.url}/hooks/obot/obot`, body, headers);
}

const call = { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "delete_customer", arguments: { id: "c-17" } } };

it("a signed message is judged, with its arguments, and for whom", async () => {
  expect(await filter({ jsonrpc: "2.0", id: 1, method: "tools/list" }, (digits) => `sha256=${digits}`)).toMatchObject({
    status: 200,
    body: { allow: true },
  });
  expect(await filter(call)).toMatchObject({ status: 403, body: { allow: false, reason: expect.stringContaining("role_not_permitted") } });
  await expect
    .poll(() => service.records()[0])
    .toMatchObject({
      call: { server: "crm", tool: "delete_customer", subject: "emma" },
      pep: { id: "obot" },
      input: { call: { arguments: { id: "c-17" }, arguments_known: true } },
    });
});

it("a message that is not signed by the secret is rejected", async () => {
  expect(
    await filter({ jsonrpc: "2.0", id: 1, method: "ping" }, (digits) => digits.replace(/^./, (digit) => (digit === "0" ? "1" : "0"))),
  ).toMatchObject({
    status: 401,
    body: { allow: false },
  });
});
