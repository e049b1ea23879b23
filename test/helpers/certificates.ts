import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";

/** An element of DER. */
export function tlv(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  if (content.length < 128) return Buffer.concat([Buffer.of(tag, content.length), content]);
  const digits = content.length.toString(16);
  const length = Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, "hex");
  return Buffer.concat([Buffer.of(tag, 0x80 | length.length), length, content]);
}

export const sequence = (...parts: readonly Buffer[]) => tlv(0x30, ...parts);
export const integer = (value: bigint) => {
  const digits = value.toString(16);
  const bytes = Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, "hex");
  return (bytes[0] ?? 0) < 0x80 ? tlv(2, bytes) : tlv(2, Buffer.of(0), bytes);
};
/** The content of an object identifier as hexadecimal. */
export const oid = (hex: string) => tlv(6, Buffer.from(hex, "hex"));
export const bitString = (bytes: Buffer) => tlv(3, Buffer.of(0), bytes);
export const null_ = Buffer.of(5, 0);

export function nameOf(commonName: string): Buffer {
  return sequence(tlv(0x31, sequence(oid("550403"), tlv(0x0c, Buffer.from(commonName)))));
}

/** An extension of 2.5.29 by its last number. */
export function extension(number: number, value: Buffer, critical = false): Buffer {
  return sequence(oid(`551d${number.toString(16).padStart(2, "0")}`), ...(critical ? [tlv(1, Buffer.of(255))] : []), tlv(4, value));
}

export const authority = extension(19, sequence(tlv(1, Buffer.of(255))), true);
export const dnsNames = (...names: readonly string[]) =>
  extension(17, sequence(Buffer.concat(names.map((name) => tlv(0x82, Buffer.from(name))))));

export interface Party {
  readonly name: string;
  readonly key: KeyObject;
  /** SubjectPublicKeyInfo. */
  readonly info: Buffer;
}

/** Somebody with an Ed25519 key. */
export function party(name: string): Party {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  return { name, key: privateKey, info: publicKey.export({ format: "der", type: "spki" }) };
}

interface Parts {
  readonly serial?: Buffer;
  readonly extensions?: readonly Buffer[];
  readonly info?: Buffer;
  /** AlgorithmIdentifier; with another one than Ed25519's the signature means nothing. */
  readonly algorithm?: Buffer;
}

const ed25519 = sequence(oid("2b6570"));

/** A certificate for 2025 to 2049, signed with Ed25519. */
export function certificate(subject: Party, issuer: Party, { serial, extensions = [], info, algorithm = ed25519 }: Parts = {}): Buffer {
  const time = (text: string) => tlv(0x17, Buffer.from(text));
  const body = sequence(
    tlv(0xa0, integer(2n)),
    serial ?? integer(1n),
    algorithm,
    nameOf(issuer.name),
    sequence(time("250101000000Z"), time("491231235959Z")),
    nameOf(subject.name),
    info ?? subject.info,
    ...(extensions.length > 0 ? [tlv(0xa3, sequence(...extensions))] : []),
  );
  return sequence(body, algorithm, bitString(sign(null, body, issuer.key)));
}

/** Certificates one after the other as base64, in Rego's text. */
export function bundle(...certificates: readonly Buffer[]): string {
  return JSON.stringify(Buffer.concat(certificates).toString("base64"));
}

export function pem(type: string, bytes: Buffer): string {
  return `-----BEGIN ${type}-----\n${bytes.toString("base64")}\n-----END ${type}-----\n`;
}
