/** Lets the decisions of one session that got in each other's way take turns within this process. */
export interface Turns {
  /** Runs when every earlier one of the same key has ended, however it ended. */
  take<T>(key: string, run: () => Promise<T>): Promise<T>;
}

/** Keys are forgotten as soon as nobody waits. */
export function createTurns(): Turns {
  const last = new Map<string, Promise<unknown>>();
  return {
    async take(key, run) {
      const before = last.get(key) ?? Promise.resolve();
      const mine = before.then(run, run);
      last.set(key, mine);
      try {
        return await mine;
      } finally {
        if (last.get(key) === mine) last.delete(key);
      }
    },
  };
}
