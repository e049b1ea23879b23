import type { JsonObject } from "./json.ts";

/** The normal form every dialect is translated into (DESIGN section 1). Identity is still only claimed here. */
export interface ToolCall {
  readonly method: string;
  readonly server: string | null;
  readonly tool: string;
  readonly arguments: JsonObject;
  /** False when the enforcement point could not forward the arguments; policies deny what needs them. */
  readonly argumentsKnown: boolean;
  readonly annotations: JsonObject;
  readonly definitionDigest: string | null;
  readonly subject: ClaimedSubject | null;
  readonly agent: ClaimedAgent | null;
  readonly token: string | null;
  readonly sessionId: string | null;
  readonly request: ClaimedRequest;
  readonly context: JsonObject;
}

/** Subject as the PEP states it; a verified token wins over it. */
export interface ClaimedSubject {
  readonly type: string;
  readonly id: string;
  readonly roles: readonly string[];
  readonly groups: readonly string[];
  readonly properties: JsonObject;
}

/** Agent as the PEP states it; a verified token wins over it. */
export interface ClaimedAgent {
  readonly id: string;
  readonly properties: JsonObject;
}

/** What the PEP says about the request that reached it. */
export interface ClaimedRequest {
  readonly id: string | null;
  readonly path: string | null;
  readonly origin: { readonly ip: string | null; readonly userAgent: string | null };
}

/**
 * What an enforcement point may do. `decide`: ask, and report outcomes. `grant`: declare grants, read and end sessions.
 * `approve`: list and decide access requests. `operate`: terminate agents and subjects.
 */
export const pepPermissions = ["decide", "grant", "approve", "operate"] as const;
export type PepPermission = (typeof pepPermissions)[number];

/** What a request takes: the right to its dialect, and one of the permissions. */
export interface PepNeeds {
  readonly dialect: string;
  readonly anyOf: readonly [PepPermission, ...PepPermission[]];
}

/** An authenticated enforcement point. `assertsSubject`: its subject claims count without a token. */
export interface Pep {
  readonly id: string;
  readonly tenant: string;
  readonly dialects: readonly string[];
  readonly permissions: readonly PepPermission[];
  readonly assertsSubject: boolean;
  readonly annotationsTrusted: boolean;
}
