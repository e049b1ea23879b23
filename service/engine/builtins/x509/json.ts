import { ipText } from "../../go/net/ip.ts";
import { type GoUrl, urlText } from "../../go/net/url.ts";
import { numberOf, RegoObject, type Value } from "../../value/value.ts";
import { type BuiltinContext, BuiltinError } from "../builtin.ts";
import type { Certificate } from "./certificate.ts";
import type { Subtrees } from "./constraints.ts";
import type { Extension, Known } from "./extensions.ts";
import type { AlternativeNames } from "./general-names.ts";
import { nameValue } from "./name.ts";
import { policyNumbers, policyText } from "./oid.ts";
import { publicKeyValue } from "./public-key.ts";
import { base64Value, decimalValue, type Fields, jsonText, listValue, objectValue, oidValue } from "./values.ts";

/** What it costs to write a certificate that is small. */
const certificateUnits = 10_000;
const unitsPerByte = 20;

/** A certificate as the JSON of Go's `x509.Certificate`. */
export function certificateValue(certificate: Certificate, context: BuiltinContext): Value {
  return objectValue(...certificateFields(certificate, context));
}

/** The same with the URIs as texts, which OPA adds in most places. */
export function extendedCertificateValue(certificate: Certificate, context: BuiltinContext): Value {
  const uris = certificate.known.names?.uris.map((uri) => jsonText(Buffer.from(urlText(uri), "latin1")));
  return objectValue(...certificateFields(certificate, context), { URIStrings: listValue(uris) });
}

function certificateFields(certificate: Certificate, context: BuiltinContext): readonly Fields[] {
  const { known } = certificate;
  context.spend(certificateUnits + certificate.raw.length * unitsPerByte);
  return [
    rawFields(certificate),
    ownFields(certificate, context),
    extensionFields(certificate.extensions),
    usageFields(known),
    alternativeNameFields(known.names),
    constraintFields(known),
    subtreeFields("Permitted", known.constraints?.permitted),
    subtreeFields("Excluded", known.constraints?.excluded),
    policyFields(known, context),
    countFields("RequireExplicitPolicy", known.explicitPolicy),
    countFields("InhibitPolicyMapping", known.inhibitMapping),
    countFields("InhibitAnyPolicy", known.inhibitAny),
  ];
}

function ownFields(certificate: Certificate, context: BuiltinContext): Fields {
  return {
    Signature: base64Value(certificate.signature),
    SignatureAlgorithm: numberOf(certificate.scheme?.number ?? 0),
    PublicKeyAlgorithm: numberOf(certificate.keyAlgorithm),
    PublicKey: publicKeyValue(certificate.publicKey, context),
    Version: numberOf(certificate.version),
    SerialNumber: decimalValue(certificate.serial, context),
    Issuer: nameValue(certificate.issuer),
    Subject: nameValue(certificate.subject),
    NotBefore: timeValue(certificate.notBefore.text),
    NotAfter: timeValue(certificate.notAfter.text),
    UnhandledCriticalExtensions: listValue(certificate.known.unhandled.map(oidValue)),
  };
}

function rawFields({ raw, rawBody, rawKeyInfo, rawSubject, rawIssuer }: Certificate): Fields {
  return {
    Raw: base64Value(raw),
    RawTBSCertificate: base64Value(rawBody),
    RawSubjectPublicKeyInfo: base64Value(rawKeyInfo),
    RawSubject: base64Value(rawSubject),
    RawIssuer: base64Value(rawIssuer),
  };
}

function timeValue(text: string | undefined): Value {
  if (text === undefined) throw new BuiltinError("a certificate's time has a zone that is out of range");
  return text;
}

/** `Extensions` and `ExtraExtensions`. */
export function extensionFields(extensions: readonly Extension[]): Fields {
  const values = extensions.map(({ id, critical, value }) =>
    objectValue({ Id: oidValue(id), Critical: critical, Value: base64Value(value) }),
  );
  return { Extensions: listValue(values), ExtraExtensions: null };
}

function bytesValue(bytes: Buffer | undefined): Value {
  return bytes === undefined ? null : base64Value(bytes);
}

function textsValue(texts: readonly Buffer[] | undefined): Value {
  return listValue(texts?.map(jsonText));
}

function usageFields({ keyUsage = 0, basic, ...known }: Known): Fields {
  return {
    KeyUsage: numberOf(keyUsage),
    ExtKeyUsage: listValue(known.keyPurposes?.map(numberOf)),
    UnknownExtKeyUsage: listValue(known.unknownPurposes?.map(oidValue)),
    BasicConstraintsValid: basic !== undefined,
    IsCA: basic?.isCa ?? false,
    MaxPathLen: numberOf(basic?.pathMax ?? 0n),
    MaxPathLenZero: basic?.pathMax === 0n,
    SubjectKeyId: bytesValue(known.subjectKeyId),
    AuthorityKeyId: bytesValue(known.authorityKeyId),
    OCSPServer: textsValue(known.ocspServers),
    IssuingCertificateURL: textsValue(known.issuerUrls),
    CRLDistributionPoints: textsValue(known.crlPoints),
  };
}

/** `DNSNames`, `EmailAddresses`, `IPAddresses` and `URIs`. */
export function alternativeNameFields(names: AlternativeNames | undefined): Fields {
  return {
    DNSNames: listValue(names?.dns),
    EmailAddresses: listValue(names?.emails),
    IPAddresses: listValue(names?.ips.map(ipText)),
    URIs: listValue(names?.uris.map(urlValue)),
  };
}

function urlValue(url: GoUrl): Value {
  const text = (part: string) => jsonText(Buffer.from(part, "latin1"));
  return objectValue({
    Scheme: text(url.scheme),
    Opaque: text(url.opaque),
    // Go's JSON has nothing of the user.
    User: url.user === undefined ? null : new RegoObject([]),
    Host: text(url.host),
    Path: text(url.path),
    Fragment: text(url.fragment),
    RawQuery: text(url.rawQuery),
    RawPath: text(url.rawPath),
    RawFragment: text(url.rawFragment),
    ForceQuery: url.forceQuery,
    OmitHost: url.omitHost,
  });
}

function constraintFields({ constraints }: Known): Fields {
  return { PermittedDNSDomainsCritical: constraints?.critical ?? false };
}

function subtreeFields(side: "Permitted" | "Excluded", subtrees: Subtrees | undefined): Fields {
  const ranges = subtrees?.ips.map(({ ip, mask }) => objectValue({ IP: ipText(ip), Mask: base64Value(mask) }));
  return {
    [`${side}DNSDomains`]: listValue(subtrees?.dns),
    [`${side}IPRanges`]: listValue(ranges),
    [`${side}EmailAddresses`]: listValue(subtrees?.emails),
    [`${side}URIDomains`]: listValue(subtrees?.uris),
  };
}

function policyFields({ policies, policyMappings }: Known, context: BuiltinContext): Fields {
  const text = (policy: Buffer) => policyText(policy, context);
  return {
    // An extension without policies leaves an empty list of the older kind.
    PolicyIdentifiers: policies?.flatMap((policy) => policyNumbers(policy) ?? []) ?? null,
    Policies: listValue(policies?.map(text)),
    PolicyMappings: listValue(
      policyMappings?.map(([issuer, subject]) => objectValue({ IssuerDomainPolicy: text(issuer), SubjectDomainPolicy: text(subject) })),
    ),
  };
}

function countFields(name: string, count: bigint | undefined): Fields {
  return { [name]: numberOf(count ?? 0n), [`${name}Zero`]: count === 0n };
}
