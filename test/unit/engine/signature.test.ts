import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { type Members, readArchive } from "../../../service/engine/archive.ts";
import { canonicalText } from "../../../service/engine/canonical.ts";
import { type BundleKey, createVerifier } from "../../../service/engine/signature.ts";
import { createSigner } from "../../helpers/bundles.ts";

const fixture = (name: string) => readFileSync(new URL(`../../fixtures/engine/signed/${name}`, import.meta.url));
const secret = "a-secret-of-at-least-thirty-two-bytes";
const rsa = fixture("rsa.pem").toString();
const verify = (members: Members, ...keys: BundleKey[]) => createVerifier(keys)(members);
const read = (name: string) => readArchive(fixture(name));
const changed = (members: Members, change: Readonly<Record<string, string | undefined>>) => {
  const result = new Map(members);
  for (const [name, text] of Object.entries(change)) {
    if (text === undefined) result.delete(name);
    else result.set(name, Buffer.from(text));
  }
  return result;
};

/** Signed by `opa build` and (HS512) by `opa sign` over files with odd numbers, escapes, key orders and white space. */
const signedByOpa: readonly BundleKey[] = [
  { id: "default", algorithm: "HS256", key: secret },
  { id: "default", algorithm: "HS512", key: secret },
  { id: "default", algorithm: "RS256", key: rsa },
  { id: "default", algorithm: "PS384", key: rsa },
  { id: "default", algorithm: "ES512", key: fixture("p521.pem").toString() },
];

describe("bundles that OPA signed", () => {
  it.each(signedByOpa)("pass with $algorithm, and no other key or algorithm", async (key) => {
    const members = await read(`${key.algorithm}.tar.gz`);

    await verify(members, key);

    const others = signedByOpa.filter(({ algorithm }) => algorithm !== key.algorithm);
    for (const other of others) await expect(verify(members, other)).rejects.toMatchObject({ code: "bundle_invalid" });
  });

  it.each(signedByOpa)("fail with $algorithm once any member is changed, added or taken away", async (key) => {
    const members = await read(`${key.algorithm}.tar.gz`);

    for (const name of members.keys()) {
      await expect(verify(changed(members, { [name]: undefined }), key)).rejects.toThrow(/bundle/);
      await expect(verify(changed(members, { [name]: `${members.get(name)?.toString()}x` }), key)).rejects.toThrow();
      await expect(verify(changed(members, { [`sub/${name}`]: "{}" }), key)).rejects.toThrow(/is not in the bundle's signature/);
    }
  });

  it("fail at once when a signed document was cut at any byte", async () => {
    const [key] = signedByOpa;
    const members = await read("HS256.tar.gz");
    const text = members.get("data.json")?.toString() ?? "";

    for (let length = 0; length < text.length - 1; length++)
      await expect(verify(changed(members, { "data.json": text.slice(0, length) }), key as BundleKey)).rejects.toThrow(/not sound JSON/);
  });
});

describe("keys", () => {
  it.each([
    ["an unknown algorithm", { id: "k", algorithm: "none", key: "x" }, /algorithm `none`/],
    ["a short secret", { id: "k", algorithm: "HS256", key: "short" }, /shorter than 32 bytes/],
    ["a public key as a secret", { id: "k", algorithm: "HS256", key: rsa }, /is a PEM key/],
    ["a secret as a public key", { id: "k", algorithm: "RS256", key: secret }, /not a public key in PEM/],
  ])("refuses %s as a mistake of the configuration", (_name, key, message) => {
    expect(() => createVerifier([key])).toThrow(
      expect.objectContaining({ code: "config_invalid", message: expect.stringMatching(message) }),
    );
  });

  it("asks for the scope that the key has, and for none when it has none", async () => {
    const { sign, key } = await createSigner();
    const files = await sign({ ".manifest": "{}" });
    const members = new Map(Object.entries(files).map(([name, content]) => [name, Buffer.from(content)]));

    await verify(members, key);

    await expect(verify(members, { ...key, scope: "write" })).rejects.toThrow(/signed for the scope ``, but key `k1` is for `write`/);
  });
});

describe("canonicalText", () => {
  let text: string;
  beforeAll(() => {
    text = canonicalText('{ "b" : [1.10, 1e3, -0.0, {"z":null, "a":true}],\n"a":"<&>\\u2028\\/\\u00e9", "":{}, "ab":[] }');
  });

  it("sorts keys, keeps numbers as written, and escapes as Go does", () => {
    expect(text).toBe('{"":{},"a":"<&>\\u2028/é","ab":[],"b":[1.10,1e3,-0.0,{"a":true,"z":null}]}');
  });

  it("is the same for its own result", () => {
    expect(canonicalText(text)).toBe(text);
  });
});
