import { createClient, createCluster } from "@redis/client";
import { RemitError } from "../errors.ts";

export interface RedisAccess {
  /** `redis://` or, over TLS, `rediss://`; the one server, or some nodes of the cluster. */
  readonly nodes: readonly string[];
  readonly cluster?: boolean;
  /** Instead of those in the URLs. */
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly connectTimeoutMs?: number;
}

/** One command to one node. Rejects with whatever the client says. */
export type Send = (args: readonly string[]) => Promise<unknown>;

/** Connections to the primary, or to the primaries of a cluster; they come back by themselves. Nothing is queued while they are away. */
export interface RedisLink {
  /** To the primary that has `key`; null while there is no connection. */
  send(key: string, args: readonly string[]): Promise<unknown> | null;
  /** Every primary that is known. */
  primaries(): Send[];
  destroy(): void;
}

interface LinkEvents {
  /** There is a new connection: what was known of the server may be old. */
  readonly onReady: () => void;
  readonly onError: (error: unknown) => void;
}

interface Address {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly database: number;
}

/** Bounds what waits for answers of a server that does not give any. */
const pendingMax = 1_000;
const backOffMaxMs = 2_000;
const connectTimeoutMsDefault = 2_000;

export function openLink(access: RedisAccess, events: LinkEvents): RedisLink {
  const addresses = access.nodes.map((url) => addressOf(url, access));
  const [first, ...others] = addresses;
  if (first === undefined || (others.length > 0 && access.cluster !== true))
    throw new RemitError("config_invalid", "Redis needs exactly one address, or `cluster`");
  return access.cluster === true ? clusterLink(addresses, first, access, events) : singleLink(first, access, events);
}

/** Everything secret in the options, so that no message can show it. */
export function secretsOf(access: RedisAccess): string[] {
  const passwords = access.nodes.map((url) => addressOf(url, access).password);
  return [...access.nodes, ...passwords.flatMap((password) => (password ? [password, encodeURIComponent(password)] : []))];
}

function addressOf(text: string, { username, password }: RedisAccess): Address {
  const url = URL.canParse(text) ? new URL(text) : null;
  const database = Number(url?.pathname.slice(1));
  if (url === null || !["redis:", "rediss:"].includes(url.protocol) || url.hostname === "" || !Number.isSafeInteger(database))
    throw new RemitError("config_invalid", "an address of Redis is not `redis://host:port` or `rediss://host:port`");
  return {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? 6379 : Number(url.port),
    tls: url.protocol === "rediss:",
    username: username ?? (decoded(url.username) || undefined),
    password: password ?? (decoded(url.password) || undefined),
    database,
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function clientOptions({ tls, username, password }: Address, { connectTimeoutMs }: RedisAccess) {
  const socket = { connectTimeout: connectTimeoutMs ?? connectTimeoutMsDefault, reconnectStrategy: backOffMs };
  return {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    disableOfflineQueue: true,
    disableClientInfo: true,
    commandsQueueMaxLength: pendingMax,
    maintNotifications: "disabled" as const,
    socket: tls ? { ...socket, tls } : socket,
  };
}

/** Half of it is random, so that replicas do not all come back at the same moment. */
function backOffMs(tries: number): number {
  const most = Math.min(backOffMaxMs, 50 * 2 ** Math.min(tries, 10));
  return most / 2 + Math.random() * (most / 2);
}

// The client's own timeout ends with writing; the store's covers the answer too.
const commandOptions = { timeout: 0 };

function singleLink(address: Address, access: RedisAccess, { onReady, onError }: LinkEvents): RedisLink {
  const { host, port, database } = address;
  const { socket, ...options } = clientOptions(address, access);
  const client = createClient({ ...options, database, commandOptions, socket: { ...socket, host, port } });
  client.on("error", onError).on("ready", onReady);
  // It tries until it is connected or destroyed.
  client.connect().catch(() => undefined);
  const send: Send = (args) => client.sendCommand([...args]);
  return {
    send: (_key, args) => (client.isReady ? send(args) : null),
    primaries: () => [send],
    destroy: () => client.destroy(),
  };
}

function clusterLink(addresses: readonly Address[], first: Address, access: RedisAccess, { onReady, onError }: LinkEvents): RedisLink {
  const cluster = createCluster({
    rootNodes: addresses.map(({ host, port }) => ({ socket: { host, port } })),
    defaults: clientOptions(first, access),
    commandOptions,
  });
  cluster.on("error", onError).on("node-error", onError).on("node-ready", onReady);
  let retry: NodeJS.Timeout | undefined;
  let destroyed = false;
  // The first look at the cluster is not repeated by the client itself.
  const connect = (tries: number): void => {
    cluster.connect().catch((error: unknown) => {
      if (destroyed) return;
      onError(error);
      retry = setTimeout(() => connect(tries + 1), backOffMs(tries)).unref();
    });
  };
  connect(0);
  return {
    send: (key, args) => (cluster.isReady ? cluster.sendCommand(key, false, [...args]) : null),
    primaries: () => cluster.masters.map((node) => async (args) => (await cluster.nodeClient(node)).sendCommand([...args])),
    destroy() {
      destroyed = true;
      clearTimeout(retry);
      cluster.destroy();
    },
  };
}
