import { mkdtempSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { DecisionRecord, SessionEvent } from "../../../service/decide/decision-record.ts";
import type { Sink } from "../../../service/decision-log/batch-writer.ts";
import { createDecisionLog, type DecisionLogOptions } from "../../../service/decision-log/decision-log.ts";
import { createFileSink } from "../../../service/decision-log/sinks/file.ts";

const record = (id: string) => ({ decision_id: id, result: {}, input: {} }) as unknown as DecisionRecord;

function memorySink(fail: { times: number } = { times: 0 }) {
  const lines: string[] = [];
  const take = (bytes: Buffer): number => {
    lines.push(...bytes.toString().trimEnd().split("\n"));
    return bytes.length;
  };
  const sink: Sink = {
    async write(bytes) {
      if (fail.times-- > 0) throw new Error("disk full");
      return take(bytes);
    },
    writeSync: take,
    reopen: () => undefined,
    close: () => undefined,
  };
  return { sink, ids: () => lines.map((line) => (JSON.parse(line) as DecisionRecord).decision_id) };
}

function open(sinks: readonly Sink[], more: Partial<DecisionLogOptions> = {}) {
  const errors: unknown[] = [];
  const log = createDecisionLog({
    sinks,
    flushMs: 1,
    queueRecordsMax: 1000,
    queueBytesMax: 1e6,
    policyMask: () => [],
    onWritten: () => undefined,
    onPending: () => undefined,
    onError: (error) => void errors.push(error),
    ...more,
  });
  return { log, errors };
}

describe("decision log", () => {
  it("writes every record once, in order, also what comes during a write", async () => {
    const { sink, ids } = memorySink();
    const { log } = open([sink]);

    for (let i = 0; i < 500; i++) {
      log.write(record(`d-${i}`), null);
      if (i % 50 === 0) await sleep(2);
    }
    await log.close();

    expect(ids()).toEqual(Array.from({ length: 500 }, (_, i) => `d-${i}`));
  });

  it("keeps a batch that a sink refused and does not repeat it to one that took it", async () => {
    const good = memorySink();
    const bad = memorySink({ times: 1 });
    const { log, errors } = open([good.sink, bad.sink]);

    log.write(record("a"), null);
    await log.flush();
    log.write(record("b"), null);
    await log.flush();
    await log.close();

    expect(errors).toHaveLength(1);
    expect(good.ids()).toEqual(["a", "b"]);
    expect(bad.ids()).toEqual(["a", "b"]);
  });

  it("goes on where a sink stopped in the middle of a line", async () => {
    const taken: Buffer[] = [];
    let calls = 0;
    const halting: Sink = {
      async write(bytes) {
        if (++calls === 2) throw new Error("disk full");
        taken.push(bytes.subarray(0, 7));
        return Math.min(7, bytes.length);
      },
      writeSync: () => 0,
      reopen: () => undefined,
      close: () => undefined,
    };
    const { log, errors } = open([halting]);

    log.write(record("a"), null);
    log.write(record("b"), null);
    await log.flush();
    await log.flush();

    expect(errors).toHaveLength(1);
    expect(Buffer.concat(taken).toString()).toBe(`${JSON.stringify(record("a"))}\n${JSON.stringify(record("b"))}\n`);
  });

  it("refuses a record when its queue is full instead of dropping one", async () => {
    const stalled = memorySink({ times: 1e9 });
    const { log } = open([stalled.sink], { queueRecordsMax: 3 });

    for (const id of ["a", "b", "c"]) log.write(record(id), null);

    expect(() => log.write(record("d"), null)).toThrow(expect.objectContaining({ code: "record_failed" }));
    await log.close();
    expect(stalled.ids()).toEqual(["a", "b", "c"]);
  });

  it("refuses a record when too many bytes wait", () => {
    const { log } = open([memorySink({ times: 1e9 }).sink], { queueBytesMax: 30 });
    log.write(record("a"), null);

    expect(() => log.write(record("b"), null)).toThrow(expect.objectContaining({ code: "record_failed" }));
  });
});

describe("file sink", () => {
  it("appends to a file that only its owner can read, and follows a rotation", async () => {
    const path = join(mkdtempSync(join(tmpdir(), "remit-log-")), "sub", "decisions.jsonl");
    const { log } = open([createFileSink(path)]);

    log.write(record("a"), null);
    await log.flush();
    renameSync(path, `${path}.1`);
    log.reopen();
    log.write(record("b"), null);
    await log.close();

    expect(readFileSync(`${path}.1`, "utf8")).toContain('"a"');
    expect(readFileSync(path, "utf8")).toBe(`${JSON.stringify(record("b"))}\n`);
    expect(statSync(path).mode & 0o077).toBe(0);
  });

  it("says which file cannot be opened", () => {
    const file = join(mkdtempSync(join(tmpdir(), "remit-log-")), "plain");
    writeFileSync(file, "");

    expect(() => createFileSink(join(file, "x.jsonl"))).toThrow(/cannot open `.*plain\/x.jsonl` for decision records: E/);
  });

  it("reports a full device and keeps the records", async () => {
    const { log, errors } = open([createFileSink("/dev/full")], { queueRecordsMax: 1 });

    log.write(record("a"), null);
    await log.flush();

    expect(String(errors[0])).toContain("ENOSPC");
    expect(() => log.write(record("b"), null)).toThrow(expect.objectContaining({ code: "record_failed" }));
  });
});

describe("events of sessions", () => {
  const event = (id: string) => ({ type: "remit/session_event", decision_id: id, input: {}, result: {} }) as unknown as SessionEvent;

  it("stand among the decisions, in order", async () => {
    const { sink, ids } = memorySink();
    const { log } = open([sink]);
    log.write(record("d-1"), null);
    log.writeEvent(event("e-1"), null);
    log.write(record("d-2"), null);
    await log.close();

    expect(ids()).toEqual(["d-1", "e-1", "d-2"]);
  });

  it("are refused before anything is done when the queue is full, and kept when it was done", async () => {
    const { sink, ids } = memorySink();
    const { log } = open([sink], { queueRecordsMax: 1, flushMs: 10_000 });
    log.checkRoom();
    log.write(record("d-1"), null);

    expect(() => log.checkRoom()).toThrow(expect.objectContaining({ code: "record_failed" }));
    log.writeEvent(event("e-1"), null);
    await log.close();
    expect(ids()).toEqual(["d-1", "e-1"]);
  });
});
