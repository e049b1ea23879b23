import { describe, expect, it } from "vitest";
import { readBundle } from "../../../service/engine/bundle.ts";
import { passGate } from "../../../service/engine/load-gate.ts";
import { hazardBundle, hazardInput } from "./hazard.ts";

const gate = { name: "hazard", fuelMax: 5_000_000, memoryPagesMax: 1024, entrypoints: ["remit/decision"] };

/** A hazard bundle whose manifest says what a failing builtin makes of a decision. */
function bundleWith(builtinErrors: unknown) {
  const files = hazardBundle();
  const manifest = JSON.parse(String(files[".manifest"])) as { metadata: { remit: Record<string, unknown> } };
  if (builtinErrors !== undefined) manifest.metadata.remit.builtin_errors = builtinErrors;
  files[".manifest"] = JSON.stringify(manifest);
  return readBundle(new Map(Object.entries(files).map(([name, content]) => [name, Buffer.from(content)])));
}

/** What comes of a call in which a builtin fails: the rule around it is undefined, and so is the whole decision, unless it was denied before. */
async function codeOf(builtinErrors: unknown, args: object): Promise<string> {
  const policy = await passGate(bundleWith(builtinErrors), gate, 0);
  const evaluation = policy.evaluate("remit/decision", hazardInput("good", args), 0);
  return evaluation.ok ? "ok" : evaluation.error.code;
}

describe.each([
  ["of the host", { time: "yesterday" }],
  ["of the module", { number: "one" }],
])("a builtin %s that fails", (_where, args) => {
  it("denies the decision", async () => {
    expect(await codeOf(undefined, args)).toBe("policy_error");
    expect(await codeOf("deny", args)).toBe("policy_error");
  });

  it("is undefined, and no more, for a bundle whose manifest says so", async () => {
    expect(await codeOf("undefined", args)).toBe("policy_undefined");
  });
});

it.each(["ignore", true, null, ""])("`builtin_errors` cannot be %j", (value) => {
  expect(() => bundleWith(value)).toThrow(/`\.manifest` is wrong/);
});
