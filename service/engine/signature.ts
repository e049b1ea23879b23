import { createHash } from "node:crypto";
import { compactVerify, importSPKI } from "jose";
import { z } from "zod";
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

const signaturesName = ".signatures.json";
const Signatures = z.object({ signatures: z.array(z.string()).length(1) });
const Payload = z.object({
  files: z.array(z.object({ name: z.string(), hash: z.string(), algorithm: z.string() })),
  keyid: z.string().optional(),
  scope: z.string().optional(),
});
type Payload = z.infer<typeof Payload>;

/** OPA's names of the digests that are good enough. */
const digests: ReadonlyMap<string, string> = new Map([
  ["SHA-256", "sha256"],
  ["SHA-384", "sha384"],
  ["SHA-512", "sha512"],
]);

/**
 * Verifies `.signatures.json` (OPA bundle signing). With any key configured a signature is required, for snapshots and deltas alike;
 * every member must be listed and every listed member be there. Throws RemitError `bundle_invalid`.
 */
export async function verifySignature(members: Members, keys: readonly BundleKey[]): Promise<void> {
  if (keys.length === 0) return;
  const bytes = members.get(signaturesName);
  if (bytes === undefined) throw refuse("the bundle is not signed, and `bundle.keys` demands a signature; sign it with `opa sign`");
  const signatures = Signatures.safeParse(json(signaturesName, bytes));
  if (!signatures.success) throw refuse(`\`${signaturesName}\` must hold exactly one signature`);
  const payload = await verifyJws(signatures.data.signatures[0] ?? "", keys);
  checkFiles(members, payload);
}

async function verifyJws(jws: string, keys: readonly BundleKey[]): Promise<Payload> {
  const id = keyIdOf(jws);
  const key = keys.find((candidate) => candidate.id === id) ?? (id === undefined && keys.length === 1 ? keys[0] : undefined);
  if (key === undefined) throw refuse(`the bundle is signed with key \`${id ?? "none"}\`, which is not one of \`bundle.keys\``);
  const payload = Payload.safeParse(json(signaturesName, Buffer.from(await openJws(jws, key))));
  if (!payload.success) throw refuse("the bundle's signature does not hold a list of files");
  if (key.scope !== undefined && payload.data.scope !== key.scope)
    throw refuse(`the bundle's signature has not the scope \`${key.scope}\``);
  return payload.data;
}

async function openJws(jws: string, key: BundleKey): Promise<Uint8Array> {
  try {
    const material = key.algorithm.startsWith("HS") ? Buffer.from(key.key, "utf8") : await importSPKI(key.key, key.algorithm);
    return (await compactVerify(jws, material, { algorithms: [key.algorithm] })).payload;
  } catch (cause) {
    throw refuse(`the bundle's signature is not valid for key \`${key.id}\` with ${key.algorithm}`, cause);
  }
}

/** `kid` of the header, else `keyid` of the payload: only chooses among configured keys, and is verified with the choice. */
function keyIdOf(jws: string): string | undefined {
  const [header = "", payload = ""] = jws.split(".");
  const kid = z.object({ kid: z.string() }).safeParse(decode(header));
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

function checkFiles(members: Members, payload: Payload): void {
  const listed = new Map(payload.files.map((file) => [file.name.replace(/^\//, ""), file]));
  if (listed.size !== payload.files.length) throw refuse("the bundle's signature lists a file twice");
  for (const name of members.keys())
    if (name !== signaturesName && !listed.has(name)) throw refuse(`bundle member \`${name}\` is not signed`);
  for (const [name, { hash, algorithm }] of listed) {
    const content = members.get(name);
    if (content === undefined) throw refuse(`signed member \`${name}\` is not in the bundle`);
    const digest = digests.get(algorithm);
    if (digest === undefined) throw refuse(`member \`${name}\` is signed with ${algorithm}; use SHA-256 or better`);
    const actual = createHash(digest).update(hashInput(name, content)).digest("hex");
    if (actual !== hash) throw refuse(`bundle member \`${name}\` was changed after it was signed`);
  }
}

/** Manifest and data are hashed as documents, everything else as bytes. */
function hashInput(name: string, content: Buffer): Buffer | string {
  const file = name.split("/").at(-1);
  return name === ".manifest" || file === "data.json" ? canonicalText(content.toString("utf8")) : content;
}
