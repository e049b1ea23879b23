import { readFileSync } from "node:fs";

/** Version of the service, from package.json, which lies one folder up from both `service/` and `dist/`. */
export const version: string = readVersion();

function readVersion(): string {
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
