import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDecide } from "../../service/decide/decide.ts";
import type { DecisionRecord } from "../../service/decide/decision-record.ts";
import type { PolicyInput } from "../../service/decide/policy-input-schema.ts";
import type { PolicySnapshot } from "../../service/decide/ports.ts";
import type { DecidePorts } from "../../service/decide/run.ts";
import { createApp } from "../../service/http/app.ts";
import { createHttpServer } from "../../service/http/server.ts";
import { type AgentTokenVerifier, createTokenVerifier } from "../../service/identity/agent-token.ts";
import { generateApiKey, hashApiKey } from "../../service/identity/api-key.ts";
import { createPepAuthenticator, requireDialect } from "../../service/identity/pep.ts";
import { uuid7 } from "../../service/ids.ts";
import { allowing } from "../helpers/decisions.ts";
import { startIssuer, type TestIssuer } from "../helpers/issuer.ts";
import { noDialects } from "../helpers/no-dialects.ts";
import { memorySessions } from "../helpers/sessions.ts";
import { tokenZoo, zooSettings } from "../helpers/token-zoo.ts";

/** The worst bundle there can be: it allows everything and looks at nothing, so that only the service stands in the way. */
const careless: PolicySnapshot = {
  bundle: { name: "default", revision: "careless", digest: "sha256:00" },
  data: {},
  entrypoints: new Set(["remit/decision"]),
  query: () => ({ kind: "undefined", evalNs: 1 }),
  evaluate: (_entrypoint, input) => ({ ok: true, evalNs: 1, result: allowing(input as PolicyInput) }),
};

const key = generateApiKey("gateway");
const records: DecisionRecord[] = [];
let issuer: TestIssuer;
let tokens: AgentTokenVerifier;
let server: Server;

beforeAll(async () => {
  issuer = await startIssuer();
  const source = { uri: issuer.jwksUri };
  tokens = createTokenVerifier({ issuers: [{ issuer: issuer.url, audience: [issuer.audience], jwks: source, ...zooSettings }] });
  server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});

afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  tokens.close();
  await issuer.close();
});

function createServer(): Server {
  const peps = createPepAuthenticator({
    mode: "required",
    peps: [
      {
        id: "gateway",
        tenant: "t",
        dialects: ["native"],
        permissions: ["decide"],
        assertsSubject: true,
        annotationsTrusted: false,
        apiKeysSha256: [hashApiKey(key)],
      },
    ],
  });
  const clock = { nowMs: () => Date.now() };
  const engine = { current: () => careless };
  const memory = memorySessions();
  const ports: DecidePorts = {
    engine,
    tokens,
    clock,
    newId: uuid7,
    labels: {},
    ...memory.ports,
    log: { write: (record) => void records.push(record as DecisionRecord) },
    metrics: { decided: () => undefined },
  };
  const app = createApp({
    decide: createDecide(ports),
    engine,
    clock,
    newId: uuid7,
    ...memory.ports,
    ...noDialects,
    tokens,
    grantTokens: tokens,
    signedGrantsOnly: false,
    approvalClients: [],
    outcomeLimits: { bytesMax: 262_144, depthMax: 64, nodesMax: 50_000 },
    events: { check: () => undefined, record: () => "" },
    authenticate: async (request, needs) => {
      const pep = await peps.authenticate(request.headers, request.socket.remoteAddress, clock.nowMs());
      requireDialect(pep, needs.dialect);
      return pep;
    },
    deadline: () => AbortSignal.timeout(5000),
    bodyLimits: { bytesMax: 262_144, depthMax: 64, nodesMax: 50_000 },
    batchMax: 100,
    inFlightMax: 100,
    observer: { finished: () => undefined, inFlight: () => undefined, shed: () => undefined, fault: () => undefined },
    openApi: {},
    draining: () => false,
    readiness: () => ({ ready: true, checks: {} }),
    metrics: { render: async () => "", contentType: "text/plain" },
  });
  return createHttpServer(app, { headersTimeoutMs: 10_000, requestTimeoutMs: 10_000, keepAliveTimeoutMs: 5000 });
}

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly body: { allow?: boolean; code?: string; reasons?: { code: string }[]; decision_id?: string };
}

async function decide(token: string, headers: Record<string, string> = { "x-api-key": key }): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/decide`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    // The enforcement point may assert subjects: a bad token must not fall back to what is asserted.
    body: JSON.stringify({ tool: { name: "transfer" }, subject: { id: "root", roles: ["admin"] }, agent: { id: "bot" }, token }),
  });
  const text = await response.text();
  return { status: response.status, text, body: JSON.parse(text) as Answer["body"] };
}

describe("POST /decide with a policy that allows everything", () => {
  it("allows a good token, and records who it was for", async () => {
    const { status, body } = await decide(await issuer.token());

    expect({ status, allow: body.allow }).toEqual({ status: 200, allow: true });
    const record = records.find(({ decision_id }) => decision_id === body.decision_id);
    expect(record).toMatchObject({ call: { subject: "emma", agent: "bank-assistant", verified: true } });
  });

  it("denies every animal of the token zoo with its reason, records it, and shows the token nowhere", async () => {
    const seen: Record<string, string> = {};
    const wanted: Record<string, string> = {};

    for (const { name, reason, token: make } of tokenZoo(issuer, Math.floor(Date.now() / 1000))) {
      const token = await make();
      const { status, text, body } = await decide(token);
      const record = records.find(({ decision_id }) => decision_id === body.decision_id);
      const leaked = token.length > 20 && (text + JSON.stringify(record)).includes(token.slice(0, 200));
      // No text at all is no token: the request itself is wrong.
      wanted[name] = token === "" ? "400 allow=false request_invalid" : `200 allow=false ${reason}, recorded deny ${reason}`;
      seen[name] = `${status} allow=${body.allow} ${body.code ?? ""}${body.reasons?.[0]?.code ?? ""}`;
      if (record !== undefined) seen[name] += `, recorded ${record.result?.outcome} ${record.token.reason}`;
      if (leaked) seen[name] += ", LEAKED";
    }

    expect(seen).toEqual(wanted);
  });

  it("does not look at the token of a caller it does not know", async () => {
    const before = records.length;
    const { status, body } = await decide(await issuer.token(), { "x-api-key": generateApiKey("gateway") });

    expect({ status, code: body.code, allow: body.allow }).toEqual({ status: 401, code: "pep_unauthenticated", allow: false });
    expect(records).toHaveLength(before);
  });

  it("does not take the agent's token for the enforcement point's credential", async () => {
    const token = await issuer.token();

    expect((await decide(token, { authorization: `Bearer ${token}` })).status).toBe(401);
  });
});
