/** Writes `rego/schemas/input.json` from the zod schema of `input`; `--check` fails when it is stale. */
import { readFileSync, writeFileSync } from "node:fs";
import { z } from "zod";
import { PolicyInput } from "../service/decide/policy-input.ts";

const path = new URL("../rego/schemas/input.json", import.meta.url);
const text = `${JSON.stringify(z.toJSONSchema(PolicyInput, { target: "draft-7" }), null, 2)}\n`;

if (process.argv.includes("--check")) {
  if (readFileSync(path, "utf8") !== text) {
    console.error("rego/schemas/input.json is stale: run `make docs`");
    process.exitCode = 1;
  }
} else {
  writeFileSync(path, text);
}
