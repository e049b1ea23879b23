import type { Json } from "../json.ts";
import type { SessionInput } from "../policy-input-schema.ts";
import { strictForm } from "../provenance/forms.ts";
import { scan, tokenMarks } from "../provenance/tokens.ts";
import type { Marker } from "./keys.ts";
import type { GrantState } from "./state.ts";
import { textsOf } from "./values.ts";

/** The grant as policies and people see it: without the task's words and the destinations, which are kept as keyed hashes only. */
export function grantView(grant: GrantState, nowMs: number): NonNullable<SessionInput["grant"]> {
  return {
    purpose: grant.purpose,
    tools: grant.tools === null ? null : [...grant.tools],
    classes: grant.classes === null ? null : [...grant.classes],
    destinations_limited: grant.destinations !== null,
    budgets: { ...grant.budgets },
    expires_in_s: grant.expiresMs === null ? null : Math.floor((grant.expiresMs - nowMs) / 1000),
    task_known: grant.words !== null,
    signed: grant.signed,
  };
}

/** Name of a destination in a grant: an address as it is, or the host that a URL goes to. */
export function grantName(destination: string): string {
  return `g|${strictForm(destination)}`;
}

/** Whether every part of a destination is one of the grant's, itself or by its host; null when the grant names none. */
export function grantedAll(mark: Marker, grant: GrantState | null, value: Json): boolean | null {
  const granted = grant?.destinations ?? null;
  if (granted === null) return null;
  const texts = textsOf(value);
  if (texts === null || texts.length === 0) return false;
  return texts.every((text) => candidates(text).some((name) => granted.includes(mark(name))));
}

/** The destination as it is; and, of a text that is one URL and nothing else, the host that it goes to. */
function candidates(text: string): string[] {
  const { tokens, rest } = scan(text.trim());
  const [only, ...others] = tokens;
  const alone = only !== undefined && others.length === 0 && rest.replace(tokenMarks, "").trim() === "";
  const party = alone && only.kind === "url" ? (only.address?.party ?? null) : null;
  return party === null ? [grantName(text)] : [grantName(text), `g|${party}`];
}
