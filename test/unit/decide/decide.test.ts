import { describe, expect, it } from "vitest";
import { createDecide } from "../../../service/decide/decide.ts";
import type { DecisionRecord } from "../../../service/decide/decision-record.ts";
import type { PolicyInput } from "../../../service/decide/policy-input-schema.ts";
import type { DecisionEvent, Evaluation, PolicySnapshot, TokenResult, VerifiedToken } from "../../../service/decide/ports.ts";
import type { DecideContext, DecidePorts } from "../../../service/decide/run.ts";
import type { Pep } from "../../../service/decide/tool-call.ts";
import { toToolCall } from "../../../service/dialects/native.ts";
import { RemitError } from "../../../service/errors.ts";
import { allowing } from "../../helpers/decisions.ts";
import { memorySessions } from "../../helpers/sessions.ts";

const pep: Pep = { id: "gw", tenant: "t1", dialects: ["native"], permissions: ["decide"], assertsSubject: true, annotationsTrusted: false };
const context: DecideContext = {
  dialect: "native",
  requestId: "r-1",
  requestedBy: "127.0.0.1:1",
  traceId: null,
  spanId: null,
  signal: new AbortController().signal,
  batchId: null,
  snapshot: null,
};
const policyReason = { code: "role_not_allowed", message: "m", remedy: "r", rule: "x", controls: [] };
const ok = (result: unknown): Evaluation => ({ ok: true, result, evalNs: 1000 });
const verified: VerifiedToken = {
  kind: "verified",
  issuer: "https://idp.example",
  subject: { type: "user", id: "maria", roles: ["admin"], groups: [] },
  agent: "bot",
  chain: ["bot"],
  audience: ["remit"],
  scopes: [],
  acr: null,
  amr: [],
  authTimeS: null,
  issuedAtS: 1000,
  expiresAtS: 2000,
  senderConstrained: false,
  authorizationDetails: [],
  claims: {},
  digest: "sha256:aa",
};

interface Setup {
  readonly evaluate?: (input: PolicyInput) => Evaluation;
  readonly token?: () => TokenResult | Promise<TokenResult>;
  readonly write?: (record: DecisionRecord) => void;
  readonly noBundle?: boolean;
}

function setUp(setup: Setup = {}) {
  const records: DecisionRecord[] = [];
  const events: DecisionEvent[] = [];
  const memory = memorySessions();
  const inputs: PolicyInput[] = [];
  const snapshot: PolicySnapshot = {
    bundle: { name: "default", revision: "r1", digest: "sha256:00" },
    data: { remit: { catalog: { tools: { "crm/find": { class: "query", queries: ["/q"] } } } } },
    entrypoints: new Set(["remit/decision"]),
    query: () => ({ kind: "undefined", evalNs: 1 }),
    evaluate: (_entrypoint, input) => {
      inputs.push(input as PolicyInput);
      return (setup.evaluate ?? ((given) => ok(allowing(given))))(input as PolicyInput);
    },
  };
  const ports: DecidePorts = {
    engine: { current: () => (setup.noBundle ? undefined : snapshot) },
    tokens: { verify: setup.token ?? (() => verified) },
    ...memory.ports,
    log: { write: setup.write ?? ((record) => void records.push(record as DecisionRecord)) },
    metrics: { decided: (event) => void events.push(event) },
    clock: { nowMs: () => 1_500_000 },
    newId: () => "id-1",
    labels: { id: "svc" },
  };
  const decide = createDecide(ports);
  const ask = (body: object = {}, who: Pep = pep) => decide(toToolCall({ tool: { server: "crm", name: "find" }, ...body }), who, context);
  return { ask, records, events, changes: memory.changes, inputs };
}

describe("decide", () => {
  it("allows what the policy allows, records it and counts it for the session", async () => {
    const { ask, records, events, changes } = setUp();

    const outcome = await ask({ subject: { id: "emma" }, agent: { id: "bot" }, session: { id: "s-1" } });

    expect(outcome).toMatchObject({ kind: "decided", decisionId: "id-1", decision: { allow: true } });
    expect(records).toHaveLength(1);
    expect(records[0]).toMatchObject({
      decision_id: "id-1",
      bundles: { default: { revision: "r1", digest: "sha256:00" } },
      result: { outcome: "allow", allow: true },
      timestamp: "1970-01-01T00:25:00.000Z",
      pep: { id: "gw", tenant: "t1" },
      call: { server: "crm", tool: "find", subject: "emma", agent: "bot", session: "s-1", verified: false },
    });
    expect(events).toMatchObject([{ outcome: "allow", reason: "none", class: "query", tool: { server: "crm", name: "find" } }]);
    expect(changes).toHaveLength(1);
  });

  it("records a deny with its reasons and leaves the session's history alone", async () => {
    const { ask, records, changes } = setUp({ evaluate: (input) => ok({ ...allowing(input), allow: false, reasons: [policyReason] }) });

    const outcome = await ask({ session: { id: "s-1" } });

    expect(outcome).toMatchObject({ kind: "decided", decision: { allow: false, reasons: [policyReason] } });
    expect(records[0]?.result).toMatchObject({ outcome: "deny", allow: false, reasons: [policyReason] });
    expect(changes).toEqual([]);
  });

  it.each(["policy_timeout", "policy_memory", "policy_error", "policy_undefined"] as const)(
    "answers no when the evaluation ends in %s",
    async (code) => {
      const { ask, records, events } = setUp({ evaluate: () => ({ ok: false, error: new RemitError(code, "detail"), evalNs: 1 }) });

      const outcome = await ask();

      expect(outcome).toMatchObject({ kind: "decided", decision: { allow: false, reasons: [{ code, rule: "remit.engine" }] } });
      expect(records[0]).toMatchObject({ result: { outcome: "deny" }, error: { code, message: "detail" } });
      expect(events[0]).toMatchObject({ outcome: "deny", reason: code, failure: { code } });
    },
  );

  it.each([
    ["undefined", () => undefined],
    ["true", () => true],
    ["an allow without the nonce", (input: PolicyInput) => ({ ...allowing(input), nonce: undefined })],
    ["an allow with the nonce of another call", (input: PolicyInput) => ({ ...allowing(input), nonce: "id-0" })],
    ["an allow that is the text true", (input: PolicyInput) => ({ ...allowing(input), allow: "true" })],
    ["an allow that is 1", (input: PolicyInput) => ({ ...allowing(input), allow: 1 })],
    ["an allow with an unknown member", (input: PolicyInput) => ({ ...allowing(input), alow: false })],
    ["a deny without a reason", (input: PolicyInput) => ({ ...allowing(input), allow: false })],
    ["an allow with a broken obligation", (input: PolicyInput) => ({ ...allowing(input), obligations: [{ id: "x" }] })],
    ["a list", (input: PolicyInput) => [allowing(input)]],
  ])("answers no when the policy returns %s", async (_name, result) => {
    const { ask } = setUp({ evaluate: (input) => ok(result(input)) });

    expect(await ask()).toMatchObject({ kind: "decided", decision: { allow: false, reasons: [{ code: "policy_result_invalid" }] } });
  });

  it("turns an allow into a deny when the token failed verification", async () => {
    const { ask, records } = setUp({ token: () => ({ kind: "rejected", reason: "token_expired" }) });

    const outcome = await ask({ token: "x.y.z" });

    expect(outcome).toMatchObject({ decision: { allow: false, reasons: [{ code: "token_expired", rule: "remit.identity" }] } });
    expect(records[0]).toMatchObject({ token: { kind: "rejected", reason: "token_expired" }, result: { outcome: "deny" } });
  });

  it("never puts the token into the record", async () => {
    const { ask, records } = setUp();

    await ask({ token: "canary-token-7f3a" });

    expect(JSON.stringify(records)).not.toContain("canary-token");
    expect(records[0]?.token).toEqual({ kind: "verified", digest: "sha256:aa" });
  });

  it("lets the verified token win over what the caller claims", async () => {
    const { ask, inputs } = setUp();

    await ask({ token: "t", subject: { id: "root", roles: ["superuser"] }, agent: { id: "other" } });

    expect(inputs[0]?.subject).toMatchObject({ id: "maria", roles: ["admin"], verified: true });
    expect(inputs[0]?.agent).toMatchObject({ id: "bot", verified: true });
  });

  it("drops claims of a caller that may not make them", async () => {
    const { ask, inputs } = setUp();

    await ask({ subject: { id: "root", roles: ["superuser"] }, agent: { id: "other" } }, { ...pep, assertsSubject: false });

    expect(inputs[0]?.subject).toMatchObject({ id: null, roles: [], verified: false });
    expect(inputs[0]?.agent.id).toBeNull();
  });

  it.each([
    ["no bundle is active", { noBundle: true }, "not_ready"],
    [
      "the keys of the issuer cannot be had",
      { token: () => Promise.reject(new RemitError("token_keys_unavailable", "down")) },
      "token_keys_unavailable",
    ],
    [
      "something throws",
      {
        token: () => {
          throw new TypeError("x");
        },
      },
      "internal",
    ],
  ] as const)("gives a recorded error, never an allow, when %s", async (_name, setup, code) => {
    const { ask, records, events } = setUp(setup);

    expect(await ask({ token: "t" })).toMatchObject({ kind: "error", error: { code } });
    expect(records[0]).toMatchObject({ decision_id: "id-1", result: { outcome: "error", allow: false }, error: { code } });
    expect(events[0]).toMatchObject({ outcome: "error", reason: code });
  });

  it("gives an error when an allow cannot be recorded", async () => {
    const { ask, changes } = setUp({
      write: () => {
        throw new RemitError("record_failed", "full");
      },
    });

    expect(await ask({ session: { id: "s" } })).toMatchObject({ kind: "error", error: { code: "record_failed" } });
    // It was reserved before it could not be recorded: counted once too often, never once too few.
    expect(changes).toHaveLength(1);
  });

  it("marks every argument that needs a provenance as unknown", async () => {
    const { ask, inputs } = setUp();

    await ask({ arguments: { q: "x" } });

    expect(inputs[0]?.provenance).toEqual({ "/q": "unknown" });
  });
});
