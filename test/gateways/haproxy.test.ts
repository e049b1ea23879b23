import { describe, expect, it } from "vitest";
import { ensureDebian } from "../../scripts/debian.ts";
import { message, proxySuite, running, send } from "./proxy-suite.ts";

const hasHaproxy = ensureDebian(["haproxy"]);

describe.skipIf(!hasHaproxy)("HAProxy", () => {
  proxySuite(
    {
      name: "http-request lua",
      example: () => ({
        folder: "haproxy",
        files: ["haproxy.cfg", "remit.lua"],
        program: "/usr/sbin/haproxy",
        args: (home) => ["-f", `${home}/haproxy.cfg`],
      }),
      ...{ seesArguments: true, denied: 403, down: 503, saysWhy: true },
    },
    () => {
      it("lets no call pass that does not fit into its buffer", async () => {
        const before = running().reached.length;
        expect((await send("/mcp", { body: message("search_customers", { q: "x".repeat(100_000) }) })).status).toBe(403);
        expect(running().reached.length).toBe(before);
      });
    },
  );
});
