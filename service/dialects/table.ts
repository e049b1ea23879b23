import { type AuthzenOptions, createAuthzen } from "./authzen/authzen.ts";
import { type CheckOptions, createCheck } from "./check/check.ts";
import { createClaudeCode, createCodex } from "./claude-code.ts";
import { createCopilot } from "./copilot.ts";
import { createCursor } from "./cursor.ts";
import type { Dialect } from "./dialect.ts";
import { mcp } from "./mcp.ts";
import { obot } from "./obot.ts";
import { createOpa, type OpaOptions } from "./opa/opa.ts";
import { createGateway, type Gateway, type GatewayOptions } from "./opa-gateways/gateway.ts";
import { porc } from "./porc.ts";
import { toolhive } from "./toolhive.ts";

/** What the configuration says of the dialects, in their own words. */
export interface DialectOptions {
  readonly authzen: AuthzenOptions;
  readonly opa: Pick<OpaOptions, "defaultDecision" | "version"> & { readonly gateways: Readonly<Record<string, GatewayOptions>> };
  readonly check: CheckOptions;
  readonly hooks: { readonly allow: "no_opinion" | "allow" };
}

/** Every dialect but the native one: one line each. */
export function createDialects(options: DialectOptions): readonly Dialect[] {
  return [
    mcp,
    toolhive,
    porc,
    obot,
    ...agentHooks(options),
    createCheck(options.check),
    createAuthzen(options.authzen),
    createOpa({ ...options.opa, gateways: gatewaysOf(options) }),
  ];
}

function gatewaysOf({ opa }: DialectOptions): ReadonlyMap<string, Gateway> {
  return new Map(Object.entries(opa.gateways).map(([path, gateway]) => [path, createGateway(gateway)]));
}

function agentHooks({ hooks }: DialectOptions): readonly Dialect[] {
  return [createClaudeCode(hooks.allow), createCopilot(hooks.allow), createCursor(hooks.allow), createCodex()];
}
