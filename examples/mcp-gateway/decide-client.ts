import { z } from "zod";

const Reason = z.object({ code: z.string(), message: z.string(), remedy: z.string() });
export type Reason = z.infer<typeof Reason>;

/** What must be there to believe an answer; members that later versions add do no harm. */
const Decision = z.object({
  decision_id: z.string().min(1),
  allow: z.boolean(),
  reasons: z.array(Reason),
  obligations: z.array(z.object({ type: z.string() })),
});

/** RFC 9457 problem: the request was wrong, or Remit could not decide. */
const Problem = z.object({ code: z.string(), detail: z.string(), instance: z.string().optional() });

const Batch = z.object({ decisions: z.array(z.unknown()) });

/** May the call run? Everything that is not a well-formed allow is a refusal with at least one reason. */
export type Verdict =
  | { readonly allow: true; readonly decisionId: string }
  | { readonly allow: false; readonly decisionId: string | null; readonly reasons: readonly Reason[] };

/** Asks Remit; no method ever rejects. `calls` are bodies of `POST /decide`. */
export interface DecideClient {
  decide(call: object, signal: AbortSignal): Promise<Verdict>;
  /** Verdicts in the order of the calls, always one for each. */
  decideAll(calls: readonly object[], signal: AbortSignal): Promise<readonly Verdict[]>;
}

interface DecideClientOptions {
  readonly url: string;
  readonly apiKey: string | undefined;
  readonly timeoutMs: number;
  /** Why an answer could not be had; kept from the agent, to whom addresses and ports are nobody's business. */
  readonly onFault: (fault: string) => void;
}

/** Longest answer that is read, in bytes. */
const answerBytesMax = 4 * 1024 * 1024;

/** Calls in one batch: even with the longest token in each, the body stays below Remit's default limit of 256 KiB. */
const batchMax = 25;

export function createDecideClient(options: DecideClientOptions): DecideClient {
  const ask = createAsk(options);
  const askBatch = async (calls: readonly object[], signal: AbortSignal): Promise<readonly Verdict[]> => {
    const answer = await ask("decide/batch", { calls }, signal);
    const batch = Batch.safeParse(answer?.body);
    // An answer for another number of calls cannot be matched to them.
    const matched = answer?.status === 200 && batch.success && batch.data.decisions.length === calls.length;
    return matched ? batch.data.decisions.map(readVerdict) : calls.map(() => notAllowed(answer));
  };
  return {
    async decide(call, signal) {
      const answer = await ask("decide", call, signal);
      return answer?.status === 200 ? readVerdict(answer.body) : notAllowed(answer);
    },
    async decideAll(calls, signal) {
      const verdicts: Verdict[] = [];
      for (let i = 0; i < calls.length; i += batchMax) verdicts.push(...(await askBatch(calls.slice(i, i + batchMax), signal)));
      return verdicts;
    },
  };
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** One POST; undefined when no JSON came back in time. */
function createAsk({ url, apiKey, timeoutMs, onFault }: DecideClientOptions) {
  const base = url.endsWith("/") ? url : `${url}/`;
  const headers = { "content-type": "application/json", ...(apiKey === undefined ? {} : { "x-api-key": apiKey }) };
  return async (path: string, body: object, outer: AbortSignal): Promise<Answer | undefined> => {
    try {
      const signal = AbortSignal.any([outer, AbortSignal.timeout(timeoutMs)]);
      // A redirect would carry the key elsewhere and let somebody else answer.
      const response = await fetch(new URL(path, base), { method: "POST", headers, body: JSON.stringify(body), redirect: "error", signal });
      return { status: response.status, body: JSON.parse(await readText(response)) };
    } catch (thrown) {
      onFault(`remit gave no answer on \`${path}\`: ${faultText(thrown)}`);
      return undefined;
    }
  };
}

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > answerBytesMax) throw new Error(`the answer is longer than ${answerBytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function faultText(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  return thrown.cause instanceof Error ? `${thrown.message}: ${thrown.cause.message}` : thrown.message;
}

function readVerdict(body: unknown): Verdict {
  const parsed = Decision.safeParse(body);
  if (!parsed.success) return notAllowed({ status: 200, body });
  const { decision_id: decisionId, allow, reasons, obligations } = parsed.data;
  if (!allow) return { allow: false, decisionId, reasons };
  // This gateway can fulfil no obligation, and an allow holds only when all are fulfilled.
  const types = obligations.map(({ type }) => `\`${type}\``).join(", ");
  if (types === "") return { allow: true, decisionId };
  const remedy = "ask the operator for a gateway that can fulfil it";
  return { allow: false, decisionId, reasons: [{ code: "obligation_unknown", message: `allowed only with ${types}`, remedy }] };
}

/** No decision: the problem that Remit named, or that there was no readable answer. */
function notAllowed(answer: Answer | undefined): Verdict {
  const problem = Problem.safeParse(answer?.body);
  if (problem.success) {
    const { code, detail, instance } = problem.data;
    const remedy = "correct the call, or tell the operator";
    return { allow: false, decisionId: instance ?? null, reasons: [{ code, message: detail, remedy }] };
  }
  const code = answer === undefined ? "pdp_unavailable" : "pdp_answer_invalid";
  const message = answer === undefined ? "the policy decision point did not answer" : "the policy decision point gave no readable decision";
  return { allow: false, decisionId: null, reasons: [{ code, message, remedy: "try again later, and tell the operator if it stays so" }] };
}
