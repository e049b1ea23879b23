import { z } from "zod";
import { httpRefusal, invalidAnswer, parseJson, timedOut, toVerdict, unreachable, type Verdict } from "./verdict.ts";

/** Asks Remit. No method ever rejects: no answer is a refusal too. `calls` are bodies of `POST /decide`. */
export interface DecideClient {
  decide(call: unknown, signal?: AbortSignal): Promise<Verdict>;
  /** Verdicts in the order of the calls, exactly one for each. */
  decideAll(calls: readonly unknown[], signal?: AbortSignal): Promise<readonly Verdict[]>;
  /** Tells what became of an allowed call, and what it returned; false when Remit did not take it. */
  report(outcome: Outcome): Promise<boolean>;
}

/** Body of `POST /outcomes`. */
export interface Outcome {
  readonly decision_id: string;
  readonly status: "completed" | "failed" | "not_run";
  readonly result?: unknown;
}

interface DecideClientOptions {
  readonly url: string;
  readonly apiKey: string | undefined;
  /** Longest wait for one whole answer. */
  readonly timeoutMs: number;
  /** Takes why there was no answer; the agent is not told, since addresses and ports are not its business. */
  readonly onFault: (line: string) => void;
}

const Batch = z.object({ decisions: z.array(z.unknown()) });

/** Calls in one batch: with the longest token in each, the body still stays below Remit's default limit of 256 KiB. */
const batchMax = 25;

const answerBytesMax = 4 * 1024 * 1024;

export function createDecideClient(options: DecideClientOptions): DecideClient {
  const post = createPost(options);
  const decideBatch = async (calls: readonly unknown[], signal?: AbortSignal): Promise<readonly Verdict[]> => {
    const answer = await post("decide/batch", { calls }, signal);
    if (!answer.ok) return calls.map(() => answer.refusal);
    const batch = Batch.safeParse(answer.body);
    // Decisions for another number of calls cannot be matched to them.
    if (!batch.success || batch.data.decisions.length !== calls.length) return calls.map(invalidAnswer);
    return batch.data.decisions.map(toVerdict);
  };
  return {
    async decide(call, signal) {
      const answer = await post("decide", call, signal);
      return answer.ok ? toVerdict(answer.body) : answer.refusal;
    },
    async decideAll(calls, signal) {
      const verdicts: Verdict[] = [];
      for (let i = 0; i < calls.length; i += batchMax) verdicts.push(...(await decideBatch(calls.slice(i, i + batchMax), signal)));
      return verdicts;
    },
    async report(outcome) {
      const answer = await post("outcomes", outcome);
      return answer.ok;
    },
  };
}

type Answer = { readonly ok: true; readonly body: unknown } | { readonly ok: false; readonly refusal: Verdict };

/** One POST: the body of a 200, or the refusal that stands for everything else. */
function createPost({ url, apiKey, timeoutMs, onFault }: DecideClientOptions) {
  const base = url.endsWith("/") ? url : `${url}/`;
  const headers = { "content-type": "application/json", ...(apiKey === undefined ? {} : { "x-api-key": apiKey }) };
  return async (path: string, body: unknown, outer?: AbortSignal): Promise<Answer> => {
    const timeout = AbortSignal.timeout(timeoutMs);
    const signal = outer === undefined ? timeout : AbortSignal.any([outer, timeout]);
    try {
      // A redirect would carry the key elsewhere, and let somebody else answer.
      const response = await fetch(new URL(path, base), { method: "POST", headers, body: JSON.stringify(body), redirect: "error", signal });
      const text = await readText(response);
      return response.status === 200 ? { ok: true, body: parseJson(text) } : { ok: false, refusal: httpRefusal(response.status, text) };
    } catch (thrown) {
      onFault(`no answer from remit on \`${path}\`: ${faultText(thrown)}`);
      return { ok: false, refusal: timeout.aborted ? timedOut(timeoutMs) : unreachable() };
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
