import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { type Members, packReproducibly, unpack } from "./pack.ts";
import { type Sources, sha256, sourcesDigest } from "./sources.ts";

/** Rules that can be asked for. */
export const entrypoints = ["remit/decision"] as const;

const roots = ["remit"];

/** What the engine gives: a call of anything else is a compile error with its line. */
const capabilities = resolve(import.meta.dirname, "../../rego/capabilities.json");

/** METADATA of one package or rule, for the generated reference. */
export interface Annotation {
  /** `remit.policies.token.token_required` */
  readonly path: string;
  readonly scope: string;
  readonly title: string;
  readonly description: string;
  readonly custom?: Readonly<Record<string, unknown>>;
}

/** What `bundles/default.json` says of the bundle beside it. */
export interface BundleDescription {
  readonly revision: string;
  /** Of the tarball. Its bytes also depend on `zlib`, those of its members do not. */
  readonly sha256: string;
  readonly members: Readonly<Record<string, string>>;
  readonly opa_version: string;
  readonly zlib: string;
  readonly entrypoints: readonly string[];
  readonly sources_sha256: string;
  readonly annotations: readonly Annotation[];
}

/** A built bundle and its description. */
export interface BuiltBundle {
  readonly tarball: Buffer;
  readonly description: BundleDescription;
}

/** Builds the bundle with OPA; equal sources and an equal OPA give equal bytes. */
export async function buildBundle(opa: string, sources: Sources): Promise<BuiltBundle> {
  const work = mkdtempSync(join(tmpdir(), "remit-bundle-"));
  try {
    const digest = sourcesDigest(sources);
    const revision = digest.slice(0, 16);
    stage(join(work, "src"), sources, revision);
    const members = ownMembers(await compile(opa, work));
    const tarball = await packReproducibly(members);
    return { tarball, description: describeBundle({ opa, work, members, tarball, revision, digest }) };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The self-test rides in the manifest, so that a bundle brings the questions that it must answer before it goes live. */
function stage(folder: string, sources: Sources, revision: string): void {
  const selfTest: unknown = JSON.parse(sources.get("self-test.json")?.toString("utf8") ?? "[]");
  const manifest = { revision, roots, rego_version: 1, metadata: { remit: { self_test: selfTest } } };
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, ".manifest"), JSON.stringify(manifest));
  for (const [name, content] of sources) {
    if (name === "self-test.json") continue;
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
}

async function compile(opa: string, work: string): Promise<Map<string, Buffer>> {
  const out = join(work, "bundle.tar.gz");
  const asked = entrypoints.flatMap((entrypoint) => ["-e", entrypoint]);
  const args = ["build", "-t", "wasm", "-O", "0", "--capabilities", capabilities, "-b", "src", ...asked, "-o", out];
  const { status, stdout, stderr } = spawnSync(opa, args, { cwd: work, encoding: "utf8" });
  if (status !== 0) throw new Error(`the policies do not compile:\n${`${stdout}${stderr}`.trim()}`);
  return unpack(readFileSync(out));
}

/** OPA adds the modules without the entrypoint rules: they say neither what is asked nor how it is answered. */
function ownMembers(members: Members): Members {
  return new Map([...members].filter(([name]) => !name.endsWith(".rego")));
}

interface Parts {
  readonly opa: string;
  readonly work: string;
  readonly members: Members;
  readonly tarball: Buffer;
  readonly revision: string;
  readonly digest: string;
}

function describeBundle({ opa, work, members, tarball, revision, digest }: Parts): BundleDescription {
  const names = [...members.keys()].sort();
  return {
    revision,
    sha256: sha256(tarball),
    members: Object.fromEntries(names.map((name) => [name, sha256(members.get(name) ?? "")])),
    opa_version: opaVersion(opa),
    zlib: process.versions.zlib ?? "",
    entrypoints,
    sources_sha256: digest,
    annotations: annotations(opa, join(work, "src")),
  };
}

function opaVersion(opa: string): string {
  const output = execFileSync(opa, ["version"], { encoding: "utf8" });
  return /^Version: (\S+)$/m.exec(output)?.[1] ?? "";
}

interface Inspected {
  readonly annotations: readonly {
    readonly path: readonly { readonly value: string }[];
    readonly annotations: {
      readonly scope: string;
      readonly title?: string;
      readonly description?: string;
      readonly custom?: Readonly<Record<string, unknown>>;
    };
  }[];
}

function annotations(opa: string, folder: string): readonly Annotation[] {
  const output = execFileSync(opa, ["inspect", "--annotations", "--format", "json", folder], {
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  const inspected = JSON.parse(output) as Inspected;
  return inspected.annotations
    .map(({ path, annotations: { scope, title = "", description = "", custom } }) => ({
      path: path
        .slice(1)
        .map((part) => part.value)
        .join("."),
      scope,
      title,
      description: description.trim(),
      ...(custom === undefined ? {} : { custom }),
    }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}
