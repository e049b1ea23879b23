import type { RemitError } from "../errors.ts";

/** What the edge reports; the edge itself knows no metrics library. */
export interface HttpObserver {
  finished(request: { path: string | null; method: string; code: number; durationS: number }): void;
  inFlight(count: number): void;
  shed(): void;
  /** A fault that the caller is not told about. */
  fault(error: RemitError, requestId: string): void;
}
