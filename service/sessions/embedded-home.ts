import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { RemitError } from "../errors.ts";
import { codeOf, deadMarks, Mark, syncFolder, unsyncedMarks } from "./embedded-marks.ts";

/** The folder that holds the state during this run of the machine. */
export interface Home {
  readonly dir: string;
  /** When what was held before had to be set aside (milliseconds since the epoch), or null. */
  readonly lostAtMs: number | null;
  /** To be called about twice a second. Says why this process has to keep off what is in the folder, or null. */
  stay(): string | null;
  /** Which processes were killed. What they wrote is on the disk when all that is in the folder is synced after this. */
  dead(): string[];
  /** Says that all that this process and the dead have written is on the disk, and that it writes nothing more. */
  leave(dead: readonly string[]): void;
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
const homePrefix = "boot-";
const asidePrefix = "lost-";

/**
 * `<path>/boot-<id of the machine's run>/` holds the database and a mark of each process that has it open. After a new start of
 * the machine the folder is renamed if nobody wrote it without waiting for the disk, for then all of it is on disk; else it may be
 * broken and is set aside. Renaming is atomic, so of several processes that start at once one does it and the others find it done.
 * Throws `session_store_unavailable` when a process of another pid namespace has it open.
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
  const mark = new Mark(dir, unsynced);
  return {
    dir,
    lostAtMs,
    stay: () => mark.stay(),
    dead: () => deadMarks(dir),
    leave(dead) {
      for (const name of dead) rmSync(join(dir, name), { force: true });
      mark.remove();
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
    const uses = unsyncedMarks(join(path, only));
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
