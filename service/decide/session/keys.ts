import type { SessionKey } from "../ports.ts";

/** Keyed hash of a name: 16 printable characters. What the store holds says nothing without the key. */
export type Marker = (name: string) => string;

/** One text of several that may be absent; no two lists share one, whatever characters they hold. */
function joined(...parts: readonly (string | null)[]): string {
  let text = "";
  for (const part of parts) text += part === null ? "-" : `${part.length}:${part}`;
  return text;
}

/** Document of a session, bound to its principal. */
export function sessionDoc(mark: Marker, key: SessionKey): string {
  return `s:${mark(joined("session", key.subject, key.agent, key.id))}`;
}

/** Owner of the values that one life of a session remembers. */
export function valuesOwner(doc: string, life: string): string {
  return `v${doc.slice(1)}:${life}`;
}

/** Owner of the destinations that an agent has used for a subject, in whatever session. */
export function principalOwner(mark: Marker, subject: string | null, agent: string | null): string {
  return `p:${mark(joined("principal", subject, agent))}`;
}

/** Document that blocks an agent or a subject (kill switch). */
export function blockDoc(mark: Marker, kind: "agent" | "subject", id: string): string {
  return `b:${mark(joined("block", kind, id))}`;
}

/** Document of an allowed call that waits for its outcome. */
export function reservationDoc(decisionId: string): string {
  return `o:${decisionId}`;
}

/** Document of an access request, and the list of those that wait. */
export function accessRequestDoc(id: string): string {
  return `r:${id}`;
}
export const openRequestsDoc = "q:open";

/** Counter of a budget; one per window. */
export function counterKey(
  mark: Marker,
  budget: { name: string; scope: "agent" | "tenant" },
  agent: string | null,
  window: number,
): string {
  const whose = budget.scope === "agent" ? `:${mark(joined("agent", agent))}` : "";
  return `${budget.scope}${whose}:${budget.name}:${window}`;
}
