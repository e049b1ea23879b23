import { RegoObject } from "../value/value.ts";
import type { Family } from "./builtin.ts";

/** A module has `internal.print` when it was built with `--wasm-include-print`, drops what it gives, and has its arguments evaluated. */
const print = () => true;

/** What would tell a policy about the process it runs in, or the process about the policy: nothing in both directions. */
export const runtime: Family = {
  // What OPA gives when no runtime is configured. Elsewhere it has the environment, and with it secrets.
  "opa.runtime": () => new RegoObject([]),
  "internal.print": print,
  // The compiler rewrites it, so that no module should ask for it.
  print,
};
