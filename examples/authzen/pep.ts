/** What is asked about: AuthZEN's subject, action and resource. */
export interface Question {
  readonly subject: { readonly type: string; readonly id: string };
  readonly action: { readonly name: string };
  readonly resource: { readonly type: string; readonly id: string; readonly properties?: Readonly<Record<string, unknown>> };
}

interface PepOptions {
  /** URL of the decision point. */
  readonly url: string;
  readonly apiKey: string | undefined;
  /** Longest wait for one whole answer. */
  readonly timeoutMs: number;
  readonly onFault: (line: string) => void;
}

/** `unanswered`: nobody said no, but nobody said yes either, so nothing may happen. */
export type Verdict = "permit" | "deny" | "unanswered";

/** Asks an AuthZEN decision point. Never rejects. */
export function createPep({ url, apiKey, timeoutMs, onFault }: PepOptions): (question: Question) => Promise<Verdict> {
  const headers = { "content-type": "application/json", ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }) };
  return async (question) => {
    try {
      const response = await fetch(`${url}/access/v1/evaluation`, {
        method: "POST",
        headers,
        body: JSON.stringify(question),
        redirect: "error",
        signal: AbortSignal.timeout(timeoutMs),
      });
      if (response.status !== 200) throw new Error(`status ${response.status}: ${(await response.text()).slice(0, 500)}`);
      return verdictOf(await response.json());
    } catch (thrown) {
      onFault(`no decision: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
      return "unanswered";
    }
  };
}

/** This enforcement point can carry out no obligation, so a permit with any context is none. */
function verdictOf(answer: unknown): Verdict {
  if (typeof answer !== "object" || answer === null || !("decision" in answer)) throw new Error("the answer is no decision");
  return answer.decision === true && !("context" in answer) ? "permit" : "deny";
}
