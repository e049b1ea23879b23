import type { DialectOptions } from "../../../service/dialects/table.ts";
import { opaGateways } from "./opa-gateways.ts";

export const dialectOptions: DialectOptions = {
  check: { mcpPaths: ["/mcp"], mcpHeaders: true, resourceMetadata: null, obligations: "deny" },
  authzen: { metadata: null, batchMax: 10 },
  opa: { defaultDecision: "system/main", version: "1.2.3", gateways: opaGateways },
  hooks: { allow: "no_opinion" },
};
