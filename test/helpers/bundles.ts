import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { CompactSign, exportSPKI, generateKeyPair } from "jose";
import { pack } from "tar-stream";
import { canonicalText } from "../../service/engine/canonical.ts";

/** One member to pack; `type` other than a file makes a hostile archive. */
export interface Member {
  readonly name: string;
  readonly content?: Buffer | string;
  readonly type?: "file" | "symlink" | "link" | "character-device";
}

/** Packs members as they are, names unchecked. */
export async function packBundle(members: readonly Member[]): Promise<Buffer> {
  const archive = pack();
  for (const { name, content = "", type = "file" } of members)
    archive.entry({ name, type, ...(type === "file" ? {} : { linkname: "/etc/passwd" }) }, content);
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return gzipSync(Buffer.concat(chunks));
}

export const members = (files: Readonly<Record<string, Buffer | string>>): Member[] =>
  Object.entries(files).map(([name, content]) => ({ name, content }));

/** A signer in OPA's format, with its public key. */
export async function createSigner(kid = "k1") {
  const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
  const sign = async (
    files: Readonly<Record<string, Buffer | string>>,
    listed = Object.keys(files),
  ): Promise<Record<string, Buffer | string>> => {
    const payload = { files: listed.map((name) => ({ name, hash: hashOf(name, files[name] ?? ""), algorithm: "SHA-256" })) };
    const jws = await new CompactSign(Buffer.from(JSON.stringify(payload))).setProtectedHeader({ alg: "ES256", kid }).sign(privateKey);
    return { ...files, ".signatures.json": JSON.stringify({ signatures: [jws] }) };
  };
  return { sign, key: { id: kid, algorithm: "ES256", key: await exportSPKI(publicKey) } };
}

function hashOf(name: string, content: Buffer | string): string {
  const structured = name === ".manifest" || name.endsWith("data.json");
  return createHash("sha256")
    .update(structured ? canonicalText(content.toString()) : content)
    .digest("hex");
}
