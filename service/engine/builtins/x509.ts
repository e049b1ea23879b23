import { base64Bytes } from "../go/asn1/pem.ts";
import { bytesOf } from "../value/bytes.ts";
import { RegoNumber, RegoObject, RegoSet, type Value } from "../value/value.ts";
import { type BuiltinContext, BuiltinError, type Family } from "./builtin.ts";
import { objectOperand, stringOf } from "./operands.ts";
import { type Certificate, parseCertificates, parseOnlyCertificate } from "./x509/certificate.ts";
import { certificateValue, extendedCertificateValue } from "./x509/json.ts";
import { privateKeyValue, webKeyValue } from "./x509/keys.ts";
import { parsePrivateKeys, parseTlsKey, pemBlocks, publicKeyOf } from "./x509/private-key.ts";
import { samePublicKey } from "./x509/public-key.ts";
import { requestValue } from "./x509/request.ts";
import { base64Value } from "./x509/values.ts";
import { type VerifyOptions, verifiedChain } from "./x509/verify.ts";

/** The bytes of a string operand, a character for each; what it takes to look for PEM in them is paid. */
function latin1(value: Value | undefined, context: BuiltinContext): string {
  const text = stringOf(value);
  context.spend(text.length * 2);
  return bytesOf(text).toString("latin1");
}

function decoded(text: string): Buffer {
  const bytes = base64Bytes(text);
  if (bytes === undefined) throw new BuiltinError("neither PEM nor base64");
  return bytes;
}

/** Certificates in PEM, in base64 of PEM, or in base64 of DER. */
function certificatesOf(text: string, context: BuiltinContext): readonly Certificate[] {
  if (text.startsWith("-----BEGIN")) return certificatesInPem(text, context);
  const bytes = decoded(text);
  const inner = bytes.toString("latin1");
  return inner.startsWith("-----BEGIN") ? certificatesInPem(inner, context) : parseCertificates(bytes, context);
}

function certificatesInPem(text: string, context: BuiltinContext): readonly Certificate[] {
  const blocks = pemBlocks(text);
  if (!blocks.every(({ type }) => type === "CERTIFICATE")) throw new BuiltinError("a PEM block is not of type CERTIFICATE");
  return parseCertificates(Buffer.concat(blocks.map(({ bytes }) => bytes)), context);
}

/** The certificates of an operand; undefined when they cannot be read. */
function readableCertificates(value: Value | undefined, context: BuiltinContext): readonly Certificate[] | undefined {
  const text = latin1(value, context);
  try {
    return certificatesOf(text, context);
  } catch (error) {
    if (error instanceof BuiltinError) return undefined;
    throw error;
  }
}

const invalid: Value = [false, []];

/** The first certificate is the root, the last one the leaf. */
function verify(
  certificates: readonly Certificate[],
  options: VerifyOptions,
  show: (certificate: Certificate, context: BuiltinContext) => Value,
  context: BuiltinContext,
): Value {
  const [root, ...others] = certificates;
  const leaf = others.pop();
  if (root === undefined || leaf === undefined) return invalid;
  const chain = verifiedChain(root, others, leaf, options, context);
  return chain === undefined ? invalid : [true, chain.map((certificate) => show(certificate, context))];
}

/** OPA's names, in the order of Go's numbers. */
const purposes: readonly string[] = [
  "KeyUsageAny",
  "KeyUsageServerAuth",
  "KeyUsageClientAuth",
  "KeyUsageCodeSigning",
  "KeyUsageEmailProtection",
  "KeyUsageIPSECEndSystem",
  "KeyUsageIPSECTunnel",
  "KeyUsageIPSECUser",
  "KeyUsageTimeStamping",
  "KeyUsageOCSPSigning",
  "KeyUsageMicrosoftServerGatedCrypto",
  "KeyUsageNetscapeServerGatedCrypto",
  "KeyUsageMicrosoftCommercialCodeSigning",
  "KeyUsageMicrosoftKernelCodeSigning",
];

function unquoted(text: string): string {
  return text.replace(/^"+/, "").replace(/(?<!")"+$/, "");
}

type ReadOption = (value: Value) => Partial<VerifyOptions>;

/** How each option is read; the limit of comparisons is checked and, as in Go, has no effect. */
const optionReaders: ReadonlyMap<string, ReadOption> = new Map<string, ReadOption>([
  ["DNSName", (value) => ({ host: unquoted(stringOf(value)) })],
  ["CurrentTime", (value) => ({ now: int64Option(value) })],
  ["KeyUsages", (value) => ({ purposes: purposesOption(value) })],
  [
    "MaxConstraintComparisons",
    (value) => {
      int64Option(value);
      return {};
    },
  ],
]);

/** A fraction of zeros counts as none, as in OPA. */
function int64Option(value: Value): bigint {
  const text = value instanceof RegoNumber ? value.text : "";
  const digits = /^-?(\d+)(?:\.0*)?$/.exec(text)?.[1];
  if (digits === undefined || text.replace("-", "").length > 19) throw new BuiltinError("option must be a 64-bit integer");
  const integer = BigInt(text.startsWith("-") ? `-${digits}` : digits);
  if (integer !== BigInt.asIntN(64, integer)) throw new BuiltinError("option must be a 64-bit integer");
  return integer;
}

/** Items that are not strings do not count. */
function purposesOption(value: Value): readonly number[] {
  const items = value instanceof RegoSet ? value.items : value;
  if (!Array.isArray(items)) throw new BuiltinError("option `KeyUsages` must be an array or a set");
  const names = (items as readonly Value[]).flatMap((item) => (typeof item === "string" ? [unquoted(item)] : []));
  const unknown = names.find((name) => !purposes.includes(name));
  if (unknown !== undefined) throw new BuiltinError(`key usage \`${unknown.slice(0, 64)}\` is unknown`);
  return names.map((name) => purposes.indexOf(name));
}

function optionsOf(value: RegoObject, context: BuiltinContext): VerifyOptions {
  const options = value.entries.map(([key, item]) => {
    if (typeof key !== "string") return {};
    const read = optionReaders.get(key);
    if (read === undefined) throw new BuiltinError(`option \`${key.slice(0, 64)}\` is unknown`);
    return read(item);
  });
  return Object.assign({ now: context.nowNs, host: "", purposes: [] }, ...options) as VerifyOptions;
}

function privateKeysOf(text: string, context: BuiltinContext) {
  return parsePrivateKeys(base64Bytes(text)?.toString("latin1") ?? text, context);
}

function keyPair(certificate: string, key: string, context: BuiltinContext): Value {
  const chain = blocksOf(certificate, "-----BEGIN ", "CERTIFICATE").filter(({ type }) => type === "CERTIFICATE");
  const secret = blocksOf(key, "-----BEGIN", "PRIVATE KEY").find(({ type }) => /(?:^| )PRIVATE KEY$/.test(type));
  const [first] = chain;
  if (first === undefined || secret === undefined) throw new BuiltinError("the certificate or the key is missing");
  const leaf = parseOnlyCertificate(first.bytes, context);
  const privateKey = parseTlsKey(secret.bytes, context);
  if (!samePublicKey(leaf.publicKey, publicKeyOf(privateKey))) throw new BuiltinError("the key does not belong to the certificate");
  return new RegoObject([
    ["Certificate", chain.map(({ bytes }) => base64Value(bytes))],
    ["PrivateKey", privateKeyValue(privateKey, context)],
    ["Leaf", certificateValue(leaf, context)],
    ["SupportedSignatureAlgorithms", null],
    ["OCSPStaple", null],
    ["SignedCertificateTimestamps", null],
  ]);
}

/** The PEM blocks of a text or of what it has in base64; DER in base64 is a block of a given type. */
function blocksOf(text: string, derUnless: string, type: string) {
  if (text.startsWith("-----BEGIN ")) return pemBlocks(text);
  const bytes = decoded(text);
  const inner = bytes.toString("latin1");
  return inner.startsWith(derUnless) ? pemBlocks(inner) : [{ type, bytes }];
}

function requestOf(text: string): Buffer {
  const bytes = text.startsWith("-----BEGIN CERTIFICATE REQUEST-----") ? Buffer.from(text, "latin1") : decoded(text);
  const [block] = pemBlocks(bytes.toString("latin1"));
  if (block !== undefined && block.type !== "CERTIFICATE REQUEST") throw new BuiltinError("a PEM block is not of type CERTIFICATE REQUEST");
  return block?.bytes ?? bytes;
}

/** `crypto.x509.*` and `crypto.parse_private_keys`: Go's structs as JSON, and its verification of chains. */
export const x509: Family = {
  "crypto.x509.parse_certificates": ([certificates], context) =>
    certificatesOf(latin1(certificates, context), context).map((certificate) => extendedCertificateValue(certificate, context)),
  "crypto.x509.parse_and_verify_certificates"([value], context) {
    const certificates = readableCertificates(value, context);
    if (certificates === undefined) return invalid;
    return verify(certificates, { now: context.nowNs, host: "", purposes: [] }, extendedCertificateValue, context);
  },
  "crypto.x509.parse_and_verify_certificates_with_options"([value, options], context) {
    const wanted = objectOperand(options);
    const certificates = readableCertificates(value, context);
    return certificates === undefined ? invalid : verify(certificates, optionsOf(wanted, context), certificateValue, context);
  },
  "crypto.x509.parse_certificate_request": ([request], context) => requestValue(requestOf(latin1(request, context)), context),
  "crypto.x509.parse_keypair": ([certificate, key], context) => keyPair(latin1(certificate, context), latin1(key, context), context),
  "crypto.x509.parse_rsa_private_key"([pem], context) {
    const text = latin1(pem, context);
    if (text === "") throw new BuiltinError("there is no key");
    const [key] = privateKeysOf(text.startsWith("-----BEGIN") ? text : decoded(text).toString("latin1"), context);
    return key === undefined ? null : webKeyValue(key);
  },
  "crypto.parse_private_keys"([pem], context) {
    const text = latin1(pem, context);
    return text === "" ? null : privateKeysOf(text, context).map((key) => privateKeyValue(key, context));
  },
};
