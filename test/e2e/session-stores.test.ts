import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { defaultBundleWith } from "../helpers/default-bundle.ts";
import { eventually } from "../helpers/prometheus.ts";
import { hasRedis, type RedisServer, startRedis } from "../helpers/redis.ts";
import { cleanUp, post, type RunningService, startService } from "../helpers/service.ts";

const key = "a-secret-for-tests-that-is-long-enough";
const call = {
  tool: { server: "crm", name: "update_customer" },
  arguments: { id: "c-17", name: "Kim" },
  subject: { id: "emma", roles: ["operator"] },
  agent: { id: "bot" },
  session: { id: "s-1" },
  request: { origin: { ip: "127.0.0.1" } },
};
const budget = { scope: "session", counts: "calls", window_s: null, classes: null, tools: null };
let bundle: { once: string; many: string };
let folder: string;
const running: RunningService[] = [];

beforeAll(async () => {
  bundle = {
    once: await defaultBundleWith({ once: { ...budget, max: 1 } }),
    many: await defaultBundleWith({ many: { ...budget, max: 1_000_000 } }),
  };
});

afterEach(async () => {
  for (const service of running.splice(0)) {
    await service.stop();
    cleanUp(service);
  }
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

/** A service that shares its sessions with others of the same folder, or of the same Redis. */
async function start(source: string, redis?: RedisServer): Promise<RunningService> {
  const store =
    redis === undefined ? { path: join(folder, "sessions") } : { store: "redis", redis: { nodes: [redis.url], command_timeout_ms: 2000 } };
  const service = await startService({ config: { bundle: { source }, sessions: { ...store, key } } });
  running.push(service);
  return service;
}

const ask = async (service: RunningService, more = {}) => (await post(`${service.url}/decide`, { ...call, ...more })).body;
const session = async (service: RunningService, query = "subject=emma&agent=bot") =>
  (await (await fetch(`${service.url}/sessions/s-1?${query}`)).json()) as {
    known: boolean;
    calls: number;
    labels: string[];
    budgets: Record<string, number>;
  };

/** Asks two services at the same time about a call that only one may make. */
async function raceForOne(services: readonly RunningService[]): Promise<void> {
  const answers = await Promise.all(Array.from({ length: 64 }, (_, i) => ask(services[i % 2] as RunningService)));

  expect(answers.filter(({ allow }) => allow === true)).toHaveLength(1);
  const codes = new Set(answers.filter(({ allow }) => allow !== true).map(({ reasons }) => (reasons as { code: string }[])[0]?.code));
  expect([...codes]).toEqual(["budget_exceeded"]);
  expect(await session(services[0] as RunningService)).toMatchObject({ calls: 1, budgets: { once: 1 } });
}

describe.skipIf(!hasRedis)("sessions in Redis", () => {
  it("64 parallel calls to two services against a budget for one: exactly one is allowed", async () => {
    const redis = await startRedis();
    onTestFinished(() => redis.stop());

    await raceForOne([await start(bundle.once, redis), await start(bundle.once, redis)]);
  });

  it("while Redis is away only calls that need no memory are allowed, and it recovers by itself", async () => {
    const redis = await startRedis();
    onTestFinished(() => redis.stop());
    const service = await start(bundle.many, redis);
    const read = { tool: { server: "filesystem", name: "list_allowed_directories" }, arguments: {} };
    expect(await ask(service)).toMatchObject({ allow: true });

    await redis.stop();

    const denied = await ask(service);
    expect(denied.allow).toBe(false);
    expect((denied.reasons as { code: string }[])[0]?.code).toBe("session_unavailable");
    expect(await ask(service, read)).toMatchObject({ allow: true });
    expect(await (await fetch(`${service.url}/sessions/s-1?subject=emma&agent=bot`)).json()).toMatchObject({
      code: "session_store_unavailable",
    });

    await redis.start();
    // It came back empty: what s-1 did is lost, and only sessions that are declared anew may act.
    const first = async (answer: Promise<Record<string, unknown>>) => ((await answer).reasons as { code: string }[])[0]?.code;
    await eventually("the loss is noticed", async () => (await first(ask(service))) === "session_state_lost");
    const declared = { subject: call.subject, agent: call.agent, grant: { task: "update the customer" } };
    const headers = { "content-type": "application/json" };
    await fetch(`${service.url}/sessions/s-2`, { method: "PUT", headers, body: JSON.stringify(declared) });
    expect(await ask(service, { session: { id: "s-2" } })).toMatchObject({ allow: true });
  });
});

describe("sessions in the embedded store", () => {
  it("64 parallel calls to two processes against a budget for one: exactly one is allowed", async () => {
    folder = mkdtempSync(join(tmpdir(), "remit-sessions-"));

    await raceForOne([await start(bundle.once), await start(bundle.once)]);
  });

  it("what one process learns the other knows at the very next decision, and other principals never", async () => {
    folder = mkdtempSync(join(tmpdir(), "remit-sessions-"));
    const [a, b] = [await start(bundle.many), await start(bundle.many)];

    const read = await ask(a, { tool: { server: "crm", name: "get_customer" }, arguments: { id: "c-17" } });
    await post(`${a.url}/outcomes`, { decision_id: read.decision_id, status: "completed", result: { id: "c-17" } });

    expect(await session(b)).toMatchObject({ known: true, calls: 1, labels: ["pii", "untrusted"] });
    for (const other of ["subject=mallory&agent=bot", "subject=emma&agent=other", "subject=emma"])
      expect(await session(b, other)).toMatchObject({ known: false, calls: 0, labels: [] });

    await fetch(`${a.url}/terminations/agent/bot`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: '{"reason":"incident"}',
    });
    const stopped = await ask(b);
    expect(stopped).toMatchObject({ allow: false, reasons: [{ code: "session_ended" }] });
    expect(await ask(b, { session: { id: "s-2" } })).toMatchObject({ allow: false, reasons: [{ code: "session_ended" }] });
    expect(await ask(b, { agent: { id: "other" } })).toMatchObject({ allow: true });
  });

  it("kill -9 under load: after a restart no allow is without its reservation", async () => {
    folder = mkdtempSync(join(tmpdir(), "remit-sessions-"));
    let allowed = 0;
    for (const delayMs of [150, 300, 450]) {
      const service = await start(bundle.many);
      let ended = false;
      const worker = async () => {
        while (!ended) {
          const answer = await ask(service).catch(() => null);
          if (answer?.allow === true) allowed++;
        }
      };
      const workers = Array.from({ length: 8 }, worker);
      await sleep(delayMs);
      service.kill("SIGKILL");
      ended = true;
      await Promise.all(workers);
      cleanUp(service);
      running.splice(0);
    }
    const after = await start(bundle.many);

    const { calls, budgets } = await session(after);

    expect(allowed).toBeGreaterThan(50);
    // Allows that were reserved and whose answer was cut off may be more, never fewer.
    expect(calls).toBeGreaterThanOrEqual(allowed);
    expect(budgets.many).toBe(calls);
    expect(await ask(after)).toMatchObject({ allow: true });
    expect((await session(after)).calls).toBe(calls + 1);
  });
});
