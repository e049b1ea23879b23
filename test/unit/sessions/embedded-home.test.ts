import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { enterHome, readBootId } from "../../../service/sessions/embedded-home.ts";

describe("enterHome", () => {
  let path: string;

  beforeEach(() => {
    path = join(mkdtempSync(join(tmpdir(), "remit-home-")), "deep", "state");
  });
  afterEach(() => rmSync(join(path, "../.."), { recursive: true, force: true }));

  const enter = (bootId: string | null, nowMs: number, unsynced = true) => enterHome({ path, bootId, unsynced, nowMs });
  const uses = (dir: string): string[] => readdirSync(dir).filter((name) => name.startsWith("use-"));

  it("makes a folder that only its owner may enter, and marks it as in use until it is left", () => {
    const home = enter("one", 1);
    expect(home).toMatchObject({ dir: join(path, "boot-one"), lostAtMs: null });
    expect(statSync(path).mode & 0o077).toBe(0);
    expect(statSync(home.dir).mode & 0o077).toBe(0);
    const other = enter("one", 2);
    expect(other.dir).toBe(home.dir);
    expect(uses(home.dir).length).toBe(2);
    home.leave();
    expect(uses(home.dir).length).toBe(1);
    other.leave();
    expect(uses(home.dir)).toEqual([]);
  });

  it("marks nothing where every commit waits for the disk", () => {
    expect(uses(enter("one", 1, false).dir)).toEqual([]);
  });

  it("goes on with what was left, in whatever run of the machine", () => {
    const home = enter("one", 1);
    writeFileSync(join(home.dir, "data.mdb"), "data");
    home.leave();
    const next = enter("two", 2);
    expect(next.lostAtMs).toBeNull();
    expect(readdirSync(next.dir)).toContain("data.mdb");
    expect(readdirSync(path)).toEqual(["boot-two"]);
  });

  it("sets aside what was in use in another run of the machine, and keeps saying when", () => {
    const home = enter("one", 1);
    writeFileSync(join(home.dir, "data.mdb"), "data");
    for (const nowMs of [7, 8]) {
      const next = enter("two", nowMs);
      expect(next.lostAtMs).toBe(7);
      expect(readdirSync(next.dir)).not.toContain("data.mdb");
      next.leave();
    }
    expect(readdirSync(path).toSorted()).toEqual(["boot-two", "lost-7-boot-one"]);
    expect(readdirSync(join(path, "lost-7-boot-one"))).toContain("data.mdb");
    expect(enter("three", 9).lostAtMs).toBe(7);
  });

  it("keeps the latest that was set aside", () => {
    enter("one", 1);
    enter("two", 2);
    enter("three", 3);
    expect(readdirSync(path).toSorted()).toEqual(["boot-three", "lost-3-boot-two"]);
  });

  it("sets aside whatever there is when it is not one folder", () => {
    enter("one", 1).leave();
    mkdirSync(join(path, "boot-other"));
    expect(enter("two", 5).lostAtMs).toBe(5);
    expect(readdirSync(path).toSorted()).toEqual(["boot-two", "lost-5-boot-one", "lost-5-boot-other"]);
  });

  it("removes the marks of processes that are gone, and no others", () => {
    const home = enter("one", 1);
    const [mine] = uses(home.dir);
    const space = mine?.split("-")[1];
    const gone = `use-${space}-99999999-00000000`;
    const elsewhere = "use-1-99999999-00000000";
    const running = `use-${space}-${process.ppid}-00000000`;
    for (const name of [gone, elsewhere, running]) writeFileSync(join(home.dir, name), "");
    home.leave();
    expect(uses(home.dir).toSorted()).toEqual([elsewhere, running].toSorted());
  });

  it("does not read what another version has written", () => {
    const { dir } = enter("one", 1);
    for (const text of ['{"format":2,"lost_at_ms":null}', '{"format":1,"lost_at_ms":"x"}', "{}"]) {
      writeFileSync(join(dir, "format.json"), text);
      expect(() => enter("one", 1)).toThrow(expect.objectContaining({ code: "session_store_unavailable" }));
    }
  });

  it("knows this run of the machine", () => {
    expect(readBootId()).toMatch(/^[0-9a-f-]{36}$/);
    expect(enter(null, 1).dir).toBe(join(path, "boot-any"));
  });
});
