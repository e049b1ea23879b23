import { describe } from "vitest";
import { wheelProgram } from "../../scripts/tools/wheels.ts";
import { proxySuite } from "./proxy-suite.ts";

const program = wheelProgram("caddy");

describe.skipIf(program === undefined)("Caddy", () => {
  proxySuite(
    {
      name: "forward_auth",
      example: () => ({
        folder: "caddy",
        files: ["Caddyfile"],
        program: program ?? "",
        args: (home) => ["run", "--config", `${home}/Caddyfile`, "--adapter", "caddyfile"],
      }),
      ...{ seesArguments: false, denied: 403, down: 502, saysWhy: true },
    },
    () => undefined,
  );
});
