import type { AppDeps } from "../../service/http/app.ts";

/** For apps whose test asks in the native dialect only. */
export const noDialects: Pick<
  AppDeps,
  | "dialects"
  | "query"
  | "identityHeaders"
  | "agentTokens"
  | "anonymous"
  | "authenticateSigned"
  | "signatureAgeMsMax"
  | "bundleState"
  | "opaInfo"
> = {
  dialects: [],
  query: () => ({ kind: "undefined", decisionId: "d-1", evalNs: 0 }),
  identityHeaders: {},
  agentTokens: false,
  anonymous: false,
  authenticateSigned() {
    throw new Error("nothing is signed");
  },
  signatureAgeMsMax: 1000,
  bundleState: () => ({ active: null, lastAttemptMs: null, lastSuccessMs: null, lastError: null }),
  opaInfo: { labels: {}, bundleName: "default", defaultDecision: "system/main" },
};
