import {
  bitStringOf,
  booleanOf,
  constructedTag,
  contextTag,
  type Der,
  derOf,
  enter,
  integerOf,
  intOf,
  isDone,
  isNext,
  malformed,
  oidOf,
  rightAligned,
  tags,
  take,
  takeAny,
  takeEach,
  takeElement,
  takeOptional,
} from "../../go/asn1/der.ts";
import { type Asn1Time, generalizedTimeOf, utcTimeOf } from "../../go/asn1/time.ts";
import { type BuiltinContext, BuiltinError } from "../builtin.ts";
import { type Extension, type Known, knownOf } from "./extensions.ts";
import { type Attribute, parseName } from "./name.ts";
import { type Algorithm, keyAlgorithmNumber, type PublicKey, parsePublicKey } from "./public-key.ts";
import { type Scheme, schemeOf } from "./signature.ts";

/** A certificate (RFC 5280) as Go's `crypto/x509` takes it apart. */
export interface Certificate {
  readonly raw: Buffer;
  readonly rawBody: Buffer;
  readonly rawKeyInfo: Buffer;
  readonly rawSubject: Buffer;
  readonly rawIssuer: Buffer;
  readonly signature: Buffer;
  readonly scheme: Scheme | undefined;
  readonly keyAlgorithm: number;
  readonly publicKey: PublicKey | undefined;
  /** 1 to 3. */
  readonly version: bigint;
  readonly serial: bigint;
  readonly issuer: readonly Attribute[];
  readonly subject: readonly Attribute[];
  readonly notBefore: Asn1Time;
  readonly notAfter: Asn1Time;
  readonly extensions: readonly Extension[];
  readonly known: Known;
}

/** What it costs to read a certificate that is small. */
const certificateUnits = 3000;
const unitsPerByte = 10;

/** Certificates one after the other, up to the end. Throws a {@link BuiltinError} for anything else. */
export function parseCertificates(bytes: Buffer, context: BuiltinContext): readonly Certificate[] {
  return takeEach(derOf(bytes), (der) => parseCertificate(der, context));
}

/** The one certificate that the bytes must be. */
export function parseOnlyCertificate(bytes: Buffer, context: BuiltinContext): Certificate {
  const der = derOf(bytes);
  const certificate = parseCertificate(der, context);
  if (!isDone(der)) throw malformed("trailing data behind a certificate");
  return certificate;
}

function parseCertificate(from: Der, context: BuiltinContext): Certificate {
  const { full: raw, content } = takeElement(from, tags.sequence, "certificate");
  context.spend(certificateUnits + raw.length * unitsPerByte);
  const outer = derOf(content);
  const { full: rawBody, content: bodyContent } = takeElement(outer, tags.sequence, "certificate body");
  const body = derOf(bodyContent);
  const version = versionOf(takeOptional(body, constructedTag(0), "version"));
  const serial = integerOf(take(body, tags.integer, "serial number"));
  if (serial < 0n) throw new BuiltinError("a certificate's serial number is negative");
  const algorithm = take(body, tags.sequence, "signature algorithm");
  if (!take(outer, tags.sequence, "signature algorithm").equals(algorithm))
    throw new BuiltinError("a certificate's signature algorithms are not the same inside and outside");
  const scheme = schemeOf(algorithmOf(algorithm));
  const rawIssuer = takeElement(body, tags.sequence, "issuer").full;
  const issuer = parseName(rawIssuer);
  const validity = enter(body, tags.sequence, "validity");
  const [notBefore, notAfter] = [takeTime(validity), takeTime(validity)];
  const rawSubject = takeElement(body, tags.sequence, "subject").full;
  const subject = parseName(rawSubject);
  const rawKeyInfo = takeElement(body, tags.sequence, "public key").full;
  const key = keyOf(rawKeyInfo, context);
  const extensions = extensionsOf(body, version);
  const known = knownOf(extensions);
  const signature = rightAligned(bitStringOf(take(outer, tags.bitString, "signature")));
  const raws = { raw, rawBody, rawKeyInfo, rawSubject, rawIssuer };
  return { ...raws, signature, scheme, ...key, version, serial, issuer, subject, notBefore, notAfter, extensions, known };
}

/** Counted from 1, as in Go. */
function versionOf(content: Buffer | undefined): bigint {
  if (content === undefined) return 1n;
  const der = derOf(content);
  const version = intOf(take(der, tags.integer, "version")) + 1n;
  if (!isDone(der) || version < 1n || version > 3n) throw malformed("version");
  return version;
}

function algorithmOf(content: Buffer): Algorithm {
  const der = derOf(content);
  const oid = oidOf(take(der, tags.oid, "algorithm"));
  return { oid, parameters: isDone(der) ? Buffer.alloc(0) : takeAny(der).full };
}

function takeTime(der: Der): Asn1Time {
  const { tag, content } = takeAny(der);
  if (tag === tags.utcTime) return utcTimeOf(content);
  if (tag === tags.generalizedTime) return generalizedTimeOf(content, false);
  throw malformed("time");
}

function keyOf(info: Buffer, context: BuiltinContext): Pick<Certificate, "publicKey" | "keyAlgorithm"> {
  const der = enter(derOf(info), tags.sequence, "public key");
  const algorithm = algorithmOf(take(der, tags.sequence, "public key algorithm"));
  const key = bitStringOf(take(der, tags.bitString, "public key"));
  return { keyAlgorithm: keyAlgorithmNumber(algorithm.oid), publicKey: parsePublicKey(algorithm, key, context) };
}

/** Those of version 3; each may be there once. */
function extensionsOf(body: Der, version: bigint): readonly Extension[] {
  if (version === 1n) return [];
  takeOptional(body, contextTag(1), "unique identifier");
  takeOptional(body, contextTag(2), "unique identifier");
  const content = version === 3n ? takeOptional(body, constructedTag(3), "extensions") : undefined;
  if (content === undefined) return [];
  const seen = new Set<string>();
  return takeEach(enter(derOf(content), tags.sequence, "extensions"), (list) => {
    const extension = extensionOf(enter(list, tags.sequence, "extension"));
    if (seen.has(extension.id.join("."))) throw new BuiltinError("a certificate has an extension twice");
    seen.add(extension.id.join("."));
    return extension;
  });
}

function extensionOf(der: Der): Extension {
  const id = oidOf(take(der, tags.oid, "extension"));
  const critical = isNext(der, tags.boolean) && booleanOf(take(der, tags.boolean, "extension"));
  return { id, critical, value: take(der, tags.octetString, "extension") };
}
