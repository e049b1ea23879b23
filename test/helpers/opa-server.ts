import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "./free-port.ts";

/** Compiles a folder of policies as anybody would who has them for OPA; returns the bundle's bytes. */
export function buildOpaBundle(opa: string, folder: string, entrypoints: readonly string[]): Buffer {
  const work = mkdtempSync(join(tmpdir(), "opa-bundle-"));
  try {
    const out = join(work, "bundle.tar.gz");
    const asked = entrypoints.flatMap((entrypoint) => ["-e", entrypoint]);
    execFileSync(opa, ["build", "-t", "wasm", "-r", "r1", "-b", folder, ...asked, "-o", out], { stdio: ["ignore", "pipe", "pipe"] });
    return readFileSync(out);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** OPA's own server on a free port of this machine. */
export async function startOpa(opa: string, folder: string): Promise<{ readonly url: string; stop(): void }> {
  const url = `http://127.0.0.1:${await freePort()}`;
  const child = spawn(opa, ["run", "--server", "--disable-telemetry", "--addr", new URL(url).host, folder], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let text = "";
  child.stderr.on("data", (chunk: Buffer) => {
    text = (text + chunk.toString()).slice(-10_000);
  });
  for (let i = 0; i < 200; i++) {
    if (child.exitCode !== null) throw new Error(`OPA ended with ${child.exitCode}:\n${text}`);
    if (
      await fetch(`${url}/health`).then(
        ({ ok }) => ok,
        () => false,
      )
    )
      return { url, stop: () => void child.kill("SIGKILL") }; // prettier-ignore
    await sleep(50);
  }
  child.kill("SIGKILL");
  throw new Error(`OPA did not become ready:\n${text}`);
}
