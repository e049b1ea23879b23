import type { Outcome } from "../decide/decide.ts";
import type { Json, JsonObject } from "../decide/json.ts";
import type { BundleId } from "../decide/ports.ts";
import type { QueryAnswer } from "../decide/query.ts";
import type { OutcomeStatus } from "../decide/session/outcome.ts";
import type { ClaimedAgent, ClaimedSubject, ToolCall } from "../decide/tool-call.ts";
import type { RemitError } from "../errors.ts";

/** Headers as node:http gives them: lower-case names. */
export type WireHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** What is known of a request before its body is read. */
export interface WireHead {
  readonly method: string;
  /** As sent, still percent-encoded, without the query. Whoever is on the other side chose it. */
  readonly path: string;
  /** What follows `?`, as sent; "" when there is none. */
  readonly query: string;
  readonly headers: WireHeaders;
  readonly requestId: string;
}

/** The body as it was read: none, one strict JSON document, or bytes that are not one, with the reason. */
export type WireBody =
  | { readonly kind: "none" }
  | { readonly kind: "json"; readonly value: Json }
  | { readonly kind: "other"; readonly error: RemitError };

/** Who the agent is and for whom it acts, as the configured headers say; believed only from a PEP that asserts subjects. */
export interface WireClaims {
  readonly subject: ClaimedSubject | null;
  readonly agent: ClaimedAgent | null;
  readonly sessionId: string | null;
  readonly server: string | null;
  readonly originIp: string | null;
}

/** A whole request of an authenticated PEP. */
export interface WireRequest extends WireHead {
  /** The body after content decoding; empty when there is none. */
  readonly bytes: Buffer;
  readonly body: WireBody;
  readonly claims: WireClaims;
  /** The agent's own token: `X-Remit-Token`, or `Authorization` where that is not the PEP's credential; null when no issuer is configured. */
  readonly token: string | null;
  /** The active bundle, and what it answers. */
  readonly policy: { readonly bundle: BundleId; readonly entrypoints: ReadonlySet<string> };
  /** Who asks, as headers say that stand in the body: those of the request that the PEP holds back. Throws RemitError `request_invalid`. */
  readonly identityIn: (headers: WireHeaders) => Pick<WireRequest, "claims" | "token">;
  /** Parses a document inside of the body as strictly and within the same bounds. Throws RemitError `body_not_json` or `body_unsafe`. */
  readonly parse: (bytes: Buffer) => Json;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
}

/** What goes back; `body` null: none. `cache-control` and `content-length` are added to every reply, and `x-request-id` to one that has none. */
export interface WireReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  /** Least size (bytes) from which the body is sent as gzip to whom accepts that; left out: never. */
  readonly gzipFromBytes?: number;
}

/** A decision, an error instead of one, or what was wrong with that item of the request. */
export type Answered = Outcome | { readonly kind: "invalid"; readonly error: RemitError };

/** Tool calls to be judged in their order, under one snapshot of the policy. */
export interface CallsQuestion {
  readonly kind: "calls";
  /** An item that cannot be understood stands as its error, and spoils no other. */
  readonly calls: readonly (ToolCall | RemitError)[];
  /** True: the calls after this one are not asked about. */
  readonly until?: (answered: Answered) => boolean;
  /** By which the PEP can name each call when it reports what became of it; null or left out: it cannot. Unique within PEP and session. */
  readonly references?: readonly (string | null)[];
  readonly reply: (answers: readonly Answered[]) => WireReply;
}

/** Plain questions to entrypoints of the bundle, in OPA's semantics. */
export interface QueriesQuestion {
  readonly kind: "queries";
  readonly queries: readonly PolicyQuery[];
  /** True: the queries after this one are not asked. */
  readonly until?: (answer: QueryAnswer) => boolean;
  /** `batchId`: under which the answers are recorded together; null for a single one. */
  readonly reply: (answers: readonly QueryAnswer[], batchId: string | null) => WireReply;
}

export interface PolicyQuery {
  readonly entrypoint: string;
  /** Path from the entrypoint's value down to what is asked for: keys, or integers; left out: the whole value. */
  readonly below?: readonly (string | number)[];
  /** Any JSON; undefined: no input at all. */
  readonly input: Json | undefined;
  /** `undefined`: a builtin that fails is undefined, as in OPA. `deny`: it is an error. */
  readonly builtinErrors: "deny" | "undefined";
}

/** What became of a call that was asked about under this reference. */
export interface OutcomeQuestion {
  readonly kind: "outcome";
  readonly reference: string;
  readonly status: OutcomeStatus;
  /** What the tool returned; undefined when it is not told. */
  readonly result: Json | undefined;
  /** `error`: it could not be remembered; null when it was, or when no call waits under the reference. */
  readonly reply: (error: RemitError | null) => WireReply;
}

/** Nothing to be decided. */
export interface NoQuestion {
  readonly kind: "reply";
  readonly reply: WireReply;
}

export type Question = CallsQuestion | QueriesQuestion | OutcomeQuestion | NoQuestion;

/** How a body is read: `json`: it must be JSON in `application/json`; `any`: whatever it is, `body` says what was found. */
export type BodyRule = "json" | "any";

export interface DialectRoute {
  readonly method: "get" | "post" | "any";
  /** Exact path; with `/*` at its end everything below it, and the path itself. */
  readonly path: string;
  /** One line for the OpenAPI document. */
  readonly summary: string;
  readonly body: BodyRule;
  /** The body may hold a tool's result, and may be as large as an outcome's. */
  readonly results?: true;
  /** Published: nobody need authenticate, a body is not read, and nothing can be asked: only a question of kind `reply` is answered. */
  readonly published?: true;
  /** Says whose signature over the raw bytes stands for the PEP's credential; left out: the credential is in the headers. Throws RemitError `pep_unauthenticated`. */
  readonly signed?: (head: WireHead) => WireSignature;
  /** Pure: wire to question. Throws RemitError for a request that is not of this dialect. */
  readonly translate: (request: WireRequest) => Question;
}

/** A signature over bytes of the request, by a secret of the PEP. */
export interface WireSignature {
  readonly pepId: string;
  /** Bytes that were signed. */
  readonly signedBytes: (body: Buffer) => Buffer;
  /** HMAC-SHA256, 32 bytes. */
  readonly mac: Buffer;
  /** When it was signed (milliseconds since the epoch), null when it does not say. */
  readonly signedAtMs: number | null;
}

/** One wire format: pure translators, and one closed form for everything that goes wrong. */
export interface Dialect {
  /** In PEPs' `dialects`, records and metrics. */
  readonly name: string;
  readonly routes: readonly DialectRoute[];
  /** Any failure in this dialect's own closed form: what its PEPs take for a no. Never an allow. */
  readonly refuse: (error: RemitError, head: WireHead) => WireReply;
}

/** A reply in JSON. */
export function jsonReply(status: number, body: Json | JsonObject, headers: Readonly<Record<string, string>> = {}): WireReply {
  return { status, headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body) };
}
