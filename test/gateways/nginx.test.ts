import { describe, expect, it } from "vitest";
import { ensureDebian } from "../../scripts/debian.ts";
import { message, proxySuite, running, send } from "./proxy-suite.ts";

const hasNginx = ensureDebian(["nginx-light"]);

describe.skipIf(!hasNginx)("nginx", () => {
  proxySuite(
    {
      name: "auth_request",
      example: () => ({
        folder: "nginx",
        files: ["nginx.conf"],
        program: "/usr/sbin/nginx",
        args: (home) => ["-p", `${home}/var`, "-c", `${home}/nginx.conf`],
      }),
      ...{ seesArguments: false, denied: 403, down: 500, saysWhy: false },
    },
    () => {
      it("lets no call pass of which nothing but the body says what it is", async () => {
        const before = running().reached.length;
        expect((await send("/mcp", { body: message("search_customers", { q: "smith" }) })).status).toBe(403);
        expect(running().reached.length).toBe(before);
      });
    },
  );
});
