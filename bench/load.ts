import { connect, type Socket } from "node:net";

/** What to send, and what every answer must be. */
export interface Target {
  readonly host: string;
  readonly port: number;
  /** The whole HTTP/1.1 request, sent again and again. */
  readonly request: Buffer;
  /** Text that the body of every answer must hold, e.g. `"allow":true`. */
  readonly expect: string;
}

export interface LoadOptions {
  readonly connections: number;
  readonly seconds: number;
  /**
   * Never sleep between answers. The kernel charges the waking of a sleeping receiver to the sender, and on a virtual machine that is
   * an exit to the hypervisor which costs more than all of HTTP: it would be measured as the server's work.
   */
  readonly poll: boolean;
}

/** One round. Every request that was sent was answered, so `answered` is exact. */
export interface LoadResult {
  readonly answered: number;
  /** Answers that were not 200, or not the expected one, and connections that broke. */
  readonly errors: number;
  readonly firstError: string | null;
  readonly perSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly maxUs: number;
}

const latencyUsMax = 2_000_000;
const drainMsMax = 10_000;

interface Round {
  readonly target: Target;
  readonly latencies: Uint32Array;
  readonly endMs: number;
  readonly settled: (connection: Socket) => void;
  answered: number;
  errors: number;
  firstError: string | null;
}

/**
 * Closed loop over keep-alive connections: each sends, waits, checks the answer, sends again. One generator for every server, and every
 * answer is read: the figures are of right answers only. Rejects when a server does not answer for ten seconds.
 */
export async function runLoad(target: Target, options: LoadOptions): Promise<LoadResult> {
  const latencies = new Uint32Array(latencyUsMax + 1);
  const sockets = await Promise.all(Array.from({ length: options.connections }, () => open(target)));
  const stopPolling = options.poll ? poll() : undefined;
  const startedMs = performance.now();
  const round = await new Promise<Round>((resolve, reject) => {
    const guard = setTimeout(() => reject(new Error("the server stopped answering")), options.seconds * 1000 + drainMsMax);
    const open = new Set<Socket>(sockets);
    const state: Round = {
      target,
      latencies,
      endMs: startedMs + options.seconds * 1000,
      answered: 0,
      errors: 0,
      firstError: null,
      settled(socket) {
        if (!open.delete(socket) || open.size > 0) return;
        clearTimeout(guard);
        resolve(state);
      },
    };
    for (const socket of sockets) drive(socket, state);
  });
  const wallMs = performance.now() - startedMs;
  stopPolling?.();
  for (const socket of sockets) socket.destroy();
  return {
    answered: round.answered,
    errors: round.errors,
    firstError: round.firstError,
    perSecond: (round.answered * 1000) / wallMs,
    ...percentiles(latencies, round.answered),
  };
}

/** Keeps the event loop turning; returns what ends that. */
function poll(): () => void {
  let polling = true;
  const turn = () => {
    if (polling) setImmediate(turn);
  };
  turn();
  return () => {
    polling = false;
  };
}

/** A connected socket whose bytes come without a copy. */
type Reader = (bytes: Buffer) => void;
const readers = new WeakMap<Socket, Reader>();

function open(target: Target): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const onread = {
      buffer: Buffer.alloc(65_536),
      callback(length: number, bytes: Uint8Array): boolean {
        readers.get(socket)?.((bytes as Buffer).subarray(0, length));
        return true;
      },
    };
    const socket: Socket = connect({ host: target.host, port: target.port, noDelay: true, onread });
    socket.once("error", reject).once("connect", () => resolve(socket));
  });
}

function drive(socket: Socket, round: Round): void {
  let sentMs = 0;
  let rest = "";
  const fail = (why: string) => {
    round.errors++;
    round.firstError ??= why.slice(0, 500);
    round.settled(socket);
  };
  const send = () => {
    sentMs = performance.now();
    socket.write(round.target.request);
  };
  readers.set(socket, (bytes) => {
    const text = rest + bytes.toString("latin1");
    if (!isWhole(text)) {
      rest = text;
      return;
    }
    rest = "";
    const nowMs = performance.now();
    const latency = Math.min(latencyUsMax, Math.round((nowMs - sentMs) * 1000));
    round.latencies[latency] = (round.latencies[latency] ?? 0) + 1;
    round.answered++;
    if (!text.startsWith("HTTP/1.1 200 ") || !text.includes(round.target.expect)) return fail(text);
    if (nowMs < round.endMs) send();
    else round.settled(socket);
  });
  socket.on("error", (error) => fail(error.message));
  socket.on("close", () => round.settled(socket));
  socket.on("end", () => fail("the server closed the connection"));
  send();
}

/** True when the text holds one whole answer; there is never more than one, since each connection waits for its answer. */
function isWhole(text: string): boolean {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return false;
  const length = /\r\ncontent-length: *(\d+)/i.exec(text)?.[1];
  if (length !== undefined) return text.length >= end + 4 + Number(length);
  return text.endsWith("\r\n0\r\n\r\n");
}

function percentiles(latencies: Uint32Array, count: number): { p50Us: number; p99Us: number; maxUs: number } {
  const at = (share: number): number => {
    let left = Math.max(1, Math.ceil(count * share));
    for (let us = 0; us <= latencyUsMax; us++) {
      left -= latencies[us] ?? 0;
      if (left <= 0) return us;
    }
    return latencyUsMax;
  };
  return { p50Us: at(0.5), p99Us: at(0.99), maxUs: at(1) };
}
