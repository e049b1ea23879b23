import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { tokenReasons } from "../../../service/identity/token-reasons.ts";

it("the page on identity lists every reason with its meaning", () => {
  const page = readFileSync(new URL("../../../docs/how-to/configure-identity.md", import.meta.url), "utf8");
  const rows = [...page.matchAll(/^\| `(token_\w+)` \| (.+) \|$/gm)].map(([, reason, meaning]) => [reason, meaning]);

  expect(Object.fromEntries(rows)).toEqual(tokenReasons);
});
