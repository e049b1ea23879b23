import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeEach, describe, expect, it } from "vitest";
import { packArchive, readArchive } from "../../../service/engine/archive.ts";
import { createLastGood } from "../../../service/engine/last-good.ts";
import { createPolicySet, type PolicyEvent, type PolicySetOptions } from "../../../service/engine/policy-set.ts";
import { members, packBundle } from "../../helpers/bundles.ts";
import { hazardBundle, hazardInput } from "./hazard.ts";

let folder: string;
let events: PolicyEvent[];
let nowMs: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "remit-set-"));
  events = [];
  nowMs = 1000;
});

const source = () => join(folder, "bundle.tar.gz");
const kept = () => join(folder, "state", "bundle.tar.gz");

function open(more: Partial<PolicySetOptions> = {}) {
  return createPolicySet({
    name: "default",
    source: source(),
    stateDir: join(folder, "state"),
    keys: [],
    watch: false,
    fuelMax: 3_000_000,
    memoryPagesMax: 200,
    entrypoints: ["remit/decision"],
    nowMs: () => nowMs,
    onEvent: (event) => void events.push(event),
    ...more,
  });
}

async function publish(files: Readonly<Record<string, Buffer | string>>, path = source()): Promise<void> {
  writeFileSync(path, await packBundle(members(files)));
}

const delta = (path: string, value: unknown, revision = "d1") => ({
  ".manifest": JSON.stringify({ revision, roots: ["remit"], wasm: [{ entrypoint: "remit/decision", module: "/policy.wasm" }] }),
  "patch.json": JSON.stringify({ data: [{ op: "upsert", path, value }] }),
});

describe("status", () => {
  it("follows what happens", async () => {
    const set = open();
    expect(set.status()).toEqual({ active: null, from: null, lastAttemptMs: null, lastSuccessMs: null, lastError: null, failures: 0 });

    await set.start();
    nowMs = 2000;
    await set.reload();
    expect(set.status()).toMatchObject({ active: null, lastAttemptMs: 2000, lastSuccessMs: null, failures: 2 });
    expect(set.status().lastError).toMatch(/no readable bundle at `.*`; set `bundle.source`/);

    nowMs = 3000;
    await publish(hazardBundle());
    await set.reload();
    expect(set.status()).toEqual({
      active: set.current()?.bundle,
      from: "source",
      lastAttemptMs: 3000,
      lastSuccessMs: 3000,
      lastError: null,
      failures: 0,
    });

    nowMs = 4000;
    writeFileSync(source(), "broken");
    await set.reload();
    expect(set.status()).toMatchObject({ active: { revision: "r1" }, lastAttemptMs: 4000, lastSuccessMs: 3000, failures: 1 });
  });
});

describe("reloads", () => {
  it("come one at a time and in order, however many are asked for: the last state of the source wins", async () => {
    await publish(hazardBundle());
    const set = open();
    await set.start();
    const asked: Promise<void>[] = [];
    for (let revision = 2; revision <= 6; revision++) {
      await publish(hazardBundle({}, `r${revision}`));
      asked.push(set.reload(), set.reload(), set.reload());
    }

    await Promise.all(asked);

    expect(set.current()?.bundle.revision).toBe("r6");
    expect(events.length).toBeLessThan(1 + asked.length);
    const revisions = events.map((event) => (event.kind === "refused" ? "refused" : event.bundle.revision));
    expect(revisions).toEqual([...revisions].sort());
  });

  it("never leave a moment without a policy, nor mix two", async () => {
    await publish(hazardBundle());
    const set = open();
    await set.start();
    let stop = false;
    const asking = (async () => {
      let asked = 0;
      for (; !stop; asked++) {
        const snapshot = set.current();
        expect(snapshot?.evaluate("remit/decision", hazardInput("good", {}, `n${asked}`), 0)).toMatchObject({
          ok: true,
          result: { allow: true, nonce: `n${asked}` },
        });
        await new Promise((resolve) => setImmediate(resolve));
      }
      return asked;
    })();

    for (let revision = 2; revision <= 8; revision++) {
      if (revision % 2 === 0) await publish(hazardBundle({}, `r${revision}`));
      else writeFileSync(source(), "broken");
      await set.reload();
    }
    stop = true;

    expect(await asking).toBeGreaterThan(100);
    expect(events.map(({ kind }) => kind)).toEqual([
      "activated",
      ...new Array(7).fill(0).map((_, i) => (i % 2 === 0 ? "activated" : "refused")),
    ]);
  });
});

describe("the last good bundle", () => {
  it("is kept for a folder too", async () => {
    const dir = join(folder, "dir");
    mkdirSync(join(dir, "remit"), { recursive: true });
    for (const [name, content] of Object.entries(hazardBundle())) writeFileSync(join(dir, name), content);
    await open({ source: dir }).start();
    rmSync(dir, { recursive: true });
    const again = open({ source: dir });

    await again.start();

    expect(again.current()?.bundle.revision).toBe("r1");
    expect(again.status().from).toBe("last_good");
  });

  it("is what a delta at the source is applied to after a restart", async () => {
    await publish(hazardBundle());
    const set = open();
    await set.start();
    await publish(delta("/remit/catalog/tools/new", 1));
    await set.reload();
    const before = set.current();
    const again = open();

    await again.start();

    expect(again.current()?.bundle).toEqual(before?.bundle);
    expect(again.current()?.data).toEqual(before?.data);
    await again.reload();
    expect(events.at(-1)?.kind).toBe("unchanged");
  });

  it("that cannot be kept is said, and the bundle is active all the same", async () => {
    await publish(hazardBundle());
    writeFileSync(join(folder, "file"), "");
    const set = open({ stateDir: join(folder, "file", "state") });

    await set.start();

    expect(set.current()?.bundle.revision).toBe("r1");
    expect(events).toEqual([expect.objectContaining({ kind: "activated", notKept: expect.stringMatching(/ENOTDIR|EEXIST/) })]);
  });

  it("is refused like any other when it was changed on disk", async () => {
    await publish(hazardBundle());
    await open().start();
    rmSync(source());
    writeFileSync(kept(), "broken");
    const again = open();

    await again.start();

    expect(again.current()).toBeUndefined();
    expect(events.slice(-2).map(({ kind }) => kind)).toEqual(["refused", "refused"]);
  });

  it("is whole after a process that writes it is killed at any time, and its drafts go away", async () => {
    const state = join(folder, "state");
    const bundles = await Promise.all(
      ["r1", "r2"].map(async (revision) => packArchive(await readArchive(await packBundle(members(hazardBundle({}, revision)))))),
    );
    for (const [index, bytes] of bundles.entries()) writeFileSync(join(folder, `b${index}`), bytes);
    const script = `
      import { readFileSync } from "node:fs";
      import { createLastGood } from ${JSON.stringify(new URL("../../../service/engine/last-good.ts", import.meta.url).href)};
      const bundles = [0, 1].map((index) => readFileSync(${JSON.stringify(folder)} + "/b" + index));
      const lastGood = createLastGood(${JSON.stringify(state)});
      for (let i = 0; ; i++) { await lastGood.write(bundles[i % 2]); if (i === 1) process.stdout.write("go"); }`;
    writeFileSync(join(folder, "writer.mts"), script);
    for (let round = 0; round < 6; round++) {
      const child = spawn(process.execPath, ["--import", "tsx", join(folder, "writer.mts")], { stdio: ["ignore", "pipe", "inherit"] });
      await new Promise((resolve) => child.stdout.once("data", resolve));
      await sleep(round * 7);
      child.kill("SIGKILL");
      await new Promise((resolve) => child.once("exit", resolve));

      const found = readFileSync(kept());
      expect(bundles.some((bytes) => bytes.equals(found))).toBe(true);
    }

    const drafts = () => readdirSync(state).filter((name) => name.endsWith(".draft"));
    for (const name of drafts()) utimesSync(join(state, name), 0, 0);
    writeFileSync(join(state, "00000000.draft"), "");
    utimesSync(join(state, "00000000.draft"), 0, 0);
    await createLastGood(state).write(Buffer.from("another"));
    expect(drafts()).toEqual([]);
  });
});

describe("watching", () => {
  it("survives a source that goes away and comes back", async () => {
    await publish(hazardBundle());
    const set = open({ watch: true });
    await set.start();
    rmSync(source());
    await expect.poll(() => events.at(-1)?.kind, { timeout: 10_000 }).toBe("refused");
    expect(set.current()?.bundle.revision).toBe("r1");

    await publish(hazardBundle({}, "r2"));

    await expect.poll(() => set.current()?.bundle.revision, { timeout: 10_000 }).toBe("r2");
    set.close();
    expect(existsSync(kept())).toBe(true);
  });
});
