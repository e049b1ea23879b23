import { createDecide, type DecideContext, type DecidePorts } from "./decide/decide.ts";
import type { Pep } from "./decide/tool-call.ts";
import { toToolCall, toWire } from "./dialects/native.ts";
import { parseStrictJson } from "./json/strict-json.ts";

const body = Buffer.from(
  JSON.stringify({
    tool: { server: "warm-up", name: "warm_up", annotations: { readOnlyHint: true } },
    arguments: {
      query: "a value of common length",
      limit: 20,
      tags: ["one", "two"],
      filter: { from: "2026-01-01", nested: { deep: true } },
    },
    subject: { type: "user", id: "warm-up", roles: ["none"] },
    agent: { id: "warm-up" },
    session: { id: "warm-up" },
    request: { id: "warm-up", origin: { ip: "127.0.0.1", user_agent: "warm-up" } },
  }),
);
const pep: Pep = { id: "warm-up", tenant: "warm-up", dialects: ["native"], assertsSubject: true, annotationsTrusted: false };
const context: DecideContext = {
  dialect: "native",
  requestId: "warm-up",
  requestedBy: null,
  traceId: null,
  spanId: null,
  signal: new AbortController().signal,
  batchId: null,
  snapshot: null,
};

/** Decisions between two looks at the event loop, so that probes are answered meanwhile. */
const chunk = 50;

/**
 * Runs `count` decisions through parser, core, engine and renderer; a cold process is ten times slower (DESIGN section 5). They are
 * neither recorded nor counted, and leave no session behind.
 */
export async function warmUp(ports: DecidePorts, count: number): Promise<void> {
  const nowhere = { write: (record: unknown) => void JSON.stringify(record) };
  const noSessions = { view: () => ({ id: null, known: false, ageS: null, calls: 0 }), commit: () => undefined };
  const decide = createDecide({ ...ports, log: nowhere, sessions: noSessions, metrics: { decided: () => undefined } });
  for (let done = 0; done < count; done++) {
    const outcome = await decide(toToolCall(parseStrictJson(body, { depthMax: 64, nodesMax: 10_000 })), pep, context);
    JSON.stringify(toWire(outcome));
    if (done % chunk === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}
