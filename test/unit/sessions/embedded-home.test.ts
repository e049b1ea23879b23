import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { enterHome, readBootId } from "../../../service/sessions/embedded-home.ts";
import { eventually } from "../../helpers/prometheus.ts";

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
    home.leave([]);
    expect(uses(home.dir).length).toBe(1);
    other.leave([]);
    expect(uses(home.dir)).toEqual([]);
  });

  it("marks a process whose every commit waits for the disk so that nothing counts as lost", () => {
    const home = enter("one", 1, false);
    expect(uses(home.dir)).toEqual([]);
    expect(readdirSync(home.dir).filter((name) => name.startsWith("synced-")).length).toBe(1);
    expect(enter("two", 2).lostAtMs).toBeNull();
  });

  it("goes on with what was left, in whatever run of the machine", () => {
    const home = enter("one", 1);
    writeFileSync(join(home.dir, "data.mdb"), "data");
    home.leave(home.dead());
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
      next.leave([]);
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
    enter("one", 1).leave([]);
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
    home.leave(home.dead());
    expect(uses(home.dir).toSorted()).toEqual([elsewhere, running].toSorted());
  });

  it("removes the marks of those only that were dead when it looked", () => {
    const home = enter("one", 1);
    const dead = home.dead();
    const later = `use-${uses(home.dir)[0]?.split("-")[1]}-99999999-00000000`;
    writeFileSync(join(home.dir, later), "");
    home.leave(dead);
    expect(uses(home.dir)).toEqual([later]);
  });

  describe("where another pid namespace is", () => {
    const elsewhere = "use-1-1-00000000";
    const touchedAgo = (dir: string, name: string, ms: number): void => {
      writeFileSync(join(dir, name), "");
      utimesSync(join(dir, name), (Date.now() - ms) / 1000, (Date.now() - ms) / 1000);
    };

    it.each([true, false])("is not entered while a process of it lives, without waiting for the disk: %s", async (unsynced) => {
      const home = enter("one", 1, unsynced);
      for (const name of [elsewhere, "synced-1-1-00000000"]) {
        const touching = spawn("sh", ["-c", `while :; do touch ${join(home.dir, name)}; sleep 0.1; done`]);
        await eventually("it is touched", async () => existsSync(join(home.dir, name)));
        const refused = expect.objectContaining({ code: "session_store_unavailable", message: expect.stringContaining("or use Redis") });
        expect(() => enter("one", 2, unsynced)).toThrow(refused);
        const ended = new Promise((resolve) => touching.once("exit", resolve));
        touching.kill("SIGKILL");
        await ended;
        rmSync(join(home.dir, name));
      }
      // Who was refused leaves nothing behind.
      expect(readdirSync(home.dir).toSorted()).toEqual(["format.json", expect.stringMatching(/^(use|synced)-/)]);
    });

    it("is entered when nobody of it has been seen for a while, or the clock says nonsense", () => {
      const home = enter("one", 1);
      for (const ms of [10_100, -60_000]) {
        touchedAgo(home.dir, elsewhere, ms);
        enter("one", 2).leave([]);
      }
      expect(home.dead()).toEqual([elsewhere]);
    });

    it("waits for somebody who has just died", () => {
      const home = enter("one", 1);
      touchedAgo(home.dir, elsewhere, 9_500);
      expect(home.dead()).toEqual([]);
      enter("one", 2).leave([]);
      expect(home.dead()).toEqual([elsewhere]);
    });

    it("has the right of way of whoever was stopped for so long that it counted as gone, until it goes", () => {
      const home = enter("one", 1);
      const [mine = ""] = uses(home.dir);
      touchedAgo(home.dir, elsewhere, 0);
      // Who comes later is refused, and so this one stays.
      expect(home.stay()).toBeNull();
      for (const stopped of [() => touchedAgo(home.dir, mine, 20_000), () => rmSync(join(home.dir, mine))]) {
        stopped();
        touchedAgo(home.dir, elsewhere, 0);
        expect(home.stay()).toContain("pid namespace");
        expect(home.stay()).toContain("pid namespace");
        rmSync(join(home.dir, elsewhere));
        expect(home.stay()).toBeNull();
        expect(Date.now() - statSync(join(home.dir, mine)).mtimeMs).toBeLessThan(10_000);
      }
    });
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
