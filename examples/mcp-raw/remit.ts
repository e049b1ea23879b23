/** Who sent a message. */
export type Side = "client" | "server";

export interface Message {
  readonly id?: string | number | null;
  readonly method?: string;
}

/** A JSON-RPC error in place of what was not passed on. */
export interface Refusal {
  readonly jsonrpc: "2.0";
  readonly id: string | number | null;
  readonly error: { readonly code: number; readonly message: string; readonly data?: unknown };
}

interface RemitOptions {
  readonly url: string;
  readonly timeoutMs: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly apiKey: string | undefined;
}

/** Asks about one message as it came over the wire: null, it may pass; else what its sender is told. Never rejects: no answer is a no. */
export function createRemit({ url, timeoutMs, headers, apiKey }: RemitOptions): (side: Side, line: string) => Promise<Refusal | null> {
  const key = apiKey === undefined ? {} : { "x-api-key": apiKey };
  return async (side, line) => {
    const id = idOf(line);
    try {
      const response = await fetch(`${url}${side === "client" ? "/mcp" : "/mcp/server"}`, {
        method: "POST",
        headers: { ...headers, ...key, "content-type": "application/json" },
        body: line,
        redirect: "error",
        signal: AbortSignal.timeout(timeoutMs),
      });
      const body = (await response.json()) as { allow?: unknown; error?: Refusal["error"] };
      if (response.status === 200 && body.allow === true) return null;
      return { jsonrpc: "2.0", id, error: body.error ?? { code: 403, message: "not allowed" } };
    } catch (thrown) {
      console.error(`no answer from remit: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
      return { jsonrpc: "2.0", id, error: { code: 503, message: "remit gave no answer, so the message was not passed on" } };
    }
  };
}

function idOf(line: string): string | number | null {
  try {
    return (JSON.parse(line) as Message).id ?? null;
  } catch {
    return null;
  }
}
