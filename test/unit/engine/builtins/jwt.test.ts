import { constants, createHmac, generateKeyPairSync, type KeyObject, sign, verify } from "node:crypto";
import { describe, expect, it } from "vitest";
import { BuiltinError } from "../../../../service/engine/builtins/builtin.ts";
import { jwt } from "../../../../service/engine/builtins/jwt.ts";
import { fromJson } from "../../../../service/engine/value/value.ts";
import { wireText } from "../../../../service/engine/value/write.ts";
import { call, opaRows, testContext } from "../../../helpers/builtins.ts";

const segment = (value: unknown) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
const token = (header: unknown, payload: unknown, make: (input: string) => Buffer) => {
  const input = `${segment(header)}.${segment(payload)}`;
  return `${input}.${make(input).toString("base64url")}`;
};
const mac = (secret: string) => (input: string) => createHmac("sha256", secret).update(input).digest();
const run = (name: string, args: readonly unknown[]) => {
  const result = jwt[name]?.(args.map(fromJson), testContext());
  return result === undefined ? undefined : wireText(result);
};
const octet = { kty: "oct", k: segment("secret") };
const jwkOf = (key: KeyObject, extra: object = {}) => ({ ...key.export({ format: "jwk" }), ...extra });

describe("io.jwt", () => {
  it.each([
    ["jwt-decode", 300],
    ["jwt-verify-hs", 140],
    ["jwt-verify", 360],
    ["jwt-keys", 380],
    ["jwt-decode-verify", 790],
    ["jwt-sign", 650],
  ])("answers the rows of `%s` as OPA does", (family, count) => {
    const rows = opaRows(family);

    expect(rows.length).toBeGreaterThan(count);
    expect(rows.map(([name, args]) => [name, args, call(name, ...args)])).toEqual(rows);
  });

  it("has every builtin that OPA has", () => {
    const verifiers = ["rs", "ps", "es", "hs"].flatMap((family) => ["256", "384", "512"].map((size) => `verify_${family}${size}`));

    expect(Object.keys(jwt).sort()).toEqual(
      ["decode", "decode_verify", "encode_sign", "encode_sign_raw", "verify_eddsa", ...verifiers].map((name) => `io.jwt.${name}`).sort(),
    );
  });
});

describe("signatures that are never the same twice", () => {
  const rows = opaRows("jwt-sign-random");
  const parts = (text: string | null) => (JSON.parse(text ?? "") as string).split(".");

  it("are over the same text and as good as OPA's", () => {
    const signed = rows.filter(([, , answer]) => answer !== "fails");

    expect(signed.length).toBeGreaterThan(25);
    for (const [name, args, answer] of signed) {
      const own = call(name, ...args);
      const key: unknown = JSON.parse(args[2] ?? "");
      const cert = JSON.stringify({ cert: typeof key === "string" ? key : JSON.stringify(key) });
      const [verdict, ownVerdict] = [answer ?? "", own ?? ""].map((text) => call("io.jwt.decode_verify", text, cert));
      expect(parts(own).slice(0, 2)).toEqual(parts(answer).slice(0, 2));
      expect(parts(own)[2]).toHaveLength(parts(answer)[2]?.length ?? 0);
      expect(ownVerdict).toBe(verdict);
    }
  });

  it("fail for the keys that OPA cannot sign with", () => {
    const failing = rows.filter(([, , answer]) => answer === "fails");

    expect(failing.length).toBeGreaterThan(50);
    expect(failing.map(([name, args]) => [name, args, call(name, ...args)])).toEqual(failing);
  });

  it.each(["ES256", "PS256"])("of %s are others the next time, and OpenSSL takes them", (alg) => {
    const pair = alg === "ES256" ? generateKeyPairSync("ec", { namedCurve: "P-256" }) : generateKeyPairSync("rsa", { modulusLength: 2048 });
    const args = [{ alg }, { a: 1 }, jwkOf(pair.privateKey)];
    const [first, second] = [run("io.jwt.encode_sign", args), run("io.jwt.encode_sign", args)];
    const [header, payload, signature] = parts(first ?? null);
    const options =
      alg === "ES256"
        ? ({ key: pair.publicKey, dsaEncoding: "ieee-p1363" } as const)
        : { key: pair.publicKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };

    expect(second).not.toBe(first);
    expect(verify("sha256", Buffer.from(`${header}.${payload}`), options, Buffer.from(signature ?? "", "base64url"))).toBe(true);
  });
});

describe("a token that tries to pass", () => {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const pem = publicKey.export({ format: "pem", type: "spki" }) as string;
  const refused = "[false, {}, {}]";

  it.each([
    ["unsigned", { alg: "none" }, () => Buffer.alloc(0)],
    ["unsigned under another spelling", { alg: "nOnE" }, () => Buffer.alloc(0)],
    ["with the public key as secret", { alg: "HS256" }, mac(pem)],
    ["with the modulus as secret", { alg: "HS256" }, mac(jwkOf(publicKey).n ?? "")],
    ["with an empty secret", { alg: "HS256" }, mac("")],
    ["without algorithm", {}, () => Buffer.alloc(256)],
    ["with its own key in the header", { alg: "HS256", jwk: octet }, mac("secret")],
  ])("%s does not", (_, header, make) => {
    for (const cert of [pem, JSON.stringify(jwkOf(publicKey)), JSON.stringify({ keys: [jwkOf(publicKey)] })])
      expect(run("io.jwt.decode_verify", [token(header, {}, make), { cert }])).toBe(refused);
    expect(run("io.jwt.verify_rs256", [token(header, {}, make), pem])).toBe("false");
  });

  it("is refused for an inner token that nobody signed", () => {
    const inner = token({ alg: "none" }, { admin: true }, () => Buffer.alloc(0));
    const outer = token({ alg: "RS256", cty: "JWT" }, inner, (input) => sign("sha256", Buffer.from(input), privateKey));

    expect(run("io.jwt.decode_verify", [outer, { cert: pem }])).toBe(refused);
  });

  it("is refused when its claims are changed, and taken when they are not", () => {
    const good = token({ alg: "RS256" }, { a: 1 }, (input) => sign("sha256", Buffer.from(input), privateKey));
    const [header, , signature] = good.split(".");

    expect(run("io.jwt.decode_verify", [good, { cert: pem }])).toBe('[true, {"alg": "RS256"}, {"a": 1}]');
    expect(run("io.jwt.decode_verify", [`${header}.${segment({ a: 2 })}.${signature}`, { cert: pem }])).toBe(refused);
  });
});

describe("where OPA itself dies", () => {
  it.each([
    ["a content type that is no string", "io.jwt.decode", [token({ alg: "HS256", cty: 1 }, {}, mac("x"))]],
    ["an issuer that is no string", "io.jwt.decode_verify", [token({ alg: "HS256" }, { iss: 1 }, mac("x")), { secret: "x", iss: "y" }]],
  ])("the builtin fails: %s", (_, name, args) => {
    expect(() => run(name, args)).toThrow(BuiltinError);
  });

  it("the builtin fails: a constraint whose name is no string", () => {
    expect(call("io.jwt.decode_verify", JSON.stringify(token({ alg: "HS256" }, {}, mac("x"))), '{"secret": "x", 1: 2}')).toBe("fails");
  });
});

describe("strings that are not UTF-8", () => {
  it.each([
    ["ff00fe80c3", "true"],
    ["ff00fe80c4", "false"],
  ])("are secrets by their bytes: %s", (hex, expected) => {
    const signed = token({ alg: "HS256" }, {}, (input) => createHmac("sha256", Buffer.from("ff00fe80c3", "hex")).update(input).digest());
    const secret = [...Buffer.from(hex, "hex")].map((byte) =>
      byte < 0x80 ? String.fromCharCode(byte) : String.fromCharCode(0xdc00 + byte),
    );

    expect(run("io.jwt.verify_hs256", [signed, secret.join("")])).toBe(expected);
  });

  it("are signed by their bytes", () => {
    const args = ['{"alg":"HS256","x":"\udcff\udce2\udc82"}', "{}", JSON.stringify(octet)];

    expect(run("io.jwt.encode_sign_raw", args)).toBe(
      '"eyJhbGciOiJIUzI1NiIsIngiOiL_4oIifQ.e30.WNhYG3vrHrYHL0tehyNqrWYAdZSIpMsJ62D-I3EEgGw"',
    );
  });
});

describe("a key that is a point of small order", () => {
  const rows = opaRows("jwt-small-order");

  it.each(rows.map(([name, args, answer]) => [name, args, answer] as const))(
    "verifies nothing, as it would in OPA: %s %j",
    (name, args, answer) => {
      expect(answer).toBe("true");
      expect(call(name, ...args)).toBe("false");
    },
  );
});
