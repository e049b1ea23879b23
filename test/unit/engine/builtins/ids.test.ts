import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { builtins } from "../../../../service/engine/builtins/index.ts";
import { readValue } from "../../../../service/engine/value/read.ts";
import { call, opaRows, testContext } from "../../../helpers/builtins.ts";
import { anyValue, isSteady } from "../../../helpers/rego-values.ts";

const rows = opaRows("ids");

function random(context: ReturnType<typeof testContext>, key: string): unknown {
  return builtins.get("uuid.rfc4122")?.([readValue(key)], context);
}

describe("uuid.parse", () => {
  it("answers as OPA does", () => {
    expect(rows.length).toBeGreaterThan(200);
    expect(rows.map(([name, args]) => [name, args, call(name, ...args)])).toEqual(rows);
  });

  it("returns or fails for any argument, and does so again", () => {
    fc.assert(fc.property(anyValue, (text) => isSteady("uuid.parse", text)));
  });

  it("counts bytes, not characters, and looks at no long text", () => {
    const id = "3cb97e2e-92e8-41ed-8fc9-3fdb0085247e";
    expect(call("uuid.parse", `"\udc80${id}\udcff"`)).toBe('{"variant": "RFC4122", "version": 4}');
    expect(call("uuid.parse", JSON.stringify(id.repeat(30_000)))).toBeNull();
  });
});

describe("uuid.rfc4122", () => {
  it("is random, of version 4, and the same for equal keys in one evaluation", () => {
    fc.assert(
      fc.property(anyValue, (key) => {
        const context = testContext();
        const first = random(context, key);
        expect(first).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
        expect(random(context, key)).toBe(first);
        expect(random(testContext(), key)).not.toBe(first);
      }),
    );
  });

  it("differs by key, and is paid", () => {
    const context = testContext();
    expect(random(context, '"a"')).not.toBe(random(context, '"b"'));
    expect(random(context, "1")).toBe(random(context, "1.0"));
    expect(context.spent).toBeGreaterThan(0);
  });
});
