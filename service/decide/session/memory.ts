import type { PolicyInput, SessionInput, ValueInput } from "../policy-input-schema.ts";

/** What is remembered that bears on one call, as the policies see it. */
export interface Memory {
  readonly session: SessionInput;
  /** By JSON pointer, for each destination, amount and query argument that the call has. */
  readonly values: Record<string, ValueInput>;
  readonly embedded: PolicyInput["embedded"];
  readonly askedFor: boolean | null;
  readonly requires: PolicyInput["tool"]["requires"];
}

/** A call without a session: nothing is remembered, and nothing need be. */
export const noSession: SessionInput = {
  id: null,
  known: false,
  available: true,
  lost: false,
  age_s: null,
  calls: 0,
  counts: { class: {}, tool: {} },
  records: 0,
  labels: [],
  budgets: {},
  grant: null,
  approvals: [],
  recent: [],
  ended: null,
  pinned_digest: null,
};
