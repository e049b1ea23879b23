import { createDecide } from "./decide/decide.ts";
import type { StateStore } from "./decide/ports.ts";
import type { DecideContext, DecidePorts } from "./decide/run.ts";
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
const pep: Pep = {
  ...{ id: "warm-up", tenant: "warm-up", dialects: ["native"], permissions: ["decide"] },
  ...{ assertsSubject: true, annotationsTrusted: false },
};
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

/** Remembers nothing, and lets everything pass: what is warmed up leaves no session behind. */
const emptyStore: StateStore = {
  read: (_, { docs, counters, fields }) => ({
    docs: docs.map(() => ({ version: 0, text: null })),
    counters: counters.map(() => 0),
    fields: fields.map(({ names }) => names.map(() => null)),
  }),
  change: () => "done",
  lostAtMs: null,
  close: async () => undefined,
};

/** Decisions between two looks at the event loop, so that probes are answered meanwhile. */
const chunk = 50;

/**
 * Runs `count` decisions through parser, core, engine and renderer; a cold process is ten times slower (DESIGN section 5). They are
 * neither recorded nor counted, and leave no session behind.
 */
export async function warmUp(ports: DecidePorts, count: number): Promise<void> {
  const nowhere = { write: (record: unknown) => void JSON.stringify(record) };
  const sessions = { ...ports.sessions, store: emptyStore };
  const decide = createDecide({ ...ports, log: nowhere, sessions, metrics: { decided: () => undefined } });
  for (let done = 0; done < count; done++) {
    const outcome = await decide(toToolCall(parseStrictJson(body, { depthMax: 64, nodesMax: 10_000 })), pep, context);
    JSON.stringify(toWire(outcome));
    if (done % chunk === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}
