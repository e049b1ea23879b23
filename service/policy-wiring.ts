import { join } from "node:path";
import type { Config } from "./config/schema.ts";
import type { PolicyEvent, PolicySetOptions } from "./engine/policy-set.ts";
import type { Logger } from "./telemetry/logger.ts";
import type { Metrics } from "./telemetry/metrics.ts";

/** Fuel that an evaluation may use: about 50 ms of a busy loop on a 2-core virtual EPYC with Node 20 (10 million units took 48 to 54 ms). */
const fuelMaxDefault = 10_000_000;

/** The engine's options from the configuration; its events become log lines and metrics. */
export function policySetOptions(config: Config, logger: Logger, metrics: Metrics): PolicySetOptions {
  const { bundle, engine } = config;
  return {
    name: bundle.name,
    source: bundle.source,
    stateDir: join(config.var_dir, "bundles", bundle.name),
    keys: bundle.keys,
    watch: bundle.watch,
    fuelMax: engine.fuel_max ?? fuelMaxDefault,
    memoryPagesMax: engine.memory_pages_max,
    entrypoints: bundle.entrypoints,
    nowMs: () => Date.now(),
    onEvent: (event) => report(event, config, { logger, metrics }),
  };
}

function report(event: PolicyEvent, config: Config, { logger, metrics }: { logger: Logger; metrics: Metrics }): void {
  switch (event.kind) {
    case "activated":
      metrics.bundleActivated(event.bundle, Date.now(), event.from);
      logger.info("bundle activated", { bundle: event.bundle, from: event.from });
      return;
    case "unchanged":
      metrics.bundleUnchanged();
      logger.debug("bundle unchanged", { bundle: event.bundle });
      return;
    case "refused":
      metrics.bundleRefused(config.bundle.name, event.error.code);
      logger.error("bundle refused", { source: config.bundle.source, detail: event.error.message, active: event.active });
      return;
    default:
      event satisfies never;
  }
}
