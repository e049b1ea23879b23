import { claudeCodeSample, codexSample, copilotSample, cursorSample } from "./agent-hooks.ts";
import { authzenSample } from "./authzen.ts";
import { checkSample } from "./check.ts";
import { mcpSample } from "./mcp.ts";
import { obotSample } from "./obot.ts";
import { opaGatewaySamples } from "./opa-gateways.ts";
import { porcSample } from "./porc.ts";
import type { DialectSample } from "./sample.ts";
import { toolhiveSample } from "./toolhive.ts";

/** One line for each dialect of the table. */
export const samples: readonly DialectSample[] = [
  authzenSample,
  checkSample,
  mcpSample,
  toolhiveSample,
  porcSample,
  obotSample,
  claudeCodeSample,
  copilotSample,
  cursorSample,
  codexSample,
  ...opaGatewaySamples,
];
