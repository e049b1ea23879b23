import { RemitError } from "../../errors.ts";
import { blockDoc } from "./keys.ts";
import type { SessionDeps } from "./query.ts";
import { type Block, readBlock } from "./view.ts";

/** Whom a block stops: every session of an agent, or of a subject, whatever the other is. */
export interface BlockTarget {
  readonly tenant: string;
  readonly kind: "agent" | "subject";
  readonly id: string;
}

const forGoodMs = 10 * 365 * 86_400_000;
const attemptsMax = 32;

/** The block of an agent or a subject, or null. Throws RemitError `session_store_unavailable`. */
export async function blockOf(deps: SessionDeps, target: BlockTarget, nowMs: number): Promise<Block | null> {
  const { docs } = await deps.store.read(
    target.tenant,
    { docs: [blockDoc(deps.mark, target.kind, target.id)], counters: [], fields: [] },
    nowMs,
  );
  return readBlock(docs[0]);
}

/** Kill switch: ends every session there is and refuses new ones, from the very next decision on. */
export function block(deps: SessionDeps, target: BlockTarget, reason: string, nowMs: number): Promise<Block> {
  return write(deps, target, nowMs, () => ({ atMs: nowMs, blocked: true, reason }));
}

/** Lets new sessions begin again; those that were ended stay so. */
export function unblock(deps: SessionDeps, target: BlockTarget, nowMs: number): Promise<Block> {
  return write(deps, target, nowMs, (before) => {
    if (before === null) throw new RemitError("not_found", `${target.kind} \`${target.id}\` is not terminated`);
    return { ...before, atMs: Math.min(before.atMs, nowMs), blocked: false };
  });
}

async function write(deps: SessionDeps, target: BlockTarget, nowMs: number, next: (before: Block | null) => Block): Promise<Block> {
  const key = blockDoc(deps.mark, target.kind, target.id);
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const { docs } = await deps.store.read(target.tenant, { docs: [key], counters: [], fields: [] }, nowMs);
    const value = next(readBlock(docs[0]));
    const doc = { key, version: docs[0]?.version ?? 0, text: JSON.stringify(value), expiresMs: nowMs + forGoodMs, limited: false };
    if ((await deps.store.change(target.tenant, { docs: [doc], counters: [], fields: [] }, nowMs)) === "done") return value;
  }
  throw new RemitError("session_conflict", "the block was changed by others again and again; try again", { retryAfterS: 1 });
}
