import { z } from "zod";

/** Why something was refused, and what to do about it. */
export interface Reason {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
}

/** What the gateway acts on. There is no third case: whatever is not a clear yes is a no with reasons. */
export type Verdict =
  | { readonly allow: true; readonly decisionId: string }
  | { readonly allow: false; readonly decisionId: string | null; readonly reasons: readonly Reason[] };

// `obligations` is required: an answer without it is not one of Remit's, so its `allow` means nothing.
const Allowed = z.object({ allow: z.literal(true), decision_id: z.string().min(1), obligations: z.array(z.unknown()) });
const Denied = z.object({
  allow: z.literal(false),
  decision_id: z.string().nullish(),
  reasons: z.array(z.object({ code: z.string(), message: z.string(), remedy: z.string() })).min(1),
});
const Problem = z.object({ allow: z.literal(false), code: z.string(), detail: z.string(), instance: z.string() });

/** One answer or batch item as a verdict; whatever is not exactly an allow is a refusal. */
export function toVerdict(body: unknown): Verdict {
  const allowed = Allowed.safeParse(body);
  if (allowed.success) {
    const { decision_id: decisionId, obligations } = allowed.data;
    // An obligation is a condition of the allow, and this gateway can carry none out.
    return obligations.length === 0 ? { allow: true, decisionId } : unknownObligations(decisionId, obligations);
  }
  const denied = Denied.safeParse(body);
  if (denied.success) return { allow: false, decisionId: denied.data.decision_id ?? null, reasons: denied.data.reasons };
  return problemRefusal(body) ?? invalidAnswer();
}

/** An answer with a status other than 200: never an allow, whatever its body says. */
export function httpRefusal(status: number, text: string): Verdict {
  return (
    problemRefusal(parseJson(text)) ?? refuse("remit_failed", `remit answered with status ${status}`, "tell the operator: see remit's log")
  );
}

function problemRefusal(body: unknown): Verdict | null {
  const problem = Problem.safeParse(body);
  if (!problem.success) return null;
  const { code, detail, instance } = problem.data;
  return refuse(code, detail, `tell the operator: see remit's documentation of \`${code}\``, instance);
}

function unknownObligations(decisionId: string, obligations: readonly unknown[]): Verdict {
  const message = `the call is allowed under ${obligations.length} obligation(s), and this gateway can carry out none`;
  return refuse(
    "obligation_unknown",
    message,
    "tell the operator: teach the gateway the obligation, or drop it from the policy",
    decisionId,
  );
}

/** No whole answer in time. */
export function timedOut(timeoutMs: number): Verdict {
  return refuse("remit_timeout", `remit did not answer within ${timeoutMs} ms`, "try again; if it persists, tell the operator");
}

/** The request failed before there was a whole answer. */
export function unreachable(): Verdict {
  return refuse("remit_unreachable", "remit cannot be reached", "try again when remit is running; if it persists, tell the operator");
}

/** No tool of that name behind the gateway: there is nothing to ask about. */
export function unknownTool(name: string): Verdict & { allow: false } {
  return refuse("tool_unknown", `no server behind the gateway has a tool \`${name}\``, "list the tools and call one of them");
}

/** An answer that is not one of Remit's. */
export function invalidAnswer(): Verdict {
  return refuse("remit_answer_invalid", "remit gave no valid decision", "tell the operator: check that `remit.url` is a remit service");
}

function refuse(code: string, message: string, remedy: string, decisionId: string | null = null): Verdict & { allow: false } {
  return { allow: false, decisionId, reasons: [{ code, message, remedy }] };
}

/** The value, or undefined for what is not JSON, which no schema here takes. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
