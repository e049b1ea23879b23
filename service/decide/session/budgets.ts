import { member } from "../catalog.ts";
import type { Json, JsonObject } from "../json.ts";
import { at } from "../pointer.ts";
import { counterKey, type Marker } from "./keys.ts";

/** One of `data.remit.config.budgets`, as far as the service needs it: where it is counted, and for how long. */
export interface Budget {
  readonly name: string;
  readonly scope: "session" | "agent" | "tenant";
  /** Length of its window, aligned with the epoch; null: as long as the session, or for good. */
  readonly windowS: number | null;
}

/** A budget now: the key of its counter, and when its window ends. */
export interface BudgetSlot extends Budget {
  readonly key: string;
  readonly expiresMs: number;
}

const budgetsMax = 64;
/** For good, as far as a store can be told: ten years. */
export const forGoodMs = 10 * 365 * 86_400_000;
const scopes: ReadonlySet<unknown> = new Set(["session", "agent", "tenant"]);
const read = new WeakMap<object, readonly Budget[]>();

/** Budgets of a bundle; those that are malformed are left out, and policies deny what they do not find. Read once per bundle. */
export function budgetsOf(data: JsonObject): readonly Budget[] {
  const known = read.get(data);
  if (known !== undefined) return known;
  const budgets = readBudgets(at(data, "/remit/config/budgets"));
  read.set(data, budgets);
  return budgets;
}

function readBudgets(value: Json | undefined): readonly Budget[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [];
  const all = Object.entries(value as JsonObject).map(([name, budget]) => {
    const [scope, windowS] = [member(budget, "scope"), member(budget, "window_s") ?? null];
    const sound = scopes.has(scope) && (windowS === null || (typeof windowS === "number" && windowS >= 1 && windowS <= 31_536_000));
    return sound ? { name, scope: scope as Budget["scope"], windowS: windowS as number | null } : null;
  });
  return all.filter((budget) => budget !== null).slice(0, budgetsMax);
}

/** Where a budget is counted now. Budgets of a session have no window of their own: they are kept with the session. */
export function slotOf(mark: Marker, budget: Budget, agent: string | null, nowMs: number): BudgetSlot {
  const { name, scope, windowS } = budget;
  if (scope === "session") return { name, scope, windowS, key: name, expiresMs: nowMs + forGoodMs };
  const windowMs = windowS === null ? forGoodMs : windowS * 1000;
  const window = windowS === null ? 0 : Math.floor(nowMs / windowMs);
  const expiresMs = windowS === null ? nowMs + forGoodMs : (window + 1) * windowMs;
  return { name, scope, windowS, key: counterKey(mark, { name, scope }, agent, window), expiresMs };
}

const unit = 1_000_000;

/**
 * Counters hold whole millionths, so that sums of money are exact. What is used is rounded up, so that no step is too small to count; above
 * nine thousand million nothing can be counted, and nothing is allowed.
 */
export function stepUnits(value: number): number {
  return Math.min(Math.ceil(exactUnits(value)), Number.MAX_SAFE_INTEGER);
}

/** A limit, in the same units, rounded down. */
export function limitUnits(value: number): number {
  return Math.min(Math.floor(exactUnits(value)), Number.MAX_SAFE_INTEGER);
}

/** Without the noise of binary fractions: 1.1 is 1,100,000 millionths and not a little more. */
function exactUnits(value: number): number {
  return Math.round(value * unit * 1000) / 1000;
}

export function fromUnits(units: number): number {
  return units / unit;
}
