/** A member of an object and the known name that some readers take it for. */
export interface LookAlike {
  readonly key: string;
  readonly like: string;
}

/** Some readers take `Name` for `name`, and `paramſ` for `params` (Go's do): of an object that has one, they and we would read two. */
export function lookAlikeIn(object: object, known: readonly string[]): LookAlike | undefined {
  for (const key of Object.keys(object)) {
    const folded = key.toUpperCase().toLowerCase();
    const like = known.find((name) => name !== key && name === folded);
    if (like !== undefined) return { key, like };
  }
  return undefined;
}
