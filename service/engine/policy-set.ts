import { readFile, stat } from "node:fs/promises";
import type { BundleId, PolicyEngine, PolicySnapshot } from "../decide/ports.ts";
import { describe, type RemitError, toRemitError } from "../errors.ts";
import { bundleLimits, type Members, packArchive, readArchive, readFolder, refuse } from "./archive.ts";
import { type Bundle, readBundle } from "./bundle.ts";
import { applyDelta, isDelta } from "./delta.ts";
import { createLastGood, type LastGood } from "./last-good.ts";
import { type GateOptions, passGate } from "./load-gate.ts";
import { type BundleKey, type BundleVerifier, createVerifier } from "./signature.ts";
import { watchPath } from "./watch.ts";

/** Where a bundle came from. */
export type BundleOrigin = "source" | "last_good";

/** What became of one attempt to load. `notKept` says why the bundle, though active, could not be kept on disk. */
export type PolicyEvent =
  | { readonly kind: "activated"; readonly bundle: BundleId; readonly from: BundleOrigin; readonly notKept: string | null }
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

/** How loading stands; times in milliseconds since the epoch. */
export interface PolicyStatus {
  readonly active: BundleId | null;
  readonly from: BundleOrigin | null;
  readonly lastAttemptMs: number | null;
  readonly lastSuccessMs: number | null;
  /** Why the last attempt was refused; null when it was not. */
  readonly lastError: string | null;
  /** Refused attempts since the last success. */
  readonly failures: number;
}

/** The active policy and how it changes: load, gate, swap; on any failure the active one stays. */
export interface PolicySet extends PolicyEngine {
  /** First load; falls back to the last good bundle. Never rejects: without any bundle the service is not ready. */
  start(): Promise<void>;
  /** Loads the source again. Never rejects. */
  reload(): Promise<void>;
  status(): PolicyStatus;
  close(): void;
}

interface Active {
  readonly bundle: Bundle;
  readonly snapshot: PolicySnapshot;
}

/** Throws RemitError `config_invalid` for a key that cannot be used; everything else is an event. */
export function createPolicySet(options: PolicySetOptions): PolicySet {
  const loader: Loader = { options, verify: createVerifier(options.keys), lastGood: createLastGood(options.stateDir) };
  let active: Active | undefined;
  let status: PolicyStatus = { active: null, from: null, lastAttemptMs: null, lastSuccessMs: null, lastError: null, failures: 0 };
  let stopWatching: (() => void) | undefined;

  const load = async (from: BundleOrigin): Promise<void> => {
    const attempt = { lastAttemptMs: options.nowMs() };
    try {
      const members = from === "source" ? await readSource(options.source) : await readKept(loader.lastGood);
      const next = await admit(loader, members, active?.bundle);
      if (next !== undefined) active = next;
      const bundle = (active as Active).snapshot.bundle;
      status = { ...attempt, active: bundle, from: next === undefined ? status.from : from, ...succeeded(options.nowMs()) };
      if (next === undefined) options.onEvent({ kind: "unchanged", bundle });
      else options.onEvent({ kind: "activated", bundle, from, notKept: from === "source" ? await keep(loader.lastGood, members) : null });
    } catch (thrown) {
      const error = toRemitError(thrown, "bundle_invalid");
      status = { ...status, ...attempt, lastError: error.message, failures: status.failures + 1 };
      options.onEvent({ kind: "refused", error, active: status.active });
    }
  };
  const enqueue = createQueue(load);

  return {
    current: () => active?.snapshot,
    async start() {
      // Watching starts first: a change during the first load is not missed.
      if (options.watch) stopWatching = watchPath(options.source, () => void enqueue("source"));
      await enqueue("source");
      if (active !== undefined || (await loader.lastGood.read().catch(() => undefined)) === undefined) return;
      await enqueue("last_good");
      // The source may be a delta, which has something to be applied to only now.
      if (active !== undefined && (await sourceIsDelta(options.source))) await enqueue("source");
    },
    reload: () => enqueue("source"),
    status: () => status,
    close: () => stopWatching?.(),
  };
}

interface Loader {
  readonly options: PolicySetOptions;
  readonly verify: BundleVerifier;
  readonly lastGood: LastGood;
}

function succeeded(nowMs: number) {
  return { lastSuccessMs: nowMs, lastError: null, failures: 0 };
}

/**
 * Loads one at a time and in order, so an older one can never overwrite a newer one. A load that has not begun stands for all that are
 * asked for meanwhile: it will see the newest source.
 */
function createQueue(load: (from: BundleOrigin) => Promise<void>): (from: BundleOrigin) => Promise<void> {
  let last: Promise<void> = Promise.resolve();
  const waiting = new Map<BundleOrigin, Promise<void>>();
  return (from) => {
    const known = waiting.get(from);
    if (known !== undefined) return known;
    const next = last.then(() => {
      waiting.delete(from);
      return load(from);
    });
    waiting.set(from, next);
    last = next;
    return next;
  };
}

async function readSource(path: string): Promise<Members> {
  const info = await stat(path).catch((cause: unknown) => {
    throw refuse(`there is no readable bundle at \`${path}\`; set \`bundle.source\` (${describe(cause)})`, cause);
  });
  if (info.isDirectory()) return readFolder(path);
  if (info.size > bundleLimits.packedBytesMax)
    throw refuse(`the bundle is larger than ${bundleLimits.packedBytesMax} bytes; make it smaller`);
  return readArchive(await readFile(path));
}

async function readKept(lastGood: LastGood): Promise<Members> {
  const packed = await lastGood.read();
  if (packed === undefined) throw refuse("no last good bundle was kept");
  return readArchive(packed);
}

async function sourceIsDelta(path: string): Promise<boolean> {
  return readSource(path).then(isDelta, () => false);
}

/** Signature first, then everything else; `undefined` when it is the active bundle again. */
async function admit({ options, verify }: Loader, members: Members, active: Bundle | undefined): Promise<Active | undefined> {
  await verify(members);
  if (isDelta(members) && active === undefined) throw refuse("a delta needs an active bundle; publish a snapshot first");
  const bundle = isDelta(members) && active !== undefined ? applyDelta(active, members) : readBundle(members);
  if (bundle === undefined || bundle.digest === active?.digest) return undefined;
  return { bundle, snapshot: await passGate(bundle, options, options.nowMs()) };
}

/** Keeps a snapshot for the next start; a delta is nothing without its snapshot, which is kept already. */
async function keep(lastGood: LastGood, members: Members): Promise<string | null> {
  if (isDelta(members)) return null;
  try {
    await lastGood.write(await packArchive(members));
    return null;
  } catch (error) {
    return describe(error);
  }
}
