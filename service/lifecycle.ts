import { mkdirSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Service } from "./compose.ts";
import { describe, RemitError } from "./errors.ts";

/** Listens, loads the bundle, warms up. Resolves with the URL once the service is ready or has said why it is not. */
export async function start(service: Service): Promise<string> {
  const { config, logger, policies, identity, state } = service;
  mkdirSync(config.var_dir, { recursive: true });
  const url = await listen(service);
  logger.info("listening", { url });
  await Promise.all([policies.start(), identity.reload()]);
  await service.warmUp();
  state.warm = true;
  logger.info("ready", { bundle: policies.current()?.bundle ?? null });
  writeFileSync(join(config.var_dir, "listen.json"), `${JSON.stringify({ url, pid: process.pid })}\n`);
  return url;
}

function listen({ server, config }: Service): Promise<string> {
  const { host, port } = config.listen;
  return new Promise((resolve, reject) => {
    server.once("error", (cause) =>
      reject(new RemitError("config_invalid", `cannot listen on \`${host}:${port}\`: ${describe(cause)}`, { cause })),
    );
    server.listen(port, host, () => resolve(urlOf(server.address() as AddressInfo)));
  });
}

function urlOf({ address, family, port }: AddressInfo): string {
  return `http://${family === "IPv6" ? `[${address}]` : address}:${port}`;
}

/** Bundle, keys and files anew; what SIGHUP does. The active bundle stays when the new one is refused. */
export async function reload({ policies, identity, log, logger }: Service): Promise<void> {
  logger.info("reloading");
  log.reopen();
  await Promise.all([policies.reload(), identity.reload()]);
}

/**
 * Graceful end: unready, no new connections, requests in flight finish (each told to close its connection), records flushed.
 * Resolves with the number of connections that had to be cut after `limits.drain_ms_max`.
 */
export async function stop(service: Service): Promise<number> {
  const { server, policies, identity, sessions, log, logger, state, config } = service;
  if (state.draining) return 0;
  state.draining = true;
  logger.info("shutting down");
  // Balancers need a moment to see that it is not ready; meanwhile every answer asks its client to reconnect elsewhere.
  await sleep(config.limits.drain_wait_ms);
  const cut = await drain(service, config.limits.drain_ms_max);
  if (cut > 0) logger.warn("connections were cut", { connections: cut });
  server.closeAllConnections();
  policies.close();
  identity.close();
  await sessions.deps.store.close();
  try {
    await log.close();
    logger.info("stopped");
  } finally {
    await logger.close();
  }
  return cut;
}

/** Waits until every connection is closed; idle ones are closed again and again, since a busy one becomes idle. */
async function drain({ server }: Service, limitMs: number): Promise<number> {
  let closed = false;
  server.close(() => {
    closed = true;
  });
  const untilMs = Date.now() + limitMs;
  while (!closed && Date.now() < untilMs) {
    server.closeIdleConnections();
    await sleep(20);
  }
  return closed ? 0 : new Promise((resolve) => server.getConnections((error, count) => resolve(error === null ? count : 1)));
}
