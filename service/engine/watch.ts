import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

/** Milliseconds between two looks; a change must look the same twice, so that a file is not read while it is being written. */
const lookMs = 500;

/**
 * Calls back after a file or folder changed and then stood still. Looks at times and sizes, which works on every file system and for
 * links that are swapped (as Kubernetes does), where notifications do not. Returns a function that stops it.
 */
export function watchPath(path: string, onChange: () => void): () => void {
  let known = fingerprint(path);
  let candidate = known;
  const timer = setInterval(() => {
    const seen = fingerprint(path);
    if (seen !== known && seen === candidate) {
      known = seen;
      onChange();
    }
    candidate = seen;
  }, lookMs).unref();
  return () => clearInterval(timer);
}

/** Never throws: what cannot be looked at is a state too, and one that may pass. */
function fingerprint(path: string): string {
  try {
    const info = statSync(path);
    if (!info.isDirectory()) return `${info.ino}:${info.mtimeMs}:${info.size}`;
    const entries = readdirSync(path).sort();
    return entries.map((entry) => `${entry}=${fingerprint(join(path, entry))}`).join("|");
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : "unreadable";
  }
}
