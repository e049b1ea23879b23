/** Milliseconds within which requests share a signal: a timer for every request would cost more than most steps of a decision. */
const shareMs = 10;

/** Gives requests an AbortSignal that fires `deadlineMs` (at most 10 ms sooner) after they asked for it. */
export function createDeadlines(deadlineMs: number): (nowMs: number) => AbortSignal {
  let madeAt = Number.NEGATIVE_INFINITY;
  let signal = AbortSignal.timeout(deadlineMs);
  return (nowMs) => {
    if (nowMs - madeAt < shareMs && nowMs >= madeAt && !signal.aborted) return signal;
    madeAt = nowMs;
    signal = AbortSignal.timeout(deadlineMs);
    return signal;
  };
}
