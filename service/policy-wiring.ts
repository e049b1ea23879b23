import { join } from "node:path";
import type { Config } from "./config/schema.ts";
import type { PolicySetOptions } from "./engine/policy-set.ts";
import type { Logger } from "./telemetry/logger.ts";
import type { Metrics } from "./telemetry/metrics.ts";

export function policySetOptions(config: Config, logger: Logger, metrics: Metrics): PolicySetOptions {
  throw new Error(join(config.var_dir, String(logger), String(metrics)));
}
