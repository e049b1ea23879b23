import type { DocChange } from "../ports.ts";
import type { SessionDeps } from "./query.ts";
import { readDocs, untilDone } from "./until-done.ts";

/** The name by which an enforcement point will tell what became of a call, where its wire has no place for our decision id. */
export interface CallReference {
  readonly tenant: string;
  readonly pepId: string;
  readonly reference: string;
}

/** A call that was not heard of for so long is not told any more (milliseconds). */
const rememberedMs = 3_600_000;

/** Remembers which decision the reference means; a later call of the same name replaces an earlier one. Throws as the store does. */
export async function rememberReference(deps: SessionDeps, asked: CallReference, decisionId: string, nowMs: number): Promise<void> {
  const key = documentKey(deps, asked);
  await untilDone(async () => {
    const [stored] = await readDocs(deps, asked.tenant, [key], nowMs);
    const doc: DocChange = { key, version: stored?.version ?? 0, text: decisionId, expiresMs: nowMs + rememberedMs, limited: false };
    return [await deps.store.change(asked.tenant, { docs: [doc], counters: [], fields: [] }, nowMs), undefined];
  });
}

/** The decision that the reference means; null when none is known. Throws as the store does. */
export async function findReference(deps: SessionDeps, asked: CallReference, nowMs: number): Promise<string | null> {
  const [stored] = await readDocs(deps, asked.tenant, [documentKey(deps, asked)], nowMs);
  return stored?.text ?? null;
}

function documentKey(deps: SessionDeps, { pepId, reference }: CallReference): string {
  return `x:${deps.mark(`reference ${pepId.length}:${pepId}${reference}`)}`;
}
