import { createHmac, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { BuiltinContext } from "../../../../service/engine/builtins/builtin.ts";
import { jwt } from "../../../../service/engine/builtins/jwt.ts";
import { readValue } from "../../../../service/engine/value/read.ts";
import { fromJson, type Value } from "../../../../service/engine/value/value.ts";
import { wireText } from "../../../../service/engine/value/write.ts";
import { call, testContext } from "../../../helpers/builtins.ts";

const segment = (value: unknown) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
const token = (header: unknown, payload: unknown, make: (input: string) => Buffer) => {
  const input = `${segment(header)}.${segment(payload)}`;
  return `${input}.${make(input).toString("base64url")}`;
};
const mac = (secret: string) => (input: string) => createHmac("sha256", secret).update(input).digest();
const run = (name: string, args: readonly unknown[], context: BuiltinContext = testContext()) => {
  const result = jwt[name]?.(args.map(fromJson), context);
  return result === undefined ? undefined : wireText(result);
};
const spent = (name: string, args: readonly unknown[]) => {
  const context = testContext();
  run(name, args, context);
  return context.spent;
};
const octet = { kty: "oct", k: segment("secret") };
const jwkOf = (key: KeyObject, extra: object = {}) => ({ ...key.export({ format: "jwk" }), ...extra });

/** A context that has only so much fuel. */
function poor(fuel: number): BuiltinContext {
  let left = fuel;
  return {
    ...testContext(),
    spend(units) {
      left -= units;
      if (left < 0) throw new Error("no fuel is left");
    },
  };
}

describe("work", () => {
  const keys = (count: number) => JSON.stringify({ id: Math.random(), keys: Array(count).fill(publicJwk) });
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const publicJwk = jwkOf(publicKey, { alg: "ES256" });
  const stranger = token({ alg: "ES256" }, {}, () => Buffer.alloc(64, 1));

  it("is paid by key", () => {
    const [one, many] = [spent("io.jwt.verify_es256", [stranger, keys(1)]), spent("io.jwt.verify_es256", [stranger, keys(20)])];

    expect(many).toBeGreaterThan(15 * one);
  });

  it("is paid only once for keys that are known", () => {
    const set = keys(10);
    const [first, second] = [spent("io.jwt.verify_es256", [stranger, set]), spent("io.jwt.verify_es256", [stranger, set])];

    expect(second).toBeLessThan(first / 2);
    expect(second).toBeGreaterThan(10 * 5_000);
  });

  it.each([
    ["io.jwt.verify_es256", [stranger, keys(200)]],
    ["io.jwt.decode_verify", [stranger, { cert: keys(200) }]],
    ["io.jwt.encode_sign", [{ alg: "ES256" }, {}, { keys: Array(200).fill(jwkOf(privateKey)) }]],
  ])("stops when the fuel is used up: %s", (name, args) => {
    expect(() => run(name, args, poor(200_000))).toThrow("no fuel is left");
  });

  it("grows with the length of what is signed and read", () => {
    const long = token({ alg: "HS256" }, { a: "x".repeat(1_000_000) }, mac("secret"));

    expect(spent("io.jwt.verify_hs256", [long, "secret"])).toBeGreaterThan(100_000);
    expect(spent("io.jwt.decode", [long])).toBeGreaterThan(1_000_000);
  });

  it("of a private key grows with its size", () => {
    const price = (modulusLength: number) =>
      spent("io.jwt.encode_sign", [{ alg: "RS256" }, {}, jwkOf(generateKeyPairSync("rsa", { modulusLength }).privateKey)]);

    expect(price(2048)).toBeGreaterThan(2 * price(1024));
  });
});

describe("hostile text is read in one go", () => {
  const long = 400_000;
  const known = token({ alg: "HS256" }, {}, mac("secret"));
  const json = (text: string) => `${segment("{}")}.${Buffer.from(text).toString("base64url")}.`;

  it.each<readonly [string, string, readonly unknown[], boolean]>([
    ["periods", "io.jwt.decode", [".".repeat(long)], true],
    ["nested arrays", "io.jwt.decode", [json(`{"a":${"[".repeat(long)}`)], true],
    ["nested objects", "io.jwt.decode", [json('{"a":'.repeat(long))], true],
    ["arrays nested deeper than values may be", "io.jwt.decode", [json(`{"a":${"[".repeat(5000)}${"]".repeat(5000)}}`)], true],
    ["escapes", "io.jwt.decode", [json(`{"a":"${"\\u0000".repeat(long)}`)], true],
    ["backslashes", "io.jwt.decode", [json(`{"a":"${"\\".repeat(long + 1)}"}`)], true],
    ["digits", "io.jwt.decode", [json(`{"a":1e${"9".repeat(long)}}`)], true],
    ["the same key", "io.jwt.decode", [json(`{${'"a":1,'.repeat(long)}"a":2}`)], false],
    ["blanks", "io.jwt.decode", [json(`${" ".repeat(long)}x`)], true],
    ["quotes around a nested token", "io.jwt.decode", [`${segment({ cty: "JWT" })}.${segment("'\"".repeat(long))}.`], true],
    ["line breaks", "io.jwt.decode", [`${segment("{}")}.${segment("{}")}.${"\n".repeat(long)}`], false],
    ["a long crit", "io.jwt.decode_verify", [token({ alg: "HS256", crit: Array(50_000).fill("x") }, {}, mac("x")), { secret: "x" }], false],
    [
      "a long audience",
      "io.jwt.decode_verify",
      [token({ alg: "HS256" }, { aud: Array(50_000).fill("y") }, mac("x")), { secret: "x" }],
      false,
    ],
    ["begins of PEM", "io.jwt.verify_rs256", [known, `${"-----BEGIN X-----\n".repeat(20_000)}-----END X-----`], true],
    ["ends of PEM", "io.jwt.verify_rs256", [known, "-----BEGIN X-----\n-----END Y-----\n".repeat(10_000)], true],
    ["headers of PEM", "io.jwt.verify_rs256", [known, `-----BEGIN X-----\n${"a: b\n".repeat(50_000)}`], true],
    ["nested JSON in a JWK", "io.jwt.verify_rs256", [known, `{"kty":"oct","k":"AAAA","x":${"[".repeat(long)}`], true],
    ["a huge modulus", "io.jwt.verify_rs256", [known, JSON.stringify({ kty: "RSA", n: `${"A".repeat(long - 1)}B`, e: "AQAB" })], false],
    ["many keys", "io.jwt.verify_rs256", [known, JSON.stringify({ keys: Array(1001).fill(octet) })], true],
    ["a header with strange JSON", "io.jwt.encode_sign_raw", [`{"alg":"HS256","x":${"[".repeat(long)}`, "{}", JSON.stringify(octet)], true],
    ["a header full of escapes", "io.jwt.encode_sign_raw", [`{"${"\\u0061".repeat(long)}":1}`, "{}", JSON.stringify(octet)], true],
    ["huge primes", "io.jwt.encode_sign", [{ alg: "RS256" }, {}, hugePrimes()], true],
  ])("%s", (_, name, args, fails) => {
    expect(call(name, ...args.map((arg) => JSON.stringify(arg))) === "fails").toBe(fails);
  });

  function hugePrimes(): object {
    const digits = `w${"A".repeat(100_000 - 2)}B`;
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 1024 });
    return jwkOf(privateKey, { p: digits, q: digits, d: digits });
  }
});

describe("whatever the arguments are", () => {
  const names = Object.keys(jwt);
  const { privateKey } = generateKeyPairSync("ed25519");
  const samples = [
    token({ alg: "HS256" }, { a: 1 }, mac("secret")),
    token({ alg: "EdDSA", cty: "JWT" }, "x", (input) => sign(null, Buffer.from(input), privateKey)),
    JSON.stringify(octet),
    JSON.stringify({ keys: [jwkOf(privateKey), octet] }),
    '{"alg":"HS256"}',
    "secret",
  ];
  const text = fc.oneof(
    fc.constantFrom(...samples),
    fc.string({ unit: "binary" }),
    fc
      .tuple(fc.constantFrom(...samples), fc.nat(200), fc.string({ maxLength: 3 }))
      .map(([sample, at, more]) => sample.slice(0, at) + more + sample.slice(at)),
  );
  const scalar = fc.oneof(
    fc.constantFrom("null", "true", "1", "-1.5", "1e400", "set()"),
    text.map((value) => JSON.stringify(value)),
  );
  const object = fc
    .array(fc.tuple(fc.constantFrom("alg", "secret", "cert", "time", "iss", "aud", "kty", "k", "keys", "x"), scalar), { maxLength: 5 })
    .map((members) => `{${[...new Map(members)].map(([name, value]) => `${JSON.stringify(name)}: ${value}`).join(", ")}}`);
  const argument = fc.oneof(
    scalar,
    object,
    scalar.map((value) => `[${value}]`),
    scalar.map((value) => `{${value}}`),
  );

  it("a builtin answers or fails, and does the same again", () => {
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.array(argument, { minLength: 0, maxLength: 4 }), (name, args) => {
        const [first, second] = [call(name, ...args), call(name, ...args)];
        expect(second).toBe(first);
        expect(first === null || first === "fails" || readValue(first) !== undefined).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it("what is signed with a secret is verified and read back", () => {
    const claims = fc.dictionary(fc.string({ minLength: 1 }), fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null)));
    fc.assert(
      fc.property(claims, fc.uint8Array({ minLength: 1, maxLength: 200 }), (payload, secret) => {
        fc.pre(!["exp", "nbf", "aud", "iss"].some((name) => name in payload) && !("__proto__" in payload));
        const key = { kty: "oct", k: Buffer.from(secret).toString("base64url") };
        const signed = JSON.parse(run("io.jwt.encode_sign", [{ alg: "HS512" }, payload, key]) ?? "") as string;
        const verified = run("io.jwt.decode_verify", [signed, { cert: JSON.stringify(key) }]);
        expect(verified).toBe(wireText([true, fromJson({ alg: "HS512" }), fromJson(payload)] as Value));
      }),
    );
  });

  it("a token with one bit changed is not signed", () => {
    // The last character is left out: it has bits that belong to no byte.
    const good = samples[0] ?? "";
    fc.assert(
      fc.property(fc.nat((good.length - 1) * 6 - 1), (bit) => {
        const changed = Buffer.from(good);
        changed[Math.floor(bit / 6)] = (changed[Math.floor(bit / 6)] ?? 0) ^ (1 << (bit % 6));
        const outcome = call("io.jwt.verify_hs256", JSON.stringify(changed.toString("latin1")), '"secret"');
        expect(["false", "fails"]).toContain(outcome);
      }),
    );
  });
});
