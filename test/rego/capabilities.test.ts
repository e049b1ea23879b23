import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { buildBundle } from "../../scripts/bundle/build.ts";
import { readSources } from "../../scripts/bundle/sources.ts";
import { toolPath } from "../../scripts/tools/find.ts";
import { builtins, refusedBuiltins } from "../../service/engine/builtins/index.ts";
import { natives } from "../../service/engine/wasm-natives.ts";

const { builtins: declared } = JSON.parse(readFileSync("rego/capabilities.json", "utf8")) as { builtins: readonly { name: string }[] };
const names = new Set(declared.map(({ name }) => name));

const opa = await toolPath("opa");
if (opa === undefined) console.error("SKIPPED: 2 tests compile policies and need OPA");

/** The default sources with one more policy. */
const sourcesWith = (rego: string) => new Map([...readSources(), ["remit/extra/extra.rego", Buffer.from(rego)]]);

describe("rego/capabilities.json", () => {
  it("has every builtin of the host and of the module, and none that is refused", () => {
    expect([...builtins.keys()].filter((name) => !names.has(name))).toEqual([]);
    expect(natives.map(({ builtin }) => builtin).filter((name) => !names.has(name))).toEqual([]);
    expect(Object.keys(refusedBuiltins).filter((name) => names.has(name))).toEqual([]);
  });

  it.skipIf(opa === undefined)("makes an unsupported builtin a compile error with its line", async () => {
    const rego = "package remit.extra\n\nfetched := http.send({}).body\n";

    await expect(buildBundle(opa ?? "", sourcesWith(rego))).rejects.toThrow(
      /extra\.rego:3: rego_type_error: undefined function http\.send/,
    );
  });

  it.skipIf(opa === undefined)("lets a policy call what the engine gives", async () => {
    const rego = 'package remit.extra\n\ntext := sprintf("%d", [time.now_ns()])\n';

    expect((await buildBundle(opa ?? "", sourcesWith(rego))).description.members).toHaveProperty("policy.wasm");
  });
});
