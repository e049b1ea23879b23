import { describe, expect, it } from "vitest";
import { wheelProgram } from "../../scripts/tools/wheels.ts";
import { message, proxySuite, record, running, send } from "./proxy-suite.ts";

const program = wheelProgram("envoy");

describe.skipIf(program === undefined)("Envoy", () => {
  proxySuite(
    {
      name: "ext_authz over HTTP",
      example: () => ({
        folder: "envoy",
        files: ["envoy.yaml"],
        program: program ?? "",
        args: (home) => ["-c", `${home}/envoy.yaml`, "--use-dynamic-base-id", "--concurrency", "1", "-l", "error"],
      }),
      ...{ seesArguments: true, denied: 403, down: 503, saysWhy: true },
    },
    () => {
      it("lets no call pass of which Remit saw only the beginning", async () => {
        const before = running().reached.length;
        const { status, text } = await send("/mcp", { body: message("search_customers", { q: "x".repeat(100_000) }) });

        expect([status, JSON.parse(text).allow]).toEqual([403, false]);
        expect(running().reached.length).toBe(before);
      });

      it("judges a plain request by what is seen of it: cut off, its arguments are unknown", async () => {
        await send("/customers", { method: "PUT", body: JSON.stringify({ name: "Smith" }) });
        expect(await record("http.put")).toMatchObject({
          input: { call: { arguments_known: true, arguments: { body: { name: "Smith" } } } },
        });

        await send("/customers", { method: "PATCH", body: JSON.stringify({ name: "x".repeat(100_000) }) });
        expect(await record("http.patch")).toMatchObject({ input: { call: { arguments_known: false } } });
      });

      it("has no client say that all of a body was seen", async () => {
        await send("/customers", { method: "DELETE", headers: { "x-envoy-auth-partial-body": "false" } });
        expect(await record("http.delete")).toMatchObject({ input: { call: { arguments_known: false } } });
      });
    },
  );
});
