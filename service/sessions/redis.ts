import type { ChangeResult, StateChange, StateQuery, StateSnapshot, StateStore } from "../decide/ports.ts";
import { describe, RemitError, toRemitError } from "../errors.ts";
import { checkChange } from "./apply-change.ts";
import { RedisEpoch } from "./redis-epoch.ts";
import { openLink, type RedisAccess, type RedisLink, type Send, secretsOf } from "./redis-link.ts";
import { changeScript, readScript, type Script } from "./redis-scripts.ts";
import { changeCall, readCall, readSnapshot, type ScriptCall, slackMs } from "./redis-wire.ts";

export interface RedisStoreOptions extends RedisAccess {
  /** Before every key; one for each deployment. */
  readonly prefix: string;
  /** Living limited documents of a tenant. */
  readonly docsMax: number;
  /** How long an answer is waited for. */
  readonly commandTimeoutMs?: number;
  /** Accepts a server that forgets keys when its memory is full: labels and budgets are then forgotten too. */
  readonly allowEviction?: boolean;
  /** Told of what goes wrong in the background, each new thing once. */
  readonly onError?: (error: RemitError) => void;
}

const commandTimeoutMsDefault = 50;
const heartbeatEveryMs = 1_000;
const heartbeatTimeoutMs = 900;
/** A connection that has been silent for so long, or leads to a replica, is given up and made anew. */
const silenceMaxMs = 5_000;
/** Redis would else remove at once what it was just given, or this service take for expired what has not. */
const clocksApartMaxMs = slackMs / 2;
const replica = "Redis is not a primary";

/**
 * State in Redis 7 or later, or Valkey: shared by all replicas of the service. Every read and every change is one script, so one moment.
 * Connects in the background; while it cannot answer, calls fail at once, and nothing is sent twice.
 */
export function createRedisStore(options: RedisStoreOptions): StateStore {
  return new RedisStore(options);
}

class RedisStore implements StateStore {
  readonly #options: RedisStoreOptions;
  readonly #secrets: readonly string[];
  readonly #timer: NodeJS.Timeout;
  readonly #epoch: RedisEpoch;
  #link: RedisLink;
  /** Why it may not be used although there is a connection; null: it may. */
  #unfit: string | null = "Redis is not connected";
  /** Counts connections: what was asked over an earlier one says nothing about the server of this one. */
  #connection = 0;
  #answeredMs = performance.now();
  #reported = "";
  #isClosed = false;

  constructor(options: RedisStoreOptions) {
    this.#options = options;
    this.#secrets = secretsOf(options);
    this.#epoch = new RedisEpoch(options.prefix, options.cluster === true);
    this.#link = this.#open();
    this.#timer = setInterval(() => void this.#heartbeat(), heartbeatEveryMs).unref();
  }

  get lostAtMs(): number | null {
    return this.#epoch.lostAtMs;
  }

  async read(tenant: string, query: StateQuery, nowMs: number): Promise<StateSnapshot> {
    if (query.docs.length + query.counters.length + query.fields.length === 0) return { docs: [], counters: [], fields: [] };
    const reply = await this.#run(readScript, readCall(this.#options.prefix, tenant, query));
    return readSnapshot(reply, query, nowMs);
  }

  async change(tenant: string, change: StateChange, nowMs: number): Promise<ChangeResult> {
    checkChange(change);
    const { prefix, docsMax } = this.#options;
    const reply = await this.#run(changeScript, changeCall(prefix, tenant, change, { docsMax, nowMs }));
    if (reply === "done" || reply === "conflict" || reply === "over" || reply === "full") return reply;
    throw unavailable("Redis gave an unknown answer");
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    this.#link.destroy();
  }

  #open(): RedisLink {
    return openLink(this.#options, {
      onReady: () => {
        this.#connection++;
        this.#unfit = "Redis was not checked yet";
        void this.#heartbeat();
      },
      onError: (error) => this.#report(error),
    });
  }

  async #run(script: Script, call: ScriptCall): Promise<unknown> {
    const { commandTimeoutMs = commandTimeoutMsDefault } = this.#options;
    try {
      return await within(commandTimeoutMs, this.#evaluate(script, call));
    } catch (thrown) {
      if (thrown instanceof RemitError) throw thrown;
      throw unavailable("Redis refused or lost a call", this.#clean(thrown));
    }
  }

  async #evaluate({ sha1, text }: Script, { keys, args }: ScriptCall): Promise<unknown> {
    const rest = [String(keys.length), ...keys, ...args];
    try {
      return await this.#send(keys[0] ?? "", ["EVALSHA", sha1, ...rest]);
    } catch (thrown) {
      if (!describe(thrown).startsWith("NOSCRIPT")) throw thrown;
      return await this.#send(keys[0] ?? "", ["EVAL", text, ...rest]);
    }
  }

  #send(key: string, args: readonly string[]): Promise<unknown> {
    if (this.#isClosed) throw unavailable("the session store is closed");
    if (this.#unfit !== null) throw unavailable(this.#unfit);
    return this.#link.send(key, args) ?? Promise.reject(unavailable("Redis is not connected"));
  }

  /** Looks whether every primary answers, is one, and keeps what it is given. */
  async #heartbeat(): Promise<void> {
    const [link, connection] = [this.#link, this.#connection];
    const primaries = link.primaries().map(bounded);
    const answers = await Promise.allSettled(primaries.map((send) => send(["INFO", "server", "memory", "replication"])));
    const given = answers.flatMap((answer) => (answer.status === "fulfilled" ? [String(answer.value)] : []));
    const problem = given.length === 0 ? this.#unfit : (this.#problemIn(given) ?? (await this.#problemOfEpoch(link, primaries)));
    if (this.#isClosed || connection !== this.#connection) return;
    this.#unfit = problem;
    if (given.length > 0 && problem === null) this.#reported = "";
    else if (given.length > 0) this.#report(unavailable(problem ?? ""));
    if (given.length === 0 || given.length < answers.length || problem === replica) {
      if (performance.now() - this.#answeredMs > silenceMaxMs) this.#reopen();
    } else this.#answeredMs = performance.now();
  }

  #problemIn(given: readonly string[]): string | null {
    if (given.some((info) => field(info, "role") !== "master")) return replica;
    const policy = given.map((info) => field(info, "maxmemory_policy")).find((each) => each !== "noeviction");
    if (policy !== undefined && this.#options.allowEviction !== true)
      return `Redis would forget keys: its \`maxmemory-policy\` is \`${policy}\` and must be \`noeviction\``;
    const agrees = (info: string): boolean => Math.abs(Number(field(info, "server_time_usec")) / 1000 - Date.now()) <= clocksApartMaxMs;
    return given.every(agrees) ? null : `the clocks of Redis and of this service are more than ${clocksApartMaxMs / 1000} s apart`;
  }

  async #problemOfEpoch(link: RedisLink, primaries: readonly Send[]): Promise<string | null> {
    const send = (key: string, args: readonly string[]): Promise<unknown> =>
      within(heartbeatTimeoutMs, link.send(key, args) ?? Promise.reject(unavailable("Redis is not connected")));
    try {
      const isGone = await this.#epoch.check({ send, primaries }, Date.now());
      if (isGone) this.#report(unavailable("Redis has forgotten what it held: sessions may have lost their labels"));
      return null;
    } catch (thrown) {
      return `whether Redis has kept what it held is not known: ${this.#clean(thrown).message}`;
    }
  }

  #reopen(): void {
    this.#connection++;
    this.#answeredMs = performance.now();
    this.#unfit = "Redis is not connected";
    this.#link.destroy();
    this.#link = this.#open();
  }

  #report(thrown: unknown): void {
    if (this.#isClosed) return;
    const error = thrown instanceof RemitError ? thrown : toRemitError(this.#clean(thrown), "session_store_unavailable");
    if (error.message === this.#reported) return;
    this.#reported = error.message;
    this.#options.onError?.(error);
  }

  /** Servers repeat in their messages what they were sent, passwords included. */
  #clean(thrown: unknown): Error {
    return new Error(this.#secrets.reduce((message, secret) => message.replaceAll(secret, "…"), describe(thrown)));
  }
}

/** A value of the answer to `INFO`. */
function field(info: string, name: string): string {
  return new RegExp(`^${name}:(\\S+)`, "m").exec(info)?.[1] ?? "unknown";
}

function unavailable(detail: string, cause?: Error): RemitError {
  return new RemitError("session_store_unavailable", detail, { cause });
}

function bounded(send: Send): Send {
  return (args) => within(heartbeatTimeoutMs, send(args));
}

/** Gives up waiting after `ms`; what comes later is nobody's. */
async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(unavailable(`Redis did not answer within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
