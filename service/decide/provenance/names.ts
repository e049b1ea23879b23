/** Codes under which the origin of a name is stored: task, trusted, untrusted, untrusted from a source that task or trusted content named. */
export type OriginCode = "k" | "t" | "u" | "n";

/** Where a value comes from; from best to worst: task, trusted, unknown, untrusted. */
export type Origin = "task" | "trusted" | "unknown" | "untrusted";

/**
 * Bounds of what is taken apart of one result and looked at of one text (UTF-16 units), remembered of one text, and how deep a value is followed.
 * `workMax`: units of `Effort` for one text by itself or all texts of a result.
 */
export const limits = {
  charactersMax: 262_144,
  scannedMax: 65_536,
  namesMax: 4096,
  textsMax: 4096,
  depthMax: 64,
  workMax: 300_000,
} as const;

/**
 * Names of what is remembered. Values are under one name whoever stated them first; words and numbers, which occur everywhere, are under a
 * name of their own for untrusted content, so that trusted content outweighs it whatever the order.
 */
export const nameOf = {
  /** An address or account number in strict form. A bare host is its own name, `h`, and the pages above `h/a/b` are `h` and `h/a`. */
  value: (strict: string): string => `v:${strict}`,
  word: (word: string): string => `w:${word}`,
  pair: (first: string, second: string): string => `p:${first} ${second}`,
  amount: (amount: string): string => `n:${amount}`,
  untrustedAmount: (amount: string): string => `m:${amount}`,
  /** Skeleton of anything in untrusted content. */
  untrusted: (skeleton: string): string => `l:${skeleton}`,
};
