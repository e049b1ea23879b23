import type { JsonObject } from "../../../service/decide/json.ts";

/** A request as an enforcement point sends it. */
export interface Sent {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** What came back. */
export interface Got {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** What the contract needs to know of one dialect. */
export interface DialectSample {
  readonly dialect: string;
  /** Which of several forms of the dialect it is; left out: there is one. */
  readonly form?: string;
  /** Asks about tool `find` with the arguments, as the enforcement point does. */
  readonly ask: (args: JsonObject) => Sent;
  /** Whether the arguments are on the wire at all; false: they must be unknown. */
  readonly seesArguments: boolean;
  /** The tool's name as the policy sees it; left out: `find`. */
  readonly tool?: string;
  /** Reads a reply exactly as the enforcement point does: does it let the call pass? */
  readonly passes: (got: Got) => boolean;
  /** Throws unless the reply is of the dialect's documented form (the standard's schema where there is one). */
  readonly check: (got: Got) => void;
  /** Requests that are wrong in this dialect: none may pass, whatever the policy says. */
  readonly garbage: readonly Sent[];
  /** Requests that are right, but of which the arguments cannot be seen (truncated, not forwarded). */
  readonly blind?: readonly Sent[];
  /** Its enforcement points take a 5xx for a yes: every failure must be a 200 with an explicit no. */
  readonly failsOpen?: true;
}
