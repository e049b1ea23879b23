import { createHmac, randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "./config/schema.ts";
import type { MaybePromise, StateStore } from "./decide/ports.ts";
import { createMarker } from "./decide/provenance/mark.ts";
import { type BindingTokens, createBindingTokens } from "./decide/session/binding-token.ts";
import type { SessionDeps } from "./decide/session/query.ts";
import { createTurns, type Turns } from "./decide/session/turns.ts";
import { describe, RemitError } from "./errors.ts";
import { createEmbeddedStore } from "./sessions/embedded.ts";
import { createMemoryStore } from "./sessions/memory.ts";
import { createRedisStore } from "./sessions/redis.ts";
import type { Logger } from "./telemetry/logger.ts";
import type { Metrics } from "./telemetry/metrics.ts";

/** What decisions remember by. */
export interface Sessions {
  readonly deps: SessionDeps;
  readonly turns: Turns;
  readonly bindingTokens: BindingTokens;
}

/** Opens the session store and its key. Throws RemitError `config_invalid` when either cannot be had. */
export function createSessions(config: Config, logger: Logger, metrics: Pick<Metrics, "sessionStore">): Sessions {
  const settings = config.sessions;
  const key = settings.key === undefined ? keyOfFile(config.var_dir) : Buffer.from(settings.key, "utf8");
  return {
    deps: {
      store: timed(createStore(config, logger), metrics),
      mark: createMarker(derive(key, "values")),
      idleMs: settings.idle_s * 1000,
      valuesMax: settings.values_max,
    },
    turns: createTurns(),
    bindingTokens: createBindingTokens(derive(key, "binding tokens")),
  };
}

/** The store, with each answer and failure counted. */
function timed(store: StateStore, metrics: Pick<Metrics, "sessionStore">): StateStore {
  return {
    read: (...asked) => observe(metrics, "read", () => store.read(...asked)),
    change: (...asked) => observe(metrics, "change", () => store.change(...asked)),
    get lostAtMs() {
      return store.lostAtMs;
    },
    close: () => store.close(),
  };
}

function observe<T>(metrics: Pick<Metrics, "sessionStore">, operation: "read" | "change", ask: () => MaybePromise<T>): MaybePromise<T> {
  const startedMs = performance.now();
  const report = (failed: boolean): void => metrics.sessionStore(operation, (performance.now() - startedMs) / 1000, failed);
  const failed = (thrown: unknown): never => {
    report(true);
    throw thrown;
  };
  const answered = (answer: T): T => {
    report(false);
    return answer;
  };
  try {
    const answer = ask();
    return answer instanceof Promise ? answer.then(answered, failed) : answered(answer);
  } catch (thrown) {
    return failed(thrown);
  }
}

/** One key for each purpose, so that what is public of one says nothing about another. */
function derive(key: Buffer, purpose: string): Buffer {
  return createHmac("sha256", key).update(`remit ${purpose}`).digest();
}

function createStore(config: Config, logger: Logger): StateStore {
  const settings = config.sessions;
  const docsMax = settings.sessions_max;
  const onError = (error: unknown): void => logger.error("session store failed", { detail: describe(error) });
  switch (settings.store) {
    case "memory":
      logger.warn("sessions are kept in memory and forgotten on restart");
      return createMemoryStore({ docsMax });
    case "embedded":
      return createEmbeddedStore({
        path: settings.path ?? join(config.var_dir, "sessions"),
        docsMax,
        durability: settings.durability,
        onError,
      });
    default: {
      const {
        nodes = [],
        cluster = false,
        username,
        password,
        prefix = "remit:",
        command_timeout_ms = 50,
        allow_eviction = false,
      } = settings.redis ?? {};
      const access = { username, password };
      return createRedisStore({
        nodes,
        cluster,
        ...access,
        prefix,
        commandTimeoutMs: command_timeout_ms,
        allowEviction: allow_eviction,
        docsMax,
        onError,
      });
    }
  }
}

/** The key of this folder; made by whichever process comes first, and readable by its owner only. */
function keyOfFile(varDir: string): Buffer {
  const file = join(varDir, "sessions.key");
  try {
    mkdirSync(varDir, { recursive: true });
    writeFileSync(file, randomBytes(32).toString("base64url"), { flag: "wx", mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST")
      throw new RemitError("config_invalid", `cannot write \`${file}\`: ${describe(error)}`, { cause: error });
  }
  const key = readFileSync(file);
  if (key.length < 32) throw new RemitError("config_invalid", `\`${file}\` is too short to be a key; remove it to have a new one made`);
  return key;
}
