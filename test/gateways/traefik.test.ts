import { describe, expect, it } from "vitest";
import { wheelProgram } from "../../scripts/tools/wheels.ts";
import { message, proxySuite, running, send } from "./proxy-suite.ts";

const program = wheelProgram("traefik");

describe.skipIf(program === undefined)("Traefik", () => {
  proxySuite(
    {
      name: "ForwardAuth",
      example: () => ({
        folder: "traefik",
        files: ["traefik.yaml", "dynamic.yaml"],
        program: program ?? "",
        args: (home) => [`--configFile=${home}/traefik.yaml`],
      }),
      ...{ seesArguments: true, denied: 403, down: 500, saysWhy: true },
    },
    () => {
      it("lets no call pass that is larger than it hands on", async () => {
        const before = running().reached.length;
        expect((await send("/mcp", { body: message("search_customers", { q: "x".repeat(100_000) }) })).status).toBe(401);
        expect(running().reached.length).toBe(before);
      });
    },
  );
});
