import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BuiltinError } from "../../../../service/engine/builtins/builtin.ts";
import { builtins } from "../../../../service/engine/builtins/index.ts";
import { readValue } from "../../../../service/engine/value/read.ts";
import { call, opaRows, testContext } from "../../../helpers/builtins.ts";
import { anyValue, callLimited, isSteady, OutOfFuel } from "../../../helpers/rego-values.ts";

const rows = opaRows("aws");
const name = "providers.aws.sign_req";
const secret = "the-secret-key";
const config = { aws_service: "s3", aws_access_key: "ID", aws_secret_access_key: secret, aws_region: "eu-west-1" };
const request = { method: "GET", url: "https://example.com/a" };
const configText = JSON.stringify(config);

describe(name, () => {
  it("answers as OPA does", () => {
    expect(rows.length).toBeGreaterThan(200);
    expect(rows.map(([builtin, args]) => [builtin, args, call(builtin, ...args)])).toEqual(rows);
  });

  it("returns or fails for any arguments, and does so again", () => {
    const text = <T>(known: T) => fc.oneof(anyValue, fc.constant(JSON.stringify(known)));
    fc.assert(fc.property(text(request), text(config), text(1), (...args) => isSteady(name, ...args)));
  });

  it("keeps the secret out of requests and errors", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...Object.keys(request), "body", "headers", "x"), anyValue), (parts) => {
        const members = Object.entries(parts).map(([key, value]) => `"${key}": ${value}`);
        try {
          const result = builtins.get(name)?.([`{${members.join(", ")}}`, configText, "0"].map(readValue), testContext());
          expect(JSON.stringify(result)).not.toContain(secret);
        } catch (error) {
          expect(error).toBeInstanceOf(BuiltinError);
          expect(String(error)).not.toContain(secret);
        }
      }),
    );
  });

  it("signs any URL that it can read, and nothing but the time decides", () => {
    fc.assert(
      fc.property(fc.webUrl({ withQueryParameters: true }), fc.integer({ min: 0 }), (url, ns) => {
        const text = JSON.stringify({ ...request, url });
        const signed = call(name, text, configText, String(ns)) ?? "";
        expect(signed).toMatch(/Signature=[0-9a-f]{64}"/);
        expect(call(name, text, configText, String(ns + 1_000_000_000))).not.toBe(signed);
      }),
    );
  });

  it("has the hash of a long body paid", () => {
    const long = JSON.stringify({ ...request, raw_body: "x".repeat(1_000_000) });
    expect(() => callLimited(100_000, name, long, configText, "0")).toThrow(OutOfFuel);
  });
});
