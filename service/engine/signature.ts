import { createHash, createPublicKey, type KeyObject } from "node:crypto";
import { compactVerify } from "jose";
import { z } from "zod";
import { RemitError } from "../errors.ts";
import { type Members, refuse } from "./archive.ts";
import { json } from "./bundle.ts";
import { canonicalText } from "./canonical.ts";

/** A key that signs bundles; its algorithm comes from here, never from the bundle. */
export interface BundleKey {
  readonly id: string;
  readonly algorithm: string;
  /** Public key in PEM, or the secret of an HS algorithm. */
  readonly key: string;
  readonly scope?: string | undefined;
}

/** Checks the members of a bundle against its signature. Rejects with RemitError `bundle_invalid`. */
export type BundleVerifier = (members: Members) => Promise<void>;

/** Where a bundle's signature stands: at the root, nowhere else. */
export const signaturesName = ".signatures.json";

const Signatures = z.object({ signatures: z.array(z.string()).length(1) });
const Payload = z.object({
  files: z.array(z.object({ name: z.string(), hash: z.string(), algorithm: z.string() })),
  scope: z.string().default(""),
});
type Payload = z.infer<typeof Payload>;

/** OPA's names of the digests that are good enough. */
const digests: ReadonlyMap<string, string> = new Map([
  ["SHA-256", "sha256"],
  ["SHA-384", "sha384"],
  ["SHA-512", "sha512"],
  ["SHA-512-256", "sha512-256"],
]);

const algorithms = /^(?:HS|RS|PS|ES)(?:256|384|512)$/;
/** An HS secret is at least as long as the shortest digest (RFC 7518 section 3.2). */
const secretBytesMin = 32;

interface UsableKey {
  readonly id: string;
  readonly algorithm: string;
  readonly scope: string;
  readonly material: KeyObject | Uint8Array;
}

/**
 * Verifies `.signatures.json` (OPA bundle signing). With any key configured a signature is required, for snapshots and deltas alike;
 * every member must be listed and every listed member be there. Throws RemitError `config_invalid` for a key that cannot be used.
 */
export function createVerifier(keys: readonly BundleKey[]): BundleVerifier {
  const usable = keys.map(readKey);
  if (usable.length === 0) return async () => undefined;
  return async (members) => {
    const bytes = members.get(signaturesName);
    if (bytes === undefined) throw refuse("the bundle is not signed, and `bundle.keys` demands a signature; sign it with `opa sign`");
    const signatures = Signatures.safeParse(json(signaturesName, bytes));
    if (!signatures.success) throw refuse(`\`${signaturesName}\` must hold exactly one signature`);
    checkFiles(members, await verifyJws(signatures.data.signatures[0] ?? "", usable));
  };
}

function readKey({ id, algorithm, key, scope = "" }: BundleKey): UsableKey {
  const wrong = (why: string) => new RemitError("config_invalid", `\`bundle.keys\`: key \`${id}\` ${why}`);
  if (!algorithms.test(algorithm)) throw wrong(`has the algorithm \`${algorithm}\`; use HS, RS, PS or ES with 256, 384 or 512`);
  if (!algorithm.startsWith("HS")) return { id, algorithm, scope, material: readPem(key, wrong) };
  // A public key is no secret: taken as one, it would let everybody sign.
  if (key.includes("-----BEGIN")) throw wrong(`is a PEM key, which cannot be the secret of ${algorithm}`);
  const material = Buffer.from(key, "utf8");
  if (material.length < secretBytesMin) throw wrong(`has a secret shorter than ${secretBytesMin} bytes`);
  return { id, algorithm, scope, material };
}

function readPem(pem: string, wrong: (why: string) => RemitError): KeyObject {
  try {
    return createPublicKey(pem);
  } catch {
    throw wrong("is not a public key in PEM");
  }
}

async function verifyJws(jws: string, keys: readonly UsableKey[]): Promise<Payload> {
  const id = keyIdOf(jws);
  const key = keys.find((candidate) => candidate.id === id) ?? (id === undefined && keys.length === 1 ? keys[0] : undefined);
  if (key === undefined) throw refuse(`the bundle is signed with key \`${id ?? "none"}\`, which is not one of \`bundle.keys\``);
  const payload = Payload.safeParse(json(signaturesName, Buffer.from(await openJws(jws, key))));
  if (!payload.success) throw refuse("the bundle's signature does not hold a list of files; sign it with `opa sign`");
  if (payload.data.scope !== key.scope)
    throw refuse(`the bundle is signed for the scope \`${payload.data.scope}\`, but key \`${key.id}\` is for \`${key.scope}\``);
  return payload.data;
}

async function openJws(jws: string, key: UsableKey): Promise<Uint8Array> {
  try {
    return (await compactVerify(jws, key.material, { algorithms: [key.algorithm] })).payload;
  } catch (cause) {
    throw refuse(`the bundle's signature is not valid for key \`${key.id}\` with ${key.algorithm}; sign it again`, cause);
  }
}

/** `kid` of the header, else `keyid` of the payload: only chooses among configured keys, and is verified with the choice. */
function keyIdOf(jws: string): string | undefined {
  const [header = "", payload = ""] = jws.split(".");
  const kid = z.object({ kid: z.string().min(1) }).safeParse(decode(header));
  if (kid.success) return kid.data.kid;
  const keyid = z.object({ keyid: z.string().min(1) }).safeParse(decode(payload));
  return keyid.success ? keyid.data.keyid : undefined;
}

function decode(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
  } catch {
    return undefined;
  }
}

function checkFiles(members: Members, { files }: Payload): void {
  const listed = new Map(files.map((file) => [file.name.replace(/^\//, ""), file]));
  if (listed.size !== files.length) throw refuse("the bundle's signature lists a file twice; sign it again");
  for (const name of members.keys())
    if (name !== signaturesName && !listed.has(name))
      throw refuse(`bundle member \`${name}\` is not in the bundle's signature; sign it again`);
  for (const [name, { hash, algorithm }] of listed) {
    const content = members.get(name);
    if (content === undefined) throw refuse(`\`${name}\` is in the bundle's signature, but not in the bundle`);
    const digest = digests.get(algorithm);
    if (digest === undefined) throw refuse(`bundle member \`${name}\` is signed with \`${algorithm}\`; use SHA-256 or better`);
    const actual = createHash(digest).update(hashInput(name, content)).digest("hex");
    if (actual !== hash) throw refuse(`bundle member \`${name}\` was changed after the bundle was signed`);
  }
}

/** Manifest and data are hashed as documents, everything else as bytes. */
function hashInput(name: string, content: Buffer): Buffer | string {
  const file = name.split("/").at(-1);
  if (file !== ".manifest" && file !== "data.json") return content;
  json(name, content);
  return canonicalText(content.toString("utf8"));
}
