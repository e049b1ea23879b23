/** What the service said of one call. */
export interface Answer {
  readonly decisionId: string;
  /** `asked`: refused, but an approval would lift it. */
  readonly outcome: Outcome;
  /** Codes of the reasons, in their order. */
  readonly codes: readonly string[];
}

export type Outcome = "allowed" | "asked" | "denied";

/** What an enforcement point does with the service. Every call throws when it is not answered as it should be. */
export interface Gateway {
  /** Opens a session with the user's task text as its grant, and nothing else. */
  declare(session: string, task: string): Promise<void>;
  decide(session: string, tool: string, args: Readonly<Record<string, unknown>>): Promise<Answer>;
  /** Reports that an allowed call has completed; `result` is JSON text. */
  report(decisionId: string, result: string): Promise<void>;
}

const subject = "emma";

/** A gateway in front of the tools of one MCP server, as one would be written against docs/decide-api.md. */
export function httpGateway(url: string, server: string): Gateway {
  return {
    async declare(session, task) {
      const body = { subject: { id: subject }, agent: { id: agentOf(session) }, grant: { task } };
      await send("PUT", `${url}/sessions/${encodeURIComponent(session)}`, body);
    },
    async decide(session, tool, args) {
      const call = {
        tool: { server, name: tool },
        arguments: args,
        subject: { id: subject, roles: ["operator"] },
        agent: { id: agentOf(session) },
        session: { id: session },
        request: { origin: { ip: "127.0.0.1" } },
      };
      return toAnswer(await send("POST", `${url}/decide`, call));
    },
    async report(decisionId, result) {
      await send("POST", `${url}/outcomes`, { decision_id: decisionId, status: "completed", result: JSON.parse(result) as unknown });
    },
  };
}

/** An agent per session: what an agent did before counts for it, and no trace may lean on another. */
function agentOf(session: string): string {
  return `agent-of-${session}`;
}

async function send(method: string, url: string, body: unknown): Promise<Record<string, unknown>> {
  const response = await fetch(url, { method, headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  const text = await response.text();
  // Anything but an answer would read as a deny, and make attacks look stopped.
  if (response.status !== 200) throw new Error(`${method} ${url} was answered ${response.status}: ${text.slice(0, 2000)}`);
  return JSON.parse(text) as Record<string, unknown>;
}

function toAnswer(body: Record<string, unknown>): Answer {
  const { decision_id: decisionId, allow, reasons } = body;
  if (typeof decisionId !== "string" || typeof allow !== "boolean" || !Array.isArray(reasons)) {
    throw new Error(`not a decision: ${JSON.stringify(body).slice(0, 2000)}`);
  }
  const outcome = allow ? "allowed" : body.access_request === undefined ? "denied" : "asked";
  return { decisionId, outcome, codes: reasons.map(({ code }: { code: string }) => code) };
}
