import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { toolPath } from "../../scripts/tools/find.ts";
import { wheelProgram } from "../../scripts/tools/wheels.ts";
import { type RunningProxy, startProxy } from "../helpers/proxies.ts";

const [envoy, opa] = [wheelProgram("envoy"), await toolPath("opa")];
if (opa === undefined) console.error("SKIPPED: policies of opa-envoy-plugin behind Envoy need OPA to be compiled");
const home = mkdtempSync(join(tmpdir(), "remit-envoy-rego-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

/** Envoy before Remit with a policy that was written for opa-envoy-plugin, as it is. */
function start(policy: string): Promise<RunningProxy> {
  const bundle = join(home, `${policy}.tar.gz`);
  const args = ["build", "-t", "wasm", "-e", "envoy/authz/allow", "-o", bundle, `test/fixtures/envoy/${policy}.rego`];
  const built = spawnSync(opa ?? "", args, { encoding: "utf8" });
  if (built.status !== 0) throw new Error(`${built.stdout}${built.stderr}`);
  return startProxy({
    folder: "envoy",
    files: ["envoy.yaml"],
    program: envoy ?? "",
    args: (folder) => ["-c", `${folder}/envoy.yaml`, "--use-dynamic-base-id", "--concurrency", "1", "-l", "error"],
    // Which headers a policy's may be is the proxy's to say.
    edit: (text) => text.replace("patterns: [{ exact: x-remit-decision-id }]", "patterns: [{ prefix: x- }]"),
    config: { bundle: { source: bundle, entrypoints: ["envoy/authz/allow"] } },
  });
}

describe.skipIf(envoy === undefined || opa === undefined)("a policy of opa-envoy-plugin behind Envoy", () => {
  describe("that reads a token", () => {
    let proxy: RunningProxy;
    beforeAll(async () => {
      proxy = await start("jwt");
    }, 60_000);
    afterAll(() => proxy?.stop());

    const token = (role: string, more: object = {}, secret = "a-secret-of-the-tests-and-of-nothing-else") => {
      const nowS = Math.floor(Date.now() / 1000);
      const claims = { role, sub: Buffer.from("alice").toString("base64url"), nbf: nowS - 60, exp: nowS + 600, ...more };
      return new SignJWT(claims).setProtectedHeader({ alg: "HS256", typ: "JWT" }).sign(new TextEncoder().encode(secret));
    };
    const ask = async (method: string, path: string, authorization: string, body?: object) => {
      const headers = { authorization, "content-type": "application/json" };
      return (await fetch(`${proxy.url}${path}`, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }))
        .status;
    };

    it("allows and denies as it does in the plugin", async () => {
      const [guest, admin] = [`Bearer ${await token("guest")}`, `Bearer ${await token("admin")}`];
      const bob = { firstname: "Bob" };

      expect(await ask("GET", "/people", guest)).toBe(200);
      expect(await ask("POST", "/people", guest, bob)).toBe(403);
      expect(await ask("POST", "/people", admin, bob)).toBe(200);
      expect(await ask("POST", "/people", admin, { firstname: "Alice" })).toBe(403);
      expect(await ask("GET", "/other", admin)).toBe(403);
      expect(proxy.reached.map(({ method, path }) => `${method} ${path}`)).toEqual(["GET /people", "POST /people"]);
    });

    it.each<[string, () => Promise<string>]>([
      ["no token", async () => ""],
      ["another scheme", async () => "Basic YWxpY2U6cGFzc3dvcmQ="],
      ["a token that is none", async () => "Bearer x.y"],
      ["another secret", async () => `Bearer ${await token("admin", {}, "another-secret-of-the-tests-and-of-nothing")}`],
      ["an expired token", async () => `Bearer ${await token("admin", { exp: 1 })}`],
    ])("denies %s", async (_name, authorization) => {
      expect(await ask("GET", "/people", await authorization())).toBe(403);
    });

    it("denies when only the beginning of the body was seen", async () => {
      const admin = `Bearer ${await token("admin")}`;
      expect(await ask("POST", "/people", admin, { firstname: "Bob", note: "x".repeat(100_000) })).toBe(403);
    });

    it("is recorded", async () => {
      const find = () => proxy.remit.records().find((line) => line.path === "envoy/authz/allow" && line.result === true);
      await expect.poll(find, { timeout: 10_000 }).toMatchObject({ dialect: "check", input: { parsed_path: ["people"] } });
      expect(JSON.stringify(find())).not.toContain("eyJ");
    });
  });

  describe("that answers with an object", () => {
    let proxy: RunningProxy;
    beforeAll(async () => {
      proxy = await start("objects");
    }, 60_000);
    afterAll(() => proxy?.stop());

    it("has headers set and removed on an allow", async () => {
      const { status } = await fetch(`${proxy.url}/people/smith`, { headers: { "x-secret": "s", "x-ext-auth-allow": "of the client" } });

      expect(status).toBe(200);
      expect(proxy.reached.at(-1)?.headers).toMatchObject({ "x-ext-auth-allow": "yes", "x-person": "smith" });
      expect(proxy.reached.at(-1)?.headers).not.toHaveProperty("x-secret");
    });

    it("reads the query", async () => {
      expect((await fetch(`${proxy.url}/search?q=jones&q=smith`)).status).toBe(200);
      expect(proxy.reached.at(-1)?.headers).toMatchObject({ "x-many": "a, b" });
      expect((await fetch(`${proxy.url}/search?q=jones`)).status).toBe(418);
    });

    it("has its status, headers and body told on a deny", async () => {
      const response = await fetch(`${proxy.url}/people/smith`, { method: "DELETE" });

      expect([response.status, response.headers.get("x-ext-auth-allow"), await response.text()]).toEqual([
        418,
        "no",
        "Unauthorized Request",
      ]);
    });

    it("is a no when it says nothing that the plugin understands", async () => {
      expect((await fetch(`${proxy.url}/nonsense?say=true`)).status).toBe(403);
    });
  });
});
