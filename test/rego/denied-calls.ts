import { readFileSync } from "node:fs";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** A copy with the values at the JSON pointers replaced. */
export function changed(document: Json, changes: Readonly<Record<string, Json>>): Json {
  const copy = structuredClone(document) as Record<string, unknown>;
  for (const [pointer, value] of Object.entries(changes)) {
    const parts = pointer
      .split("/")
      .slice(1)
      .map((part) => part.replaceAll("~1", "/"));
    const last = parts.pop() ?? "";
    const parent = parts.reduce((node, part) => node[part] as Record<string, unknown>, copy);
    parent[last] = value;
  }
  return copy as Json;
}

const selfTest = JSON.parse(readFileSync("rego/self-test.json", "utf8")) as readonly { readonly input: Json; readonly allow: boolean }[];

/** A query by a role that may query. */
export const permitted: Json = selfTest.find(({ allow }) => allow)?.input ?? null;

const verified = {
  present: true,
  verified: true,
  issuer: "https://issuer.example",
  acr: "phr",
  amr: ["pwd"],
  auth_time: 1767225480,
  auth_age_s: 120,
  age_s: 120,
  expires_in_s: 480,
};

/** The deletion of a customer by an administrator that stepped up. */
export const administration = changed(permitted, {
  "/call/tool": "delete_customer",
  "/call/arguments": { id: "c-1" },
  "/tool/class": "admin",
  "/tool/queries": [],
  "/tool/returns": [],
  "/provenance": {},
  "/values": {},
  "/subject/roles": ["admin"],
  "/subject/verified": true,
  ...Object.fromEntries(Object.entries(verified).map(([name, value]) => [`/token/${name}`, value])),
});

const value = (role: string, origin: string, rest: Readonly<Record<string, Json>>) => ({
  ...{ role, origin, vouched: false, granted: null, used_before: false, amount: null },
  ...rest,
});

/** A payment that the task and the grant cover, in a session with a history. */
export const payment = changed(permitted, {
  "/call/server": "banking",
  "/call/tool": "send_money",
  "/call/arguments": { recipient: "GB29NWBK60161331926819", amount: 120, subject: "rent" },
  "/tool/class": "update",
  "/tool/external": true,
  "/tool/returns": [],
  "/tool/destinations": ["/recipient"],
  "/tool/amounts": ["/amount"],
  "/tool/queries": [],
  "/tool/limits": { "/amount": 1000 },
  "/tool/asked_for": true,
  "/tool/requires": [{ tool: "banking/get_balance", argument: null, met: true }],
  "/subject/roles": ["customer"],
  "/session/age_s": 60,
  "/session/calls": 3,
  "/session/records": 12,
  "/session/counts": { class: { read: 3 }, tool: { "banking/get_balance": 3 } },
  "/session/labels": ["untrusted"],
  "/session/grant": {
    ...{ purpose: "rent", tools: ["banking/*"], classes: ["read", "update"], destinations_limited: true },
    ...{ budgets: { calls: 10, amount: 500 }, expires_in_s: 600, task_known: true, signed: false },
  },
  "/session/budgets/grant.calls": { used: 3, scope: "session", window_s: null },
  "/session/recent": [{ tool: "banking/get_balance", class: "read", age_s: 5, outcome: "completed" }],
  "/provenance": { "/recipient": "task", "/amount": "task" },
  "/values": { "/recipient": value("destination", "task", { granted: true }), "/amount": value("amount", "task", { amount: 120 }) },
  "/embedded": [{ pointer: "/subject", kind: "url", origin: "unknown" }],
});

/** The payment to a recipient of that origin, with other changes. */
function to(origin: string, changes: Readonly<Record<string, Json>>): Json {
  return changed(payment, { "/provenance/~1recipient": origin, "/values/~1recipient/origin": origin, ...changes });
}

/** A payment whose amount is the tool's to choose, with nothing that counts amounts. */
const unsized = changed(payment, {
  "/call/arguments": { recipient: "GB29NWBK60161331926819" },
  "/provenance": { "/recipient": "trusted" },
  "/values": { "/recipient": value("destination", "trusted", { granted: true }) },
  "/session/grant/budgets": {},
  "/embedded": [],
});

const anywhere = { "/tool/external": true, "/tool/returns": [], "/session/labels": ["pii", "untrusted"] };
const alone = { "/session/id": null, "/session/known": false, "/session/age_s": null };
const away = { ...alone, "/session/id": "s-1", "/session/available": false, "/session/budgets": {}, "/session/calls": 0 };
const update = { "/tool/class": "update", "/tool/returns": [], "/subject/roles": ["editor"], "/call/tool": "update_customer" };

/** A call that is denied: its name, the call, the codes in their order, and whether an approval of them all would lift it. */
export type DeniedCall = readonly [name: string, input: Json, codes: readonly string[], asks: boolean];

/** One change or a few make each of an allowed call. */
const rows: readonly (readonly [string, Json, readonly string[], true?])[] = [
  ["a role that may not", changed(permitted, { "/subject/roles": ["viewer"] }), ["role_not_permitted"]],
  ["no role", changed(permitted, { "/subject/roles": [] }), ["role_not_permitted"]],
  ["an unknown tool", changed(permitted, { "/tool/known": false }), ["tool_unknown"]],
  ["unknown arguments", changed(permitted, { "/call/arguments_known": false }), ["arguments_unknown"]],
  ["nobody", changed(permitted, { "/subject/id": null }), ["subject_unknown"]],
  ["a subject that nobody may state", changed(permitted, { "/request/pep/asserts_subject": false }), ["subject_unknown"]],
  ["an expired token", changed(permitted, { "/token/present": true, "/token/failure": "token_expired" }), ["token_expired"]],
  ["a stale token", changed(administration, { "/token/age_s": 901 }), ["token_stale"]],
  ["a weak authentication", changed(administration, { "/token/acr": "1" }), ["step_up_required"]],
  ["an old authentication", changed(administration, { "/token/auth_age_s": 901 }), ["step_up_required"]],
  ["a destructive annotation", changed(permitted, { "/call/annotations": { destructiveHint: true } }), ["step_up_required"]],
  ["a destructive name", changed(permitted, { ...update, "/call/tool": "purge_all" }), ["step_up_required"]],
  ["an origin outside", changed(administration, { "/request/origin/ip": "203.0.113.9" }), ["origin_not_permitted"]],
  ["an unknown origin", changed(administration, { "/request/origin/ip": null }), ["origin_not_permitted"]],
  ["an origin that is no address", changed(administration, { "/request/origin/ip": "not an address" }), ["origin_not_permitted"]],
  ["no session", changed(administration, alone), ["session_required"]],
  ["an old session", changed(administration, { "/session/age_s": 3601 }), ["session_too_old"]],
  ["a terminated agent", changed(permitted, { "/session/ended": { by: "agent", reason: "incident" } }), ["session_ended"]],
  ["a store that is away", changed(permitted, away), ["session_unavailable"]],
  [
    "a read of unknown origin while the store is away",
    changed(permitted, { ...away, "/tool/class": "read", "/tool/returns": [] }),
    ["session_unavailable"],
  ],
  ["a session that may be lost", changed(permitted, { ...update, "/session/known": false, "/session/lost": true }), ["session_state_lost"]],
  ["a payment without a session", changed(payment, { ...alone, "/session/grant": null }), ["session_missing", "session_required"]],
  ["an expired grant", changed(payment, { "/session/grant/expires_in_s": 0 }), ["grant_expired"]],
  ["a tool outside the grant", changed(payment, { "/session/grant/tools": ["banking/get_*"] }), ["tool_outside_grant"]],
  ["a class outside the grant", changed(payment, { "/session/grant/classes": ["read"] }), ["class_outside_grant"]],
  ["a destination outside the grant", changed(payment, { "/values/~1recipient/granted": false }), ["destination_outside_grant"]],
  ["more calls than granted", changed(payment, { "/session/grant/budgets": { calls: 3 } }), ["grant_budget_exceeded"]],
  ["a larger amount than granted", changed(payment, { "/session/grant/budgets": { amount: 119.99 } }), ["grant_budget_exceeded"]],
  ["an unknown budget of the grant", changed(payment, { "/session/grant/budgets": { call: 3 } }), ["grant_budget_unknown"]],
  ["an amount that is no number", changed(payment, { "/values/~1amount/amount": null }), ["amount_unknown"]],
  [
    "a negative amount that nothing limits",
    changed(payment, { "/values/~1amount/amount": -120, "/tool/limits": {}, "/session/grant/budgets": {} }),
    ["amount_unknown"],
  ],
  ["a budget that is used up", changed(permitted, { "/session/budgets/session_calls/used": 1000 }), ["budget_exceeded"]],
  ["a budget that is not known", changed(permitted, { "/session/budgets": {} }), ["budget_unknown"]],
  ["missing evidence", changed(payment, { "/tool/requires/0/met": false }), ["evidence_missing"]],
  ["a definition that changed", changed(permitted, { "/session/pinned_digest": "sha256:1" }), ["definition_changed"]],
  ["a definition that was not reviewed", changed(permitted, { "/tool/definition_digest": "sha256:1" }), ["definition_not_pinned"]],
  ["a tool that the task does not ask for", changed(payment, { "/tool/asked_for": false }), ["tool_not_asked_for"], true],
  ["an untrusted destination", to("untrusted", {}), ["destination_untrusted"], true],
  ["a destination that nothing explains", to("unknown", {}), ["destination_unexplained"], true],
  ["data to an untrusted destination", to("untrusted", { "/session/labels": ["pii"] }), ["destination_untrusted_with_data"]],
  [
    "a large amount to an untrusted destination",
    to("untrusted", { "/tool/limits": { "/amount": 100 } }),
    ["destination_untrusted_large_amount"],
  ],
  ["an untrusted link in a text", changed(payment, { "/embedded/0/origin": "untrusted" }), ["content_link_untrusted"], true],
  [
    "a way out for what the session has seen",
    to("unknown", { "/session/labels": ["confidential", "untrusted"] }),
    ["destination_unexplained", "trifecta"],
    true,
  ],
  ["a change anywhere outside", changed(permitted, { ...update, ...anywhere }), ["trifecta"]],
  ["a query anywhere outside", changed(permitted, anywhere), ["trifecta"], true],
  [
    "a large amount to a new destination",
    to("trusted", { "/values/~1amount/amount": 501, "/session/grant/budgets": {} }),
    ["destination_first_seen"],
    true,
  ],
  ["an amount that is left out to a new destination", unsized, ["destination_first_seen"], true],
  ["a large page", changed(permitted, { "/tool/page_sizes": ["/limit"], "/call/arguments/limit": 501 }), ["page_too_large"], true],
  ["a page of no size", changed(permitted, { "/tool/page_sizes": ["/limit"], "/call/arguments/limit": null }), ["page_too_large"], true],
  [
    "a large page within a list",
    changed(permitted, {
      "/tool/page_sizes": ["/pages/0/n"],
      "/call/arguments": { pages: [{ n: 501 }] },
      "/values": {},
      "/provenance": {},
    }),
    ["page_too_large"],
    true,
  ],
  ["many rows", changed(permitted, { "/session/records": 10_001 }), ["mass_read"], true],
  ["many calls of a tool", changed(permitted, { "/session/counts/tool": { "crm/search_customers": 100 } }), ["mass_read"], true],
];

export const denied: readonly DeniedCall[] = rows.map(([name, input, codes, asks]) => [name, input, codes, asks === true]);
