import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { tenantKey } from "../../../service/sessions/tenant-key.ts";

describe("tenantKey", () => {
  it.each([
    ["default", "t.default"],
    ["Acme_1.eu-west", "t.Acme_1.eu-west"],
    ["", "t."],
    ["a}", "t.a%007d"],
    ["a/b:c", "t.a%002fb%003ac"],
    ["%", "t.%0025"],
    ["ü", "t.%00fc"],
    ["😀", "t.%d83d%de00"],
  ])("names tenant `%s` %s", (tenant, key) => {
    expect(tenantKey(tenant)).toBe(key);
  });

  /** Any UTF-16 units, halves of characters among them. */
  const units = fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 6 }).map((codes) => String.fromCharCode(...codes));

  it("can be read back, so that no two tenants share a key", () => {
    fc.assert(
      fc.property(fc.oneof(units, fc.string()), (tenant) => {
        const key = tenantKey(tenant);
        expect(key).toMatch(/^t\.[A-Za-z0-9._%-]*$/);
        const back = key.slice(2).replace(/%([0-9a-f]{4})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
        expect(back).toBe(tenant);
      }),
      { numRuns: 3_000 },
    );
  });
});
