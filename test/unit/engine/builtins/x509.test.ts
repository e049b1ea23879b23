import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BuiltinError } from "../../../../service/engine/builtins/builtin.ts";
import { x509 } from "../../../../service/engine/builtins/x509.ts";
import { readValue } from "../../../../service/engine/value/read.ts";
import { wireText } from "../../../../service/engine/value/write.ts";
import { call, opaRows, testContext } from "../../../helpers/builtins.ts";
import { authority, bundle, certificate, dnsNames, party } from "../../../helpers/certificates.ts";

const families = [
  ["x509-certificates", 180],
  ["x509-names", 100],
  ["x509-extensions", 130],
  ["x509-keys", 350],
  ["x509-requests", 170],
  ["x509-verify", 110],
  ["x509-constraints", 120],
] as const;
const verify = "crypto.x509.parse_and_verify_certificates";
const invalid = "[false, []]";

describe("X.509", () => {
  it.each(families)("is read and verified as OPA does it: %s", (family, least) => {
    const rows = opaRows(family);
    expect(rows.length).toBeGreaterThan(least);
    for (const [name, args, answer] of rows) expect([name, args, call(name, ...args)]).toEqual([name, args, answer]);
  });
});

describe("a chain", () => {
  const [root, middle, leaf] = [party("root"), party("middle"), party("leaf")];
  const rootCertificate = certificate(root, root, { extensions: [authority] });
  const middleCertificate = certificate(middle, root, { extensions: [authority] });
  const leafCertificate = certificate(leaf, middle, { extensions: [dnsNames("www.example.com")] });
  const good = bundle(rootCertificate, middleCertificate, leafCertificate);

  it("is good when every signature is", () => {
    expect(call(verify, good)).toMatch(/^\[true, /);
  });

  it("is held against the clock of the evaluation", () => {
    const at = (nowNs: bigint) => wireText(x509[verify]?.([readValue(good)], { ...testContext(), nowNs }) ?? null);
    const [first, last] = [1_735_689_600_000_000_000n, 2_524_607_999_000_000_000n];
    expect([first, last].map((ns) => at(ns).slice(0, 6))).toEqual(["[true,", "[true,"]);
    expect([first - 1n, last + 1n].map(at)).toEqual([invalid, invalid]);
  });

  it("is never good when a byte below the root was changed", () => {
    const below = Buffer.concat([middleCertificate, leafCertificate]);
    fc.assert(
      fc.property(fc.nat(below.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const bytes = Buffer.from(below);
        bytes[at] = (bytes[at] ?? 0) ^ change;
        return call(verify, bundle(rootCertificate, bytes)) === invalid;
      }),
      { numRuns: 400 },
    );
  });

  it("is not good for another host, another root or in another order", () => {
    const options = (text: string) => call(`${verify}_with_options`, good, text);
    expect(options('{"DNSName": "www.example.com"}')).toMatch(/^\[true, /);
    expect(options('{"DNSName": "example.com"}')).toBe(invalid);
    expect(
      call(verify, bundle(certificate(root, root, { extensions: [authority], info: leaf.info }), middleCertificate, leafCertificate)),
    ).toBe(invalid);
    expect(call(verify, bundle(rootCertificate, leafCertificate, middleCertificate))).toMatch(/^\[true, /);
    expect(call(verify, bundle(middleCertificate, rootCertificate, leafCertificate))).toMatch(/^\[true, /);
    expect(call(verify, bundle(leafCertificate, middleCertificate, rootCertificate))).toBe(invalid);
  });
});

describe("whatever is given", () => {
  const names = Object.keys(x509);
  /** What a builtin gives or that it fails; any other exception is thrown on. */
  const outcome = (name: string, texts: readonly string[]) => {
    const context = testContext();
    try {
      const result = x509[name]?.(texts.map(readValue), context);
      return result === undefined ? "undefined" : wireText(result);
    } catch (error) {
      if (!(error instanceof BuiltinError)) throw error;
      expect(error.message).toMatch(/^[a-zA-Z]/);
      return "fails";
    }
  };
  const scalars = ["null", "true", "1", "1.5", "-1e9", '""', '"x"', '"AAAA"', "[]", '["a"]', "{}", '{"a": 1}', "set()", '{"DNSName"}'];
  const stored = families.flatMap(([family]) => opaRows(family)).filter(([, args]) => (args[0]?.length ?? 0) < 4000);

  it("there is an answer or a failure, and always the same", () => {
    const text = fc.oneof(
      fc.constantFrom(...scalars),
      fc.string().map((raw) => JSON.stringify(raw.toWellFormed())),
    );
    fc.assert(
      fc.property(fc.constantFrom(...names), text, text, (name, first, second) => {
        expect(outcome(name, [first, second])).toBe(outcome(name, [first, second]));
      }),
      { numRuns: 500 },
    );
  });

  it("DER that was damaged is read or refused", () => {
    const change = fc.record({ at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }), cut: fc.boolean() });
    fc.assert(
      fc.property(
        fc.constantFrom(...stored),
        fc.array(change, { minLength: 1, maxLength: 3 }),
        ([name, [first = '""', ...others]], changes) => {
          let bytes = Buffer.from((/[A-Za-z0-9+/]{40,}=*/.exec(first)?.[0] ?? "").toString(), "base64");
          for (const { at, byte, cut } of changes) {
            const place = at % Math.max(bytes.length, 1);
            bytes = Buffer.concat([bytes.subarray(0, place), Buffer.of(byte), bytes.subarray(place + (cut ? 2 : 1))]);
          }
          const damaged = JSON.stringify(bytes.toString("base64"));
          expect(outcome(name, [damaged, ...others])).toBe(outcome(name, [damaged, ...others]));
        },
      ),
      { numRuns: 1500 },
    );
  });

  it("PEM that was damaged is read or refused", () => {
    const token = fc.constantFrom("-----BEGIN ", "-----END ", "PRIVATE KEY", "-----", "\n", "\r\n", " ", ":", "MC4CAQA=", "x", "\u00e9");
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.array(token, { maxLength: 20 }), (name, tokens) => {
        const text = JSON.stringify(tokens.join(""));
        expect(outcome(name, [text, text])).toBe(outcome(name, [text, text]));
      }),
      { numRuns: 500 },
    );
  });
});
