import { RemitError } from "../../errors.ts";
import { forGoodMs } from "./budgets.ts";
import { blockDoc } from "./keys.ts";
import type { SessionDeps } from "./query.ts";
import { type Block, readBlock } from "./stop.ts";
import { readDocs, untilDone } from "./until-done.ts";

/** Whom a block stops: every session of an agent, or of a subject, whatever the other is. */
export interface BlockTarget {
  readonly tenant: string;
  readonly kind: "agent" | "subject";
  readonly id: string;
}

/** The block of an agent or a subject, or null. Throws RemitError `session_store_unavailable`. */
export async function blockOf(deps: SessionDeps, target: BlockTarget, nowMs: number): Promise<Block | null> {
  const [stored] = await readDocs(deps, target.tenant, [blockDoc(deps.mark, target.kind, target.id)], nowMs);
  return readBlock(stored);
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

function write(deps: SessionDeps, target: BlockTarget, nowMs: number, next: (before: Block | null) => Block): Promise<Block> {
  const key = blockDoc(deps.mark, target.kind, target.id);
  return untilDone(async () => {
    const [stored] = await readDocs(deps, target.tenant, [key], nowMs);
    const value = next(readBlock(stored));
    const doc = { key, version: stored?.version ?? 0, text: JSON.stringify(value), expiresMs: nowMs + forGoodMs, limited: false };
    return [await deps.store.change(target.tenant, { docs: [doc], counters: [], fields: [] }, nowMs), value];
  });
}
