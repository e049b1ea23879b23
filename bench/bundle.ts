import { defaultBundleWith } from "../test/helpers/default-bundle.ts";

const all = { counts: "calls", classes: null, tools: null, max: 1e12 };

/** The default bundle with budgets that no benchmark uses up: they are counted as by default, but never deny. */
export function benchBundle(): Promise<string> {
  return defaultBundleWith({
    session_calls: { scope: "session", window_s: null, ...all },
    agent_calls_per_minute: { scope: "agent", window_s: 60, ...all },
  });
}
