import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { x509 } from "../../../../service/engine/builtins/x509.ts";
import { readValue } from "../../../../service/engine/value/read.ts";
import { call, testContext } from "../../../helpers/builtins.ts";
import {
  authority,
  bitString,
  bundle,
  certificate,
  dnsNames,
  extension,
  integer,
  null_,
  oid,
  party,
  pem,
  sequence,
  tlv,
} from "../../../helpers/certificates.ts";

const parse = "crypto.x509.parse_certificates";
const verify = "crypto.x509.parse_and_verify_certificates";
const keys = "crypto.parse_private_keys";
const invalid = "[false, []]";

const spent = (name: string, ...texts: readonly string[]) => {
  const context = testContext();
  x509[name]?.(texts.map(readValue), context);
  return context.spent;
};

const [root, middle, leaf, stranger] = [party("root"), party("middle"), party("leaf"), party("stranger")];
const rootCertificate = certificate(root, root, { extensions: [authority] });
const leafCertificate = certificate(leaf, middle);
const middleCertificate = certificate(middle, root, { extensions: [authority] });
/** They have the right name and key, and a signature by somebody else. */
const impostors = (count: number) =>
  Array.from({ length: count }, (_, index) =>
    certificate(middle, { ...stranger, name: "root" }, { extensions: [authority], serial: integer(BigInt(index + 2)) }),
  );

describe("the search for a chain", () => {
  it("ends after a hundred signatures, as in Go", () => {
    // Each impostor takes two: its own for the leaf, and the root's for itself.
    const among = (count: number) => bundle(rootCertificate, ...impostors(count), middleCertificate, leafCertificate);
    expect(call(verify, among(49))).toMatch(/^\[true, /);
    expect(call(verify, among(50))).toBe(invalid);
    expect(call(verify, among(200))).toBe(invalid);
  });

  it("is paid by signature", () => {
    const paid = (count: number) => spent(verify, bundle(rootCertificate, ...impostors(count), leafCertificate));
    expect(paid(40)).toBeGreaterThan(30 * 2 * 20_000);
    expect(paid(500) - paid(250)).toBeLessThan(250 * 10_000);
  });

  it("fails for an RSA key that is too long to be checked, rather than refuse it", () => {
    const info = (bits: bigint) =>
      sequence(sequence(oid("2a864886f70d010101"), null_), bitString(sequence(integer(2n ** bits - 1n), integer(3n))));
    const signed = certificate(leaf, root, { algorithm: sequence(oid("2a864886f70d01010b"), null_) });
    const by = (bits: bigint) => call(verify, bundle(certificate(root, root, { extensions: [authority], info: info(bits) }), signed));
    expect(by(16_384n)).toBe(invalid);
    expect(by(16_385n)).toBe("fails");
  });
});

describe("fuel that is used up", () => {
  const poor = (fuel: number) => {
    let left = fuel;
    return {
      ...testContext(),
      spend(units: number) {
        left -= units;
        if (left < 0) throw new Error("no fuel is left");
      },
    };
  };
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-521" });
  const ec = pem("EC PRIVATE KEY", privateKey.export({ format: "der", type: "sec1" }));
  const chain = bundle(rootCertificate, middleCertificate, leafCertificate);

  it.each([
    [parse, [chain]],
    [verify, [chain]],
    [`${verify}_with_options`, [chain, "{}"]],
    ["crypto.x509.parse_keypair", [JSON.stringify(pem("CERTIFICATE", leafCertificate)), JSON.stringify(ec)]],
    ["crypto.x509.parse_rsa_private_key", [JSON.stringify(ec)]],
    [keys, [JSON.stringify(ec)]],
  ])("ends %s and is no answer", (name, texts) => {
    const needed = (() => {
      try {
        return spent(name, ...texts);
      } catch {
        return 100_000;
      }
    })();
    for (const share of [0.1, 0.5, 0.9]) expect(() => x509[name]?.(texts.map(readValue), poor(needed * share))).toThrow("no fuel is left");
  });
});

describe("what is long", () => {
  const list = (count: number, item: (index: number) => Buffer) => Array.from({ length: count }, (_, index) => item(index));
  const dns = (count: number, name: (index: number) => string) => list(count, (index) => sequence(tlv(0x82, Buffer.from(name(index)))));
  const uri = (text: string) => extension(17, sequence(tlv(0x86, Buffer.from(text))));
  const limits = extension(
    30,
    sequence(tlv(0xa0, ...dns(10_000, (n) => `a${n}.example`)), tlv(0xa1, ...dns(10_000, (n) => `b${n}.example`))),
  );
  const rsaKey = (...numbers: readonly bigint[]) => JSON.stringify(pem("RSA PRIVATE KEY", sequence(...numbers.map(integer))));

  it("an integer is paid by more than its length", () => {
    const paid = (bytes: number) => spent(parse, bundle(certificate(leaf, root, { serial: tlv(2, Buffer.alloc(bytes, 1)) })));
    expect(paid(64_000)).toBeGreaterThan(6_000_000);
    expect(paid(64_000) / paid(640)).toBeGreaterThan(100);
  });

  it.each<readonly [string, string, readonly string[]]>([
    ["a serial number", parse, [bundle(certificate(leaf, root, { serial: tlv(2, Buffer.alloc(200_000, 1)) }))]],
    ["certificates", parse, [bundle(...list(2000, () => leafCertificate))]],
    ["impostors", verify, [bundle(rootCertificate, ...impostors(500), leafCertificate)]],
    ["names", parse, [bundle(certificate(leaf, root, { extensions: [dnsNames(...Array<string>(50_000).fill("a"))] }))]],
    ["a host of a URI", parse, [bundle(certificate(leaf, root, { extensions: [uri(`http://${"a.".repeat(200_000)}a/`)] }))]],
    ["a user of a URI", parse, [bundle(certificate(leaf, root, { extensions: [uri(`http://${"@".repeat(400_000)}a/`)] }))]],
    ["escapes of a URI", parse, [bundle(certificate(leaf, root, { extensions: [uri(`http://a/${"%41".repeat(150_000)}`)] }))]],
    [
      "name constraints",
      verify,
      [
        bundle(
          certificate(root, root, { extensions: [authority, limits] }),
          certificate(leaf, root, { extensions: [dnsNames(...Array.from({ length: 10_000 }, (_, n) => `x.a${n}.example`))] }),
        ),
      ],
    ],
    ["beginnings of PEM", parse, [JSON.stringify("-----BEGIN CERTIFICATE-----\n".repeat(30_000))]],
    ["ends of PEM", parse, [JSON.stringify(`-----BEGIN X-----${"\n-----END X".repeat(50_000)}`)]],
    ["headers of PEM", keys, [JSON.stringify(`-----BEGIN X-----\n${"a:b\n".repeat(200_000)}\n-----END X-----`)]],
    ["blocks of PEM", keys, [JSON.stringify("-----BEGIN X-----\nAAAA\n-----END X-----\n".repeat(20_000))]],
    ["blanks of PEM", keys, [JSON.stringify(`-----BEGIN X${" ".repeat(500_000)}x-----\n-----END X-----\n`)]],
    ["base64", parse, [JSON.stringify("A".repeat(2_000_000))]],
    ["padding", parse, [JSON.stringify("=".repeat(1_000_000))]],
    [
      "a host name",
      `${verify}_with_options`,
      [bundle(rootCertificate, leafCertificate), JSON.stringify({ DNSName: "a.".repeat(200_000) })],
    ],
    [
      "quotes",
      `${verify}_with_options`,
      [bundle(rootCertificate, leafCertificate), JSON.stringify({ DNSName: `${'"'.repeat(200_000)}a${'"'.repeat(200_000)}b` })],
    ],
    ["an RSA key", keys, [rsaKey(0n, 2n ** 80_000n + 1n, 3n, 2n ** 79_000n + 1n, 2n ** 40_000n + 1n, 2n ** 40_000n + 3n)]],
  ])("%s: it is answered or refused in one go", (_what, name, texts) => {
    expect(typeof call(name, ...texts)).toBe("string");
  });
});
