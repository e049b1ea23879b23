import { readFileSync, statSync } from "node:fs";
import type { BundleId, PolicyEngine, PolicySnapshot } from "../decide/ports.ts";
import { type RemitError, toRemitError } from "../errors.ts";
import { bundleLimits, type Members, readArchive, readFolder, refuse } from "./archive.ts";
import { type Bundle, readBundle } from "./bundle.ts";
import { applyDelta, patchName } from "./delta.ts";
import { createLastGood } from "./last-good.ts";
import { type GateOptions, passGate } from "./load-gate.ts";
import { type BundleKey, verifySignature } from "./signature.ts";
import { watchPath } from "./watch.ts";

/** What became of one attempt to load. */
export type PolicyEvent =
  | { readonly kind: "activated"; readonly bundle: BundleId; readonly from: "source" | "last_good" }
  | { readonly kind: "unchanged"; readonly bundle: BundleId }
  | { readonly kind: "refused"; readonly error: RemitError; readonly active: BundleId | null };

export interface PolicySetOptions extends GateOptions {
  /** Bundle file (`.tar.gz`) or folder. */
  readonly source: string;
  /** Folder of the last good bundle. */
  readonly stateDir: string;
  readonly keys: readonly BundleKey[];
  readonly watch: boolean;
  readonly nowMs: () => number;
  readonly onEvent: (event: PolicyEvent) => void;
}

/** The active policy and how it changes: load, gate, swap; on any failure the active one stays. */
export interface PolicySet extends PolicyEngine {
  /** First load; falls back to the last good bundle. Never rejects: without any bundle the service is not ready. */
  start(): Promise<void>;
  /** Loads the source again. Never rejects. */
  reload(): Promise<void>;
  close(): void;
}

interface Active {
  readonly bundle: Bundle;
  readonly snapshot: PolicySnapshot;
}

interface Source {
  readonly members: Members;
  /** The archive as it was, when it was one. */
  readonly packed: Buffer | undefined;
}

export function createPolicySet(options: PolicySetOptions): PolicySet {
  const lastGood = createLastGood(options.stateDir);
  let active: Active | undefined;
  let stopWatching: (() => void) | undefined;
  // One load at a time, in order: an older load can never overwrite a newer one.
  let queue: Promise<void> = Promise.resolve();

  const load = async (from: "source" | "last_good"): Promise<void> => {
    try {
      const source = from === "source" ? await readSource(options.source) : await readKept(lastGood.read());
      const next = await admit(source.members, active?.bundle, options);
      if (next === undefined) return options.onEvent({ kind: "unchanged", bundle: (active as Active).snapshot.bundle });
      active = next;
      if (source.packed !== undefined && from === "source" && !source.members.has(patchName)) lastGood.write(source.packed);
      options.onEvent({ kind: "activated", bundle: next.snapshot.bundle, from });
    } catch (thrown) {
      options.onEvent({ kind: "refused", error: toRemitError(thrown, "bundle_invalid"), active: active?.snapshot.bundle ?? null });
    }
  };
  const enqueue = (from: "source" | "last_good"): Promise<void> => {
    queue = queue.then(() => load(from));
    return queue;
  };

  return {
    current: () => active?.snapshot,
    async start() {
      await enqueue("source");
      if (active === undefined && lastGood.read() !== undefined) await enqueue("last_good");
      if (options.watch) stopWatching = watchPath(options.source, () => void enqueue("source"));
    },
    reload: () => enqueue("source"),
    close: () => stopWatching?.(),
  };
}

async function readSource(path: string): Promise<Source> {
  const info = statSync(path, { throwIfNoEntry: false });
  if (info === undefined) throw refuse(`there is no bundle at \`${path}\`; set \`bundle.source\``);
  if (info.isDirectory()) return { members: readFolder(path, bundleLimits), packed: undefined };
  if (info.size > bundleLimits.packedBytesMax) throw refuse(`the bundle is larger than ${bundleLimits.packedBytesMax} bytes`);
  const packed = readFileSync(path);
  return { members: await readArchive(packed, bundleLimits), packed };
}

async function readKept(packed: Buffer | undefined): Promise<Source> {
  if (packed === undefined) throw refuse("no last good bundle was kept");
  return { members: await readArchive(packed, bundleLimits), packed };
}

/** Signature first, then everything else; `undefined` when it is the active bundle again. */
async function admit(members: Members, active: Bundle | undefined, options: PolicySetOptions): Promise<Active | undefined> {
  await verifySignature(members, options.keys);
  if (members.has(patchName) && active === undefined) throw refuse("a delta needs an active bundle; publish a snapshot first");
  const bundle = members.has(patchName) && active !== undefined ? applyDelta(active, members) : readBundle(members);
  if (bundle.digest === active?.digest) return undefined;
  return { bundle, snapshot: await passGate(bundle, options, options.nowMs()) };
}
