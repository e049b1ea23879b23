import * as asn1 from "../../go/asn1/asn1.ts";
import { derOf, type Element, rightAligned, tags } from "../../go/asn1/der.ts";
import { numberOf, RegoObject, type Value } from "../../value/value.ts";
import { type BuiltinContext, BuiltinError } from "../builtin.ts";
import type { Extension } from "./extensions.ts";
import { type AlternativeNames, parseAlternativeNames } from "./general-names.ts";
import { alternativeNameFields, extensionFields } from "./json.ts";
import { attributeShape, attributeValue, nameValue, parseRequestName } from "./name.ts";
import { keyAlgorithmNumber, parsePublicKey, publicKeyValue } from "./public-key.ts";
import { schemeOf } from "./signature.ts";
import { base64Value, type Fields, listValue, objectValue, oidValue } from "./values.ts";

const algorithmShape = asn1.struct({ oid: asn1.oid, parameters: asn1.optional(asn1.raw) });
const keyShape = asn1.struct({ algorithm: algorithmShape, key: asn1.bits });
const bodyShape = asn1.struct({
  version: asn1.int64,
  subject: asn1.raw,
  key: keyShape,
  attributes: asn1.implicit(0, asn1.listOf(asn1.raw)),
});
/** CertificationRequest (RFC 2986, 4). */
const requestShape = asn1.struct({ body: bodyShape, algorithm: algorithmShape, signature: asn1.bits });

const attributeListShape = asn1.struct({ type: asn1.oid, value: asn1.listOf(asn1.listOf(attributeShape), tags.set) });
const anyAttributeShape = asn1.struct({ id: asn1.oid, values: asn1.listOf(asn1.raw, tags.set) });
const extensionsShape = asn1.listOf(asn1.struct({ id: asn1.oid, critical: asn1.optional(asn1.bool), value: asn1.octets }));

/** A certificate request as the JSON of Go's `x509.CertificateRequest`; throws a BuiltinError for what is none. */
export function requestValue(der: Buffer, context: BuiltinContext): Value {
  context.spend(10_000 + der.length * 20);
  const { body, algorithm, signature, full } = asn1.unmarshalAll(der, requestShape);
  const key = { oid: body.key.algorithm.oid, parameters: parametersOf(body.key.algorithm) };
  // An attribute that cannot be read costs an exception.
  context.spend(body.attributes.length * 2000);
  const publicKey = parsePublicKey(key, body.key.key, context);
  const subject = parseRequestName(body.subject.full);
  const extensions = extensionsIn(body.attributes);
  const fields: Fields = {
    Raw: base64Value(full),
    RawTBSCertificateRequest: base64Value(body.full),
    RawSubjectPublicKeyInfo: base64Value(body.key.full),
    RawSubject: base64Value(body.subject.full),
    Version: numberOf(body.version),
    Signature: base64Value(rightAligned(signature)),
    SignatureAlgorithm: numberOf(schemeOf({ oid: algorithm.oid, parameters: parametersOf(algorithm) })?.number ?? 0),
    PublicKeyAlgorithm: numberOf(keyAlgorithmNumber(key.oid)),
    PublicKey: publicKeyValue(publicKey, context),
    Subject: nameValue(subject),
    Attributes: listValue(body.attributes.flatMap(attributeListValue)),
  };
  return objectValue(fields, extensionFields(extensions), alternativeNameFields(namesOf(extensions)));
}

function parametersOf({ parameters }: { readonly parameters: Element | undefined }): Buffer {
  return parameters?.full ?? Buffer.alloc(0);
}

/** What an attribute is, if it can be read as a shape; others are left out. */
function attempt<T>({ full }: Element, shape: asn1.Shape<T>): readonly T[] {
  try {
    return [asn1.unmarshalAll(full, shape)];
  } catch (error) {
    if (error instanceof BuiltinError) return [];
    throw error;
  }
}

/** Go shows attributes whose values are lists of attributes, such as extensions without a criticality. */
function attributeListValue(attribute: Element): readonly Value[] {
  return attempt(attribute, attributeListShape).map(
    ({ type, value }) =>
      new RegoObject([
        ["Type", oidValue(type)],
        ["Value", value.map((list) => list.map(attributeValue))],
      ]),
  );
}

function extensionsIn(attributes: readonly Element[]): readonly Extension[] {
  const requests = attributes
    .flatMap((attribute) => attempt(attribute, anyAttributeShape))
    .filter(({ id, values }) => id.join(".") === "1.2.840.113549.1.9.14" && values.length > 0);
  const extensions = requests.flatMap(({ values }) => asn1.unmarshal(values[0]?.full ?? Buffer.alloc(0), extensionsShape).value);
  if (new Set(extensions.map(({ id }) => id.join("."))).size < extensions.length)
    throw new BuiltinError("a certificate request asks for an extension twice");
  return extensions.map(({ id, critical = false, value }) => ({ id, critical, value }));
}

function namesOf(extensions: readonly Extension[]): AlternativeNames | undefined {
  const names = extensions.find(({ id }) => id.join(".") === "2.5.29.17");
  return names === undefined ? undefined : parseAlternativeNames(derOf(names.value));
}
