import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ProxyExample, type RunningProxy, startProxy } from "../helpers/proxies.ts";

interface Expected {
  readonly name: string;
  readonly example: () => ProxyExample;
  /** Whether Remit sees the arguments of a call. */
  readonly seesArguments: boolean;
  /** Status of a deny, and of a request while Remit is down. */
  readonly denied: number;
  readonly down: number;
  /** Whether the client gets what Remit says of a deny. */
  readonly saysWhy: boolean;
}

let proxy: RunningProxy;
/** The proxy that runs, for tests of its own. */
export const running = (): RunningProxy => proxy;

/** Headers of MCP 2026-07-28, which also proxies that keep the body to themselves hand on. */
export const mcpHeaders = (name: string) => ({ "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": name });

export async function send(
  path: string,
  { method = "POST", headers = {}, body }: { method?: string; headers?: object; body?: string } = {},
) {
  const init = { method, headers: { "content-type": "application/json", ...headers }, ...(body === undefined ? {} : { body }) };
  const response = await fetch(`${proxy.url}${path}`, { ...init, redirect: "manual" });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

export const message = (name: string, args: object) =>
  JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name, arguments: args } });

export const callTool = (name: string, args: object, headers: object = mcpHeaders(name)) =>
  send("/mcp", { headers, body: message(name, args) });

export async function record(tool: string): Promise<Record<string, unknown>> {
  const find = () => proxy.remit.records().findLast((line) => (line.call as { tool?: string } | undefined)?.tool === tool);
  await expect.poll(find, { timeout: 10_000 }).toBeDefined();
  return find() ?? {};
}

/** What holds through every proxy: one call is allowed and one is not, Remit sees what it should, and without Remit nothing passes. */
export function proxySuite({ name, example, seesArguments, denied, down, saysWhy }: Expected, own: () => void): void {
  describe(name, () => {
    beforeAll(async () => {
      proxy = await startProxy(example());
    }, 60_000);
    afterAll(() => proxy?.stop());

    it("lets an allowed call pass, with the id of the decision", async () => {
      const { status, text } = await callTool("get_customer", { id: "c-17" });
      expect(status, text).toBe(200);

      const called = JSON.parse(JSON.parse(text).result.content[0].text);
      expect(called).toMatchObject({
        tool: "get_customer",
        arguments: { id: "c-17" },
        decision: expect.stringMatching(/^[0-9a-f-]{36}$/),
      });
      const seen = seesArguments ? { arguments: { id: "c-17" }, arguments_known: true } : { arguments: {}, arguments_known: false };
      expect(await record("get_customer")).toMatchObject({
        decision_id: called.decision,
        call: { server: "crm", subject: "emma", agent: "support-bot" },
        input: { call: { method: "tools/call", ...seen }, subject: { roles: ["support"] }, request: { path: "/mcp" } },
      });
    });

    it("has a call judged by its arguments, or denied where they are unknown and count", async () => {
      const { status } = await callTool("search_customers", { q: "smith" });
      expect(status).toBe(seesArguments ? 200 : denied);
      const reasons = seesArguments ? [] : [expect.objectContaining({ code: "arguments_unknown" })];
      expect(await record("search_customers")).toMatchObject({
        result: { allow: seesArguments, reasons: expect.arrayContaining(reasons) },
      });
    });

    it("stops a denied call before it reaches the server", async () => {
      const before = proxy.reached.length;
      const { status, text } = await callTool("delete_customer", { id: "c-17" });

      expect(status).toBe(denied);
      expect(proxy.reached.length).toBe(before);
      if (saysWhy)
        expect(JSON.parse(text)).toMatchObject({
          error: { data: { reasons: expect.arrayContaining([expect.objectContaining({ code: "role_not_permitted" })]) } },
        });
      expect(await record("delete_customer")).toMatchObject({ result: { allow: false } });
    });

    it("believes no client that says who it is", async () => {
      const headers = { "x-remit-roles": "admin", "x-remit-subject": "root", "x-remit-server": "other" };
      await callTool("get_customer", { q: "jones" }, { ...mcpHeaders("get_customer"), ...headers });

      expect(await record("get_customer")).toMatchObject({
        call: { server: "crm", subject: "emma" },
        input: { subject: { roles: ["support"] } },
      });
    });

    it("believes no client that says what it asks for", async () => {
      const before = proxy.reached.length;
      const spoofs = ["x-forwarded-method", "x-original-method"].map((header) => [header, "GET"]);
      const targets = ["x-forwarded-uri", "x-original-uri", "x-original-url"].map((header) => [header, "/mcp"]);
      const { status } = await send("/customers/17?force=1", { method: "DELETE", headers: Object.fromEntries([...spoofs, ...targets]) });

      expect(status).toBe(denied);
      expect(proxy.reached.length).toBe(before);
      expect(await record("http.delete")).toMatchObject({ input: { call: { arguments: { path: "/customers/17", query: "force=1" } } } });
    });

    it("lets the handshake and listings pass", async () => {
      for (const method of ["initialize", "tools/list"]) {
        const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method });
        const { status } = await send("/mcp", { headers: { "mcp-protocol-version": "2026-07-28", "mcp-method": method }, body });
        expect(status).toBe(200);
      }
    });

    it("lets no request pass in which headers and body differ", async () => {
      const { status } = await callTool("delete_customer", { id: "c-17" }, mcpHeaders("get_customer"));
      // By Remit, or where it sees no body by the server, which must compare them.
      expect(status).toBe(seesArguments ? denied : 400);
    });

    own();

    // Last: it ends Remit.
    it("lets nothing pass without Remit", async () => {
      await proxy.killRemit();
      const before = proxy.reached.length;

      expect((await callTool("get_customer", { id: "c-17" })).status).toBe(down);
      expect((await send("/", { method: "GET" })).status).toBe(down);
      expect(proxy.reached.length).toBe(before);
    });
  });
}
