import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, release } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";

/** Servers run here, one at a time; the generator runs on the other core. */
export const serverCore = 0;
const generatorCore = 1;

/** True when processes can be tied to cores here. */
export const pinned = cpus().length > 1 && spawnSync("taskset", ["--version"]).status === 0;

/** A command line that runs on the servers' core. */
export function onServerCore(command: readonly string[]): readonly string[] {
  return pinned ? ["taskset", "-c", String(serverCore), ...command] : command;
}

/** Ties this process, all its threads, to the generator's core. */
export function moveToGeneratorCore(): void {
  if (pinned) spawnSync("taskset", ["-a", "-p", "-c", String(generatorCore), String(process.pid)]);
}

/** Lines that say where this was measured. */
export function machineLines(): readonly string[] {
  const model = cpus()[0]?.model.trim() ?? "unknown";
  const place = pinned
    ? `each server alone on core ${serverCore}, the generator on core ${generatorCore}`
    : "servers and generator not pinned";
  return [`${cpus().length} cores, ${model}, ${process.platform} ${release()}`, place];
}

const tickUs = 10_000;

/** CPU microseconds, user and system, that a process has used with all its threads; undefined where there is no /proc. */
export function cpuUs(pid: number): number | undefined {
  const fields = procFields(`/proc/${pid}/stat`);
  return fields === undefined ? undefined : (Number(fields[11]) + Number(fields[12])) * tickUs;
}

/** Everything after the command's name, which may hold spaces. */
function procFields(path: string): readonly string[] | undefined {
  try {
    return readFileSync(path, "utf8").split(") ").at(-1)?.split(" ");
  } catch {
    return undefined;
  }
}

/** CPU microseconds that the servers' core has been busy since boot; undefined where there is no /proc. */
export function coreBusyUs(): number | undefined {
  try {
    const line = readFileSync("/proc/stat", "utf8")
      .split("\n")
      .find((text) => text.startsWith(`cpu${serverCore} `));
    const [user = 0, nice = 0, system = 0, , , irq = 0, softIrq = 0, steal = 0] = line?.split(" ").slice(1).map(Number) ?? [];
    return (user + nice + system + irq + softIrq + steal) * tickUs;
  } catch {
    return undefined;
  }
}

/** Resident memory of a process in MiB; undefined where there is no /proc. */
export function residentMiB(pid: number): number | undefined {
  try {
    const kib = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return kib === undefined ? undefined : Number(kib) / 1024;
  } catch {
    return undefined;
  }
}

/** Waits, at most `msMax`, until the servers' core has nearly nothing to do. */
export async function waitQuiet(msMax: number): Promise<void> {
  for (const endMs = Date.now() + msMax; Date.now() < endMs; ) {
    const before = coreBusyUs();
    await sleep(250);
    const after = coreBusyUs();
    if (before === undefined || after === undefined || after - before < 25_000) return;
  }
}
