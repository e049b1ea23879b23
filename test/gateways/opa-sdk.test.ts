import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { OPAClient } from "@open-policy-agent/opa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { toolPath } from "../../scripts/tools/find.ts";
import { buildOpaBundle } from "../helpers/opa-server.ts";
import { cleanUp, type RunningService, startService } from "../helpers/service.ts";

const opa = await toolPath("opa");
if (opa === undefined) console.error("SKIPPED: the tests with OPA's SDK compile a policy and need OPA");

const resolver = { user: { roles: ["resolver"] } };
const key = `rk_desk_${randomBytes(32).toString("base64url")}`;
let folder: string;
let service: RunningService;
let client: OPAClient;

(opa === undefined ? describe.skip : describe)("OPA's SDK for npm", () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "opa-sdk-"));
    const source = join(folder, "bundle.tar.gz");
    // The shipped files, so that they are known to work.
    const { bundle, dialects } = parse(readFileSync("examples/opa-sdk/remit.yaml", "utf8"));
    const entrypoints = readFileSync("examples/opa-sdk/README.md", "utf8").matchAll(/ -e ([a-z]+\/[a-z]+)/g);
    writeFileSync(
      source,
      buildOpaBundle(
        opa ?? "",
        "examples/opa-sdk/policy",
        [...entrypoints].map(([, name]) => name ?? ""),
      ),
    );
    const hashes = [createHash("sha256").update(key).digest("hex")];
    const auth = { peps: [{ id: "desk", dialects: ["opa"], api_keys_sha256: hashes }] };
    service = await startService({ config: { auth, bundle: { ...bundle, source }, dialects } });
    client = new OPAClient(service.url, { headers: { authorization: `Bearer ${key}` } });
  });

  afterAll(() => {
    service.kill("SIGKILL");
    cleanUp(service);
    rmSync(folder, { recursive: true, force: true });
  });

  test("evaluate: an allow, a deny, and what is undefined", async () => {
    expect(await client.evaluate("tickets/allow", { action: "read" })).toBe(true);
    expect(await client.evaluate("tickets/allow", { action: "resolve", user: { roles: [] } })).toBe(false);
    expect(await client.evaluate("tickets/decision", { action: "resolve", user: { roles: [] } })).toEqual({
      allow: false,
      reasons: ["only resolvers resolve"],
    });
    expect(await client.evaluate("tickets/allow")).toBe(false);
    expect(await client.evaluate("tickets/priority", {})).toBeUndefined();
    expect(await client.evaluate("tickets/nope", { action: "read" })).toBeUndefined();
  });

  test("evaluateDefault: the default decision", async () => {
    expect(await client.evaluateDefault({ action: "read" })).toEqual({ allow: true, reasons: [] });
    expect(await client.evaluateDefault({ action: "resolve" })).toMatchObject({ allow: false });
  });

  test("evaluateBatch: all at once, without the SDK's way around a server that cannot", async () => {
    const inputs = { read: { action: "read" }, no: { action: "resolve" }, yes: { action: "resolve", ...resolver } };
    expect(await client.evaluateBatch("tickets/allow", inputs)).toEqual({ read: true, no: false, yes: true });
  });

  test("an evaluation that fails is thrown, and fails alone in a batch", async () => {
    const both = { urgent: true, minor: true };
    await expect(client.evaluate("tickets/priority", both)).rejects.toMatchObject({ name: "ServerError", code: "internal_error" });
    const inputs = { good: { urgent: true }, bad: both };
    expect(await client.evaluateBatch("tickets/priority", inputs)).toMatchObject({ good: 1, bad: { code: "internal_error" } });
    await expect(client.evaluateBatch("tickets/priority", inputs, { rejectMixed: true })).rejects.toBeDefined();
    await expect(client.evaluateBatch("tickets/priority", { bad: both })).rejects.toMatchObject({ name: "BatchServerError" });
  });

  test("without the right key everything is thrown", async () => {
    for (const options of [{}, { headers: { authorization: "Bearer rk_desk_x" } }]) {
      const stranger = new OPAClient(service.url, options);
      await expect(stranger.evaluate("tickets/allow", { action: "read" })).rejects.toMatchObject({ name: "SDKError" });
      await expect(stranger.evaluateDefault({ action: "read" })).rejects.toBeDefined();
      await expect(stranger.evaluateBatch("tickets/allow", { a: { action: "read" } }, { fallback: true })).rejects.toBeDefined();
    }
  });

  test("the example says what its README says", async () => {
    const { stdout } = await runExample();
    expect(readFileSync("examples/opa-sdk/README.md", "utf8")).toContain(stdout);
  });

  test("a service that was killed allows nothing", async () => {
    service.kill("SIGKILL");
    await expect.poll(() => service.process.signalCode).toBe("SIGKILL");
    await expect(client.evaluate("tickets/allow", { action: "read" })).rejects.toBeDefined();
    await expect(client.evaluateDefault({ action: "read" })).rejects.toBeDefined();
    await expect(client.evaluateBatch("tickets/allow", { a: { action: "read" } }, { fallback: true })).rejects.toBeDefined();
    await expect(runExample()).rejects.toMatchObject({ stdout: "" });
  });
});

function runExample() {
  const args = ["--import", "tsx", "examples/opa-sdk/main.ts", service.url];
  return promisify(execFile)(process.execPath, args, { env: { PATH: process.env.PATH ?? "", REMIT_API_KEY: key } });
}
