/** Writes every generated page and schema; `--check` fails and names those that are stale. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { z } from "zod";
import { PolicyInput } from "../service/decide/policy-input-schema.ts";
import { createOpenApi } from "../service/http/openapi.ts";
import { builtinsPage } from "./pages/builtins.ts";
import { configurationPage } from "./pages/configuration.ts";
import { errorsPage } from "./pages/errors.ts";
import { metricsPage } from "./pages/metrics.ts";
import { policiesPage } from "./pages/policies.ts";
import { version } from "./pages/version.ts";

/** Path and content of each generated file. */
const generated: Readonly<Record<string, () => string>> = {
  "rego/schemas/input.json": () => json(z.toJSONSchema(PolicyInput, { target: "draft-7" })),
  "docs/openapi.json": () => json(createOpenApi(version)),
  "docs/builtins.md": builtinsPage,
  "docs/configuration.md": configurationPage,
  "docs/errors.md": errorsPage,
  "docs/policies.md": policiesPage,
  "docs/metrics.md": metricsPage,
};

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function main(check: boolean): void {
  const stale = Object.entries(generated).filter(([path, make]) => !existsSync(path) || readFileSync(path, "utf8") !== make());
  if (!check) for (const [path, make] of stale) writeFileSync(path, make());
  for (const [path] of stale) console.log(check ? `stale: ${path}; run \`make docs\`` : `wrote ${path}`);
  if (check && stale.length > 0) process.exitCode = 1;
}

main(process.argv.includes("--check"));
