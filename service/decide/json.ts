/** Any JSON value, as parsed by the strict reader: plain objects, no functions, no cycles. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

/** A JSON object. Index it only with `Object.hasOwn`, never with a caller's string alone. */
export interface JsonObject {
  readonly [key: string]: Json;
}
