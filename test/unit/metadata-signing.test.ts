import { generateKeyPairSync } from "node:crypto";
import { jwtVerify } from "jose";
import { describe, expect, it } from "vitest";
import { createMetadataSigner } from "../../service/metadata-signing.ts";

const pairs = {
  ES256: generateKeyPairSync("ec", { namedCurve: "P-256" }),
  ES384: generateKeyPairSync("ec", { namedCurve: "P-384" }),
  EdDSA: generateKeyPairSync("ed25519"),
  RS256: generateKeyPairSync("rsa", { modulusLength: 2048 }),
  PS256: generateKeyPairSync("rsa", { modulusLength: 2048 }),
} as const;
const short = generateKeyPairSync("rsa", { modulusLength: 1024 });
type Algorithm = keyof typeof pairs;
const algorithms = Object.keys(pairs) as Algorithm[];
const signer = (algorithm: Algorithm, { privateKey } = pairs[algorithm]) =>
  createMetadataSigner({ id: "m1", algorithm, private_key: privateKey.export({ type: "pkcs8", format: "pem" }) as string });

describe("signed metadata", () => {
  it.each(algorithms)("is a JWT that another library verifies (%s)", async (algorithm) => {
    const text = signer(algorithm)({ iss: "https://pdp.example", x: "ü" });
    const { payload, protectedHeader } = await jwtVerify(text, pairs[algorithm].publicKey, { algorithms: [algorithm] });
    expect(payload).toEqual({ iss: "https://pdp.example", x: "ü" });
    expect(protectedHeader).toEqual({ alg: algorithm, kid: "m1", typ: "JWT" });
  });

  it.each<[Algorithm, { privateKey: typeof short.privateKey }]>([
    ["ES256", pairs.ES384],
    ["ES256", pairs.RS256],
    ["RS256", pairs.ES256],
    ["RS256", short],
    ["EdDSA", pairs.ES256],
    ["PS256", pairs.EdDSA],
  ])("%s takes no key that is not its own", (algorithm, pair) => {
    expect(() => signer(algorithm, pair as (typeof pairs)["RS256"])).toThrow(`private_key is no key for \`${algorithm}\``);
  });

  it("says what is wrong with what is no key, and not what it is", () => {
    expect(() => createMetadataSigner({ id: "m1", algorithm: "ES256", private_key: "my secret" })).toThrow(/private_key cannot be read/);
    expect(() => createMetadataSigner({ id: "m1", algorithm: "ES256", private_key: "my secret" })).not.toThrow(/my secret/);
  });
});
