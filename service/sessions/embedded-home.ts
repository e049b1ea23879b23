import { randomUUID } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { RemitError } from "../errors.ts";

/** The folder that holds the state during this run of the machine. */
export interface Home {
  readonly dir: string;
  /** When what was held before had to be set aside (milliseconds since the epoch), or null. */
  readonly lostAtMs: number | null;
  /** Says that all was written to disk and nothing more will be. */
  leave(): void;
}

interface EnterOptions {
  readonly path: string;
  /** Names this run of the machine; null where that is not known. */
  readonly bootId: string | null;
  /** Commits reach the disk some time later, so that a crash of the machine may leave a broken file. */
  readonly unsynced: boolean;
  readonly nowMs: number;
}

const format = 1;
const formatFile = "format.json";
const usePrefix = "use-";
const homePrefix = "boot-";
const asidePrefix = "lost-";

/**
 * `<path>/boot-<id of the machine's run>/` holds the database and a file `use-…` of each process that writes it without waiting for the
 * disk. After a new start of the machine the folder is renamed if nobody had it in use, for then all of it is on disk; else it may be
 * broken and is set aside. Renaming is atomic, so of several processes that start at once one does it and the others find it done.
 */
export function enterHome(options: EnterOptions): Home {
  const { path, bootId, unsynced } = options;
  const dir = join(path, `${homePrefix}${bootId ?? "any"}`);
  mkdirSync(path, { recursive: true, mode: 0o700 });
  for (let tries = 0; !existsSync(dir); tries++) {
    if (tries === 100) throw new RemitError("session_store_unavailable", `\`${dir}\` cannot be made`);
    makeHome(options, dir);
  }
  const { lostAtMs } = readFormat(dir);
  const mark = join(dir, `${usePrefix}${processSpace()}-${process.pid}-${randomUUID().slice(0, 8)}`);
  if (unsynced) {
    writeFileSync(mark, "");
    syncFolder(dir);
  }
  return {
    dir,
    lostAtMs,
    leave() {
      for (const name of deadUses(dir)) rmSync(join(dir, name), { force: true });
      rmSync(mark, { force: true });
    },
  };
}

/** Identifies this run of the machine; null where the system does not tell. */
export function readBootId(): string | null {
  try {
    const id = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return /^[0-9a-f-]{36}$/.test(id) ? id : null;
  } catch {
    return null;
  }
}

function makeHome({ path, nowMs }: EnterOptions, dir: string): void {
  const earlier = readdirSync(path).filter((name) => name.startsWith(homePrefix));
  const [only] = earlier;
  if (only !== undefined && earlier.length === 1) {
    const uses = usesOf(join(path, only));
    // Gone: another process has renamed it meanwhile.
    if (uses === null) return;
    if (uses.length === 0) return void rename(join(path, only), dir);
  }
  startAnew(path, dir, earlier.length === 0 ? null : nowMs);
  for (const name of earlier) rename(join(path, name), join(path, `${asidePrefix}${nowMs}-${name}`));
}

/** The new folder says what was lost before the old ones go, so that no crash in between can hide it. Of what was set aside the latest is kept. */
function startAnew(path: string, dir: string, lostAtMs: number | null): void {
  const made = join(path, `new-${randomUUID()}`);
  mkdirSync(made, { mode: 0o700 });
  writeFileSync(join(made, formatFile), JSON.stringify({ format, lost_at_ms: lostAtMs }), { flush: true });
  syncFolder(made);
  if (!rename(made, dir)) return void rmSync(made, { recursive: true, force: true });
  if (lostAtMs === null) return;
  for (const name of readdirSync(path).filter((each) => each.startsWith(asidePrefix)))
    rmSync(join(path, name), { recursive: true, force: true });
}

/** False when another process was first: the source is gone, or the target is there. */
function rename(from: string, to: string): boolean {
  try {
    renameSync(from, to);
  } catch (thrown) {
    if (["ENOENT", "ENOTEMPTY", "EEXIST"].includes(codeOf(thrown))) return false;
    throw thrown;
  }
  syncFolder(dirname(to));
  return true;
}

function readFormat(dir: string): { lostAtMs: number | null } {
  const text = JSON.parse(readFileSync(join(dir, formatFile), "utf8")) as { format?: unknown; lost_at_ms?: unknown };
  const { format: found, lost_at_ms: lostAtMs } = text;
  if (found === format && (lostAtMs === null || typeof lostAtMs === "number")) return { lostAtMs };
  throw new RemitError("session_store_unavailable", `\`${join(dir, formatFile)}\` is not of a version that this service reads`);
}

/** Marks of processes that have not left; null when there is no such folder. */
function usesOf(dir: string): string[] | null {
  try {
    return readdirSync(dir).filter((name) => name.startsWith(usePrefix));
  } catch (thrown) {
    if (codeOf(thrown) === "ENOENT") return null;
    throw thrown;
  }
}

/** Marks of processes that were killed. What they wrote is on disk by now; those of other process spaces cannot be judged and stay. */
function deadUses(dir: string): string[] {
  const space = processSpace();
  return (usesOf(dir) ?? []).filter((name) => {
    const [, inSpace, pid] = name.split("-");
    return inSpace === space && !isRunning(Number(pid));
  });
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return codeOf(thrown) !== "ESRCH";
  }
}

/** Process ids mean something within one namespace only. */
function processSpace(): string {
  try {
    return readlinkSync("/proc/self/ns/pid").replace(/\D/g, "");
  } catch {
    return "0";
  }
}

function syncFolder(dir: string): void {
  const handle = openSync(dir, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function codeOf(thrown: unknown): string {
  return typeof thrown === "object" && thrown !== null && "code" in thrown ? String(thrown.code) : "";
}
