import { digestOf } from "../canonical.ts";
import type { JsonObject } from "../json.ts";
import type { SessionInput } from "../policy-input-schema.ts";
import type { ToolEntry } from "../ports.ts";
import type { SessionState } from "./state.ts";

/** What an approval is bound to: the tool and exactly these arguments. */
export function bindingOf(tool: string, args: JsonObject): string {
  return digestOf({ arguments: args, tool });
}

/** Approvals given for exactly this call and not yet used. */
export function approvalsFor(
  state: SessionState,
  tool: ToolEntry,
  call: { arguments: JsonObject; argumentsKnown: boolean },
  nowMs: number,
): SessionInput["approvals"] {
  const living = state.approvals.filter(({ expiresMs }) => expiresMs > nowMs);
  // Arguments that are not known cannot be what somebody approved.
  if (living.length === 0 || !call.argumentsKnown) return [];
  const binding = bindingOf(tool.name, call.arguments);
  return living.filter((approval) => approval.binding === binding).map(({ id, codes, approver }) => ({ id, codes: [...codes], approver }));
}
