import type { DialectRouteDeps } from "../../service/http/dialect-routes.ts";

/** For apps whose test asks in the native dialect only. */
export const noDialects: Pick<
  DialectRouteDeps,
  "dialects" | "query" | "identityHeaders" | "agentTokens" | "anonymous" | "authenticateSigned" | "signatureAgeMsMax"
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
};
