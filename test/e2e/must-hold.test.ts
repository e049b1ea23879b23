import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { members, packBundle } from "../helpers/bundles.ts";
import { allowedCall, cleanUp, deniedCall, post, type RunningService, startService } from "../helpers/service.ts";
import { hazardBundle } from "../unit/engine/hazard.ts";

let service: RunningService;

afterEach(async () => {
  await service.stop();
  cleanUp(service);
});

/** Runs `count` tasks, `width` at a time. */
async function inParallel(count: number, width: number, task: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await task(next++);
  };
  await Promise.all(Array.from({ length: width }, worker));
}

const hostileTexts = [
  '{"tool":{"name":"search_customers"},"arguments":{"q":"\\ud800"}}',
  '{"tool":{"name":"search_customers"},"arguments":{"\\udfff":1}}',
  '{"tool":{"name":"search_customers"},"context":{"deep":[["\\ud800\\ud800"]]}}',
  '{"tool":{"name":"search_customers","annotations":{"title":"\\udc00"}}}',
];

/** Calls that are allowed and denied in turn, in many sessions: one alone would soon have read too much. */
const callOf = (i: number) => ({ ...(i % 2 === 0 ? allowedCall : deniedCall), session: { id: `s-${i % 64}` } });

describe("what must hold", () => {
  it("10,000 requests with lone surrogates through every door do no harm to 1,000 good ones", async () => {
    service = await startService();
    const doors = ["/decide", "/v1/decide", "/decide/batch", "/v1/decide/batch"];

    await inParallel(10_000, 16, async (i) => {
      const text = hostileTexts[i % hostileTexts.length] ?? "";
      const door = doors[i % doors.length] ?? "";
      const answer = await post(`${service.url}${door}`, door.endsWith("batch") ? `{"calls":[${text}]}` : text);
      if (answer.status !== 400 || answer.body.allow !== false) throw new Error(`was answered ${answer.status}`);
    });

    await inParallel(1000, 16, async (i) => {
      const { body } = await post(`${service.url}/decide`, callOf(i));
      if (body.allow !== (i % 2 === 0)) throw new Error(`call ${i} was answered wrongly: ${JSON.stringify(body)}`);
    });
  });

  it("a policy that does not end costs its one decision, and is recorded", async () => {
    const folder = mkdtempSync(join(tmpdir(), "remit-hazard-"));
    const source = join(folder, "hazard.tar.gz");
    writeFileSync(source, await packBundle(members(hazardBundle())));
    service = await startService({ config: { bundle: { source } } });
    const good = { tool: { name: "good" } };

    const [stuck, ...others] = await Promise.all([
      post(`${service.url}/decide`, { ...good, arguments: { spin: 100_000_000 } }),
      ...Array.from({ length: 20 }, () => post(`${service.url}/decide`, good)),
    ]);

    expect(stuck).toMatchObject({
      status: 200,
      body: { allow: false, reasons: [{ code: expect.stringMatching(/^policy_(timeout|memory)$/) }] },
    });
    expect(others.map(({ body }) => body.allow)).toEqual(Array.from({ length: 20 }, () => true));
    const slow = await post(`${service.url}/decide`, { ...good, arguments: { spin: 3000 } });
    expect(slow.body).toMatchObject({ allow: false, reasons: [{ code: "policy_timeout" }] });
    await service.stop();
    expect(service.records().filter(({ error }) => error !== undefined)).toHaveLength(2);
  });

  it("bad bundles are refused under load without one failed request, and a good one takes over", async () => {
    const source = join(mkdtempSync(join(tmpdir(), "remit-swap-")), "bundle.tar.gz");
    const original = readFileSync("bundles/default.tar.gz");
    writeFileSync(source, original);
    service = await startService({ config: { bundle: { source, watch: false } } });
    let running = true;
    let answered = 0;
    const load = inParallel(1e9, 8, async (i) => {
      if (!running) return;
      const { status, body } = await post(`${service.url}/decide`, callOf(i));
      if (status !== 200 || body.allow !== (i % 2 === 0)) throw new Error(`call ${i}: ${status} ${JSON.stringify(body)}`);
      answered++;
      if (!running) throw new Stop();
    }).catch((error: unknown) => {
      if (!(error instanceof Stop)) throw error;
    });

    const traversal = await packBundle([...members(hazardBundle()), { name: "../x", content: "" }]);
    const untested = await packBundle(members(hazardBundle({ metadata: {} })));
    const refusals = () => service.logs().match(/bundle refused/g)?.length ?? 0;
    for (const [index, bad] of [original.subarray(0, 1000), Buffer.from("x"), traversal, untested].entries()) {
      writeFileSync(source, bad);
      service.kill("SIGHUP");
      await expect.poll(refusals, { timeout: 10_000 }).toBe(index + 1);
    }
    writeFileSync(source, await packBundle(members(hazardBundle())));
    running = false;
    await load;
    service.kill("SIGHUP");
    await expect
      .poll(async () => (await post(`${service.url}/decide`, { tool: { name: "good" } })).body.policy)
      .toMatchObject({ revision: "r1" });

    expect(answered).toBeGreaterThan(50);
  });

  it("starts with the last good bundle when its source is gone", async () => {
    const source = join(mkdtempSync(join(tmpdir(), "remit-gone-")), "bundle.tar.gz");
    copyFileSync("bundles/default.tar.gz", source);
    service = await startService({ config: { bundle: { source } } });
    await service.stop();
    rmSync(source);

    service = await startService({ config: { bundle: { source } }, varDir: service.varDir });

    expect((await post(`${service.url}/decide`, allowedCall)).body.allow).toBe(true);
    expect(service.logs()).toContain("last_good");
  });

  it("is not ready, and answers no, without any bundle", async () => {
    service = await startService({ config: { bundle: { source: "/nowhere.tar.gz" } } });

    expect((await fetch(`${service.url}/health/ready`)).status).toBe(503);
    expect(await post(`${service.url}/decide`, allowedCall)).toMatchObject({ status: 503, body: { allow: false, code: "not_ready" } });
    await expect.poll(() => service.records()).toMatchObject([{ result: { outcome: "error", allow: false } }]);
  });

  it("keeps its records however many signals end it", async () => {
    service = await startService({ config: { decision_log: { flush_ms: 1000 }, limits: { drain_wait_ms: 200 } } });
    const { body } = await post(`${service.url}/decide`, allowedCall);

    service.kill("SIGTERM");
    service.kill("SIGINT");
    service.kill("SIGTERM");

    expect(await service.stop()).toBe(0);
    expect(service.records().map(({ decision_id }) => decision_id)).toEqual([body.decision_id]);
  });

  it("goes on when its record file cannot be opened again, and keeps the records", async () => {
    service = await startService();
    const file = join(service.varDir, "decisions.jsonl");
    const first = await post(`${service.url}/decide`, allowedCall);
    await expect.poll(() => service.records().length).toBe(1);
    renameSync(file, `${file}.1`);
    mkdirSync(file);
    service.kill("SIGHUP");
    await expect.poll(() => service.logs()).toContain("reloading");
    const second = await post(`${service.url}/decide`, allowedCall);
    await expect.poll(() => service.logs()).toContain("decision records could not be written");

    rmSync(file, { recursive: true });

    await expect
      .poll(() => service.records().map(({ decision_id }) => decision_id), { timeout: 10_000 })
      .toEqual([second.body.decision_id]);
    expect(first.body.allow && second.body.allow).toBe(true);
  });

  it("SIGTERM under load cuts no request off and loses no record", async () => {
    service = await startService({ config: { limits: { drain_wait_ms: 300 } } });
    const agent = new Agent({ keepAlive: true, maxSockets: 16 });
    const ids: string[] = [];
    const cut: string[] = [];
    let refused = 0;
    let stopping = false;
    const load = inParallel(4000, 16, async () => {
      const answer = await send(service.url, agent);
      if (answer.id !== undefined) ids.push(answer.id);
      else if (stopping && answer.connected === false) refused++;
      else cut.push(answer.error ?? "");
    });
    await sleep(300);
    stopping = true;

    const status = await service.stop();
    await load;
    agent.destroy();

    expect(status).toBe(0);
    expect(cut).toEqual([]);
    expect(ids.length).toBeGreaterThan(100);
    expect(refused).toBeGreaterThan(0);
    // Both ways: no answer without its record, and nothing that was decided without its answer.
    expect(
      service
        .records()
        .map(({ decision_id }) => String(decision_id))
        .sort(),
    ).toEqual([...ids].sort());
  });
});

class Stop extends Error {}

interface Sent {
  readonly id?: string;
  readonly error?: string;
  /** False when no connection was made, so nothing was asked. */
  readonly connected?: boolean;
}

/** One call over a kept-alive connection; tells a refused connection from a request that was cut off. */
function send(url: string, agent: Agent): Promise<Sent> {
  return new Promise((resolve) => {
    const text = JSON.stringify(allowedCall);
    const call = request(
      `${url}/decide`,
      { method: "POST", agent, headers: { "content-type": "application/json", "content-length": text.length } },
      (response) => {
        let body = "";
        response.on("data", (chunk: Buffer) => {
          body += chunk.toString();
        });
        response.on("end", () => resolve({ id: (JSON.parse(body) as { decision_id: string }).decision_id }));
        response.on("error", (error) => resolve({ error: `answer: ${error.message}`, connected: true }));
      },
    );
    call.on("error", (error: NodeJS.ErrnoException) => {
      // Refused, or reset before a byte of the answer: not read, unless a record says otherwise (RFC 9112 section 9.5).
      const unread = error.code === "ECONNREFUSED" || error.code === "ECONNRESET";
      resolve({ error: `request: ${error.code} ${error.message}`, connected: !unread });
    });
    call.end(text);
  });
}
