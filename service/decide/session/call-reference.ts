import type { DocChange } from "../ports.ts";
import { reservationDoc } from "./keys.ts";
import type { SessionDeps } from "./query.ts";
import type { Reservation } from "./reserve.ts";
import { readDocs, untilDone } from "./until-done.ts";

/** The name by which an enforcement point will tell what became of a call, where its wire has no place for our decision id. */
export interface CallReference {
  readonly tenant: string;
  readonly pepId: string;
  readonly reference: string;
}

/** A call that was not heard of for so long is not told any more (milliseconds). */
const rememberedMs = 3_600_000;

/** More calls than that of one name at once are as good as this many: it means none of them. */
const openMax = 8;

/**
 * Remembers which decision the reference means. While an earlier call of the same name waits to be heard of it means neither: whoever
 * chooses the names could else have the result of one call taken for that of another. Throws as the store does.
 */
export async function rememberReference(deps: SessionDeps, asked: CallReference, decisionId: string, nowMs: number): Promise<void> {
  const key = documentKey(deps, asked);
  await untilDone(async () => {
    const [stored] = await readDocs(deps, asked.tenant, [key], nowMs);
    const earlier = idsOf(stored).filter((id) => id !== decisionId);
    const text = [...(await waiting(deps, asked.tenant, earlier, nowMs)), decisionId].slice(-openMax).join(" ");
    const doc: DocChange = { key, version: stored?.version ?? 0, text, expiresMs: nowMs + rememberedMs, limited: false };
    return [await deps.store.change(asked.tenant, { docs: [doc], counters: [], fields: [] }, nowMs), undefined];
  });
}

/** The decision that the reference means; null when none is known, or it could be one of several. Throws as the store does. */
export async function findReference(deps: SessionDeps, asked: CallReference, nowMs: number): Promise<string | null> {
  const [stored] = await readDocs(deps, asked.tenant, [documentKey(deps, asked)], nowMs);
  const [id, ...others] = idsOf(stored);
  return id === undefined || others.length > 0 ? null : id;
}

function idsOf(stored: { readonly text: string | null } | undefined): readonly string[] {
  return stored?.text?.split(" ") ?? [];
}

/** Those of the decisions of which nobody has said what became of the call. */
async function waiting(deps: SessionDeps, tenant: string, ids: readonly string[], nowMs: number): Promise<readonly string[]> {
  if (ids.length === 0) return [];
  const docs = await readDocs(deps, tenant, ids.map(reservationDoc), nowMs);
  return ids.filter((_, index) => {
    const text = docs[index]?.text ?? null;
    return text !== null && (JSON.parse(text) as Pick<Reservation, "reported">).reported === null;
  });
}

function documentKey(deps: SessionDeps, { pepId, reference }: CallReference): string {
  return `x:${deps.mark(`reference ${pepId.length}:${pepId}${reference}`)}`;
}
