import type { SessionInput } from "../policy-input-schema.ts";
import type { StoredDoc } from "../ports.ts";
import { blockDoc, type Marker } from "./keys.ts";
import type { SessionState } from "./state.ts";

/** A block of an agent or a subject, as stored. */
export interface Block {
  readonly atMs: number;
  /** Whether new sessions are refused too. */
  readonly blocked: boolean;
  readonly reason: string;
}

/** Where a block is kept that would stop a principal. */
interface StopTarget {
  readonly kind: "agent" | "subject";
  readonly doc: string;
}

/** What is kept there. */
export interface Stop {
  readonly kind: StopTarget["kind"];
  readonly stored: StoredDoc | undefined;
}

/** The blocks to read for a principal; whoever is not known cannot be blocked. */
export function stopTargets(mark: Marker, { agent, subject }: { agent: string | null; subject: string | null }): StopTarget[] {
  const targets: StopTarget[] = [];
  if (agent !== null) targets.push({ kind: "agent", doc: blockDoc(mark, "agent", agent) });
  if (subject !== null) targets.push({ kind: "subject", doc: blockDoc(mark, "subject", subject) });
  return targets;
}

/** Kill switch: the session itself, its agent, or its subject. Sessions from before a block stay ended when it is lifted. */
export function endedBy(state: SessionState | null, stops: readonly Stop[]): SessionInput["ended"] {
  if (state?.ended) return { by: "session", reason: state.ended.reason };
  for (const { kind, stored } of stops) {
    const block = readBlock(stored);
    if (block !== null && (block.blocked || (state !== null && state.firstMs <= block.atMs))) return { by: kind, reason: block.reason };
  }
  return null;
}

/** What cannot be read blocks: somebody meant to stop this agent. */
export function readBlock(doc: StoredDoc | undefined): Block | null {
  if (doc === undefined || doc.text === null) return null;
  try {
    const block = JSON.parse(doc.text) as Block;
    if (typeof block.atMs === "number" && typeof block.blocked === "boolean" && typeof block.reason === "string") return block;
  } catch {
    // Falls through to the block below.
  }
  return { atMs: Number.MAX_SAFE_INTEGER, blocked: true, reason: "the stored block cannot be read" };
}
