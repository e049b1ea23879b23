import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readValue } from "../../../../service/engine/value/read.ts";
import { RegoSet } from "../../../../service/engine/value/value.ts";
import { call, opaRows } from "../../../helpers/builtins.ts";
import { anyValue, callLimited, isSteady, OutOfFuel } from "../../../helpers/rego-values.ts";

const rows = opaRows("net");

/** The members of a set of texts. */
function members(text: string | null): readonly string[] {
  const value = readValue(text ?? "");
  if (!(value instanceof RegoSet)) throw new Error(`${text} is no set`);
  return value.items.map(String);
}

const ipv4Network = fc
  .tuple(fc.integer({ min: 0, max: 1023 }), fc.integer({ min: 22, max: 32 }))
  .map(([offset, prefix]) => `192.168.${offset >> 8}.${offset & 255}/${prefix}`);
const ipv6Network = fc
  .tuple(fc.integer({ min: 0, max: 0x3ff }), fc.integer({ min: 120, max: 128 }))
  .map(([offset, prefix]) => `::${offset.toString(16)}/${prefix}`);

describe("net builtins", () => {
  it("answer as OPA does", () => {
    expect(rows.length).toBeGreaterThan(1600);
    expect(rows.map(([name, args]) => [name, args, call(name, ...args)])).toEqual(rows);
  });

  it("return or fail for any arguments, and do so again", () => {
    const name = fc.constantFrom(
      ...["contains", "contains_matches", "expand", "intersects", "is_valid", "merge"].map((what) => `net.cidr_${what}`),
    );
    fc.assert(fc.property(name, fc.array(anyValue, { maxLength: 2 }), (builtin, args) => isSteady(builtin, ...args)));
  });

  it.each([
    ["IPv4", ipv4Network],
    ["IPv6", ipv6Network],
  ])("merge networks to fewer ones with the same addresses: %s", (_family, network) => {
    const expand = (cidr: string) => members(call("net.cidr_expand", JSON.stringify(cidr)));
    fc.assert(
      fc.property(fc.array(network, { minLength: 1, maxLength: 4 }), (networks) => {
        const merged = members(call("net.cidr_merge", JSON.stringify(networks)));
        expect(merged.length).toBeLessThanOrEqual(new Set(networks).size);
        const addresses = merged.flatMap(expand);
        expect(new Set(addresses).size).toBe(addresses.length);
        expect(new Set(addresses)).toEqual(new Set(networks.flatMap(expand)));
      }),
      { numRuns: 30 },
    );
  });

  it("match a network exactly when all of its addresses are in the other", () => {
    fc.assert(
      fc.property(ipv4Network, ipv4Network, (outer, inner) => {
        const [texts, matched] = [[outer, inner].map((text) => JSON.stringify(text)), [[outer, inner]]];
        const [within, all] = texts.map((text) => new Set(members(call("net.cidr_expand", text))));
        const inside = [...(all ?? [])].every((address) => within?.has(address));
        expect(call("net.cidr_contains_matches", ...texts)).toBe(inside ? `{${JSON.stringify(matched[0]).replace(",", ", ")}}` : "set()");
      }),
    );
  });

  it("expand no more addresses than an IPv4 /16 has, and have them paid", () => {
    expect(members(call("net.cidr_expand", '"10.9.0.0/16"'))).toHaveLength(65_536);
    for (const network of ["10.8.0.0/15", "0.0.0.0/0", "::/0", "2001:db8::/111"])
      expect(call("net.cidr_expand", JSON.stringify(network))).toBe("fails");
    expect(() => callLimited(1_000_000, "net.cidr_expand", '"10.9.0.0/16"')).toThrow(OutOfFuel);
  });

  it("look for pairs without comparing all, and have those that match paid", () => {
    const many = JSON.stringify(Array.from({ length: 5000 }, (_, index) => `10.${index >> 8}.${index & 255}.0/24`));
    expect(members(call("net.cidr_contains_matches", many, many))).toHaveLength(5000);
    const whole = JSON.stringify(Array(3000).fill("10.0.0.0/8"));
    expect(() => callLimited(50_000_000, "net.cidr_contains_matches", whole, many)).toThrow(OutOfFuel);
  });

  it("merge where OPA panics, and do not join what OPA keeps apart", () => {
    expect(call("net.cidr_merge", '["::2/128", "::3/128"]')).toBe('{"::2/127"}');
    expect(call("net.cidr_merge", '["64:ff9b::/97", "64:ff9b::8000:0/97"]')).toBe('{"64:ff9b::/96"}');
    expect(call("net.cidr_merge", '["::ffff:1.2.3.0/121", "::ffff:1.2.3.128/121"]')).toBe("fails");
  });

  it("read long texts and long lists in one go", () => {
    const long = "1".repeat(1_000_000);
    for (const text of [long, `${long}/8`, `1.2.3.4/${"0".repeat(1_000_000)}x`, ":".repeat(1_000_000), `${".1".repeat(500_000)}/8`])
      expect(call("net.cidr_is_valid", JSON.stringify(text))).toBe("false");
    const list = JSON.stringify(Array.from({ length: 20_000 }, (_, index) => `10.${index >> 8}.${index & 255}.0/24`));
    expect(members(call("net.cidr_merge", list))).toEqual(["10.0.0.0/10", "10.64.0.0/13", "10.72.0.0/14", "10.76.0.0/15", "10.78.0.0/19"]);
  });

  it("charge for merging", () => {
    expect(() => callLimited(1000, "net.cidr_merge", '["10.0.0.0/8", "11.0.0.0/8", "12.0.0.0/8"]')).toThrow(OutOfFuel);
  });
});
