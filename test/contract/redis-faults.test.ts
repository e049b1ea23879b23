import { type AddressInfo, createServer, type Socket } from "node:net";
import { inspect } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { StateStore } from "../../service/decide/ports.ts";
import type { RemitError } from "../../service/errors.ts";
import { createRedisStore, type RedisStoreOptions } from "../../service/sessions/redis.ts";
import { clusterTags } from "../../service/sessions/redis-epoch.ts";
import { eventually } from "../helpers/prometheus.ts";
import { hasRedis, type RedisServer, startRedis } from "../helpers/redis.ts";
import { available, openRedis, Probe } from "./state-stores.ts";

const unavailable = { code: "session_store_unavailable" };

describe.skipIf(!hasRedis).each([false, true])("redis store in trouble, cluster: %s", (cluster) => {
  let server: RedisServer;
  let stores: StateStore[];
  let errors: RemitError[];

  beforeAll(async () => {
    server = await startRedis({ cluster });
  });
  afterAll(() => server.stop());
  beforeEach(() => {
    stores = [];
    errors = [];
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    for (const store of stores) await store.close();
    server.resume();
    for (const [name, value] of Object.entries({ "maxmemory-policy": "noeviction", maxmemory: "0" }))
      server.cli("config", "set", name, value);
    server.cli("flushall");
  });

  async function open(options: Partial<RedisStoreOptions> = {}): Promise<Probe> {
    const store = await openRedis(server, { cluster, onError: (error) => errors.push(error), ...options });
    stores.push(store);
    return new Probe(store, "t");
  }

  /** Without waiting for an answer. */
  function create(options: Partial<RedisStoreOptions> = {}): Probe {
    const store = createRedisStore({
      nodes: [server.url],
      cluster,
      prefix: "test:",
      docsMax: 9,
      onError: (error) => errors.push(error),
      ...options,
    });
    stores.push(store);
    return new Probe(store, "t");
  }

  it("starts without a server, fails at once, and works when there is one", async () => {
    await server.stop();
    const probe = create({ commandTimeoutMs: 5_000 });
    for (let i = 0; i < 3; i++) {
      await expect(probe.doc("a")).rejects.toMatchObject(unavailable);
      await expect(probe.put("a", "x")).rejects.toMatchObject(unavailable);
    }
    await eventually("it is reported", async () => errors.length > 0);
    expect(errors.every(({ code }) => code === "session_store_unavailable")).toBe(true);
    await server.start();
    await available(probe.store);
    expect(await probe.put("a", "x")).toBe("done");
  });

  it("fails while the server is away, keeps nothing back for later, and comes back by itself", async () => {
    const probe = await open();
    await probe.add("c", 1);
    await server.stop();
    await eventually("it is noticed", async () =>
      probe.add("c", 1).then(
        () => false,
        () => true,
      ),
    );
    const calls = Array.from({ length: 50 }, () => probe.add("c", 1));
    for (const result of await Promise.allSettled(calls)) expect(result).toMatchObject({ status: "rejected", reason: unavailable });
    await server.start();
    await available(probe.store);
    // The server is a new one: of the fifty nothing was sent.
    expect(await probe.counter("c")).toBe(0);
    expect(await probe.add("c", 1)).toBe("done");
  });

  it("does not wait for a server that stands still, nor for more than so many answers", async () => {
    const probe = await open({ commandTimeoutMs: 30 });
    server.pause();
    const results = await Promise.allSettled(Array.from({ length: 3_000 }, () => probe.add("c", 1)));
    const reasons = results.map((result) => (result.status === "rejected" ? (result.reason as RemitError) : null));
    expect(reasons.every((reason) => reason?.code === "session_store_unavailable")).toBe(true);
    expect(reasons.filter((reason) => reason?.message.includes("within")).length).toBeLessThanOrEqual(1_000);
    server.resume();
    await available(probe.store);
    // What had been sent may have counted; what was refused has not.
    expect(await probe.counter("c")).toBeLessThanOrEqual(1_000);
  });

  it("gives up a server that takes connections and says nothing, and tries again", async () => {
    const silent = await listen(() => undefined);
    const probe = create({ nodes: [silent.url] });
    await eventually("it connects again", async () => silent.connections() >= 2);
    await expect(probe.doc("a")).rejects.toMatchObject(unavailable);
    silent.close();
  });

  it("loads its scripts again when the server has forgotten them", async () => {
    const probe = await open();
    await probe.put("a", "x");
    server.cli("script", "flush");
    expect((await probe.doc("a")).text).toBe("x");
    server.cli("script", "flush");
    expect(await probe.put("a", "y")).toBe("done");
  });

  it("refuses a server that would forget keys, says so, and takes it when that is mended", async () => {
    server.cli("config", "set", "maxmemory-policy", "allkeys-lru");
    const probe = create();
    await eventually("it is reported", async () => errors.some(({ message }) => message.includes("`allkeys-lru`")));
    await expect(probe.doc("a")).rejects.toMatchObject(unavailable);
    const careless = await open({ allowEviction: true });
    expect(await careless.put("a", "x")).toBe("done");
    server.cli("config", "set", "maxmemory-policy", "noeviction");
    await available(probe.store);
    server.cli("config", "set", "maxmemory-policy", "volatile-ttl");
    await eventually("it is noticed while it runs", async () =>
      probe.doc("a").then(
        () => false,
        () => true,
      ),
    );
  });

  const epochKeys = cluster ? clusterTags.map((tag) => `test:epoch:{${tag}}`) : ["test:epoch"];

  it("says when what it held is gone: to whoever lived through it, and through them to those who come later", async () => {
    const probe = await open();
    await probe.put("a", "x", { limited: true });
    expect(probe.store.lostAtMs).toBeNull();
    const beforeMs = Date.now();
    await server.stop();
    await server.start();
    // Before the first answer.
    await available(probe.store);
    const { lostAtMs } = probe.store;
    expect(lostAtMs).toBeGreaterThanOrEqual(beforeMs);
    expect(errors.map(({ message }) => message)).toContainEqual(expect.stringContaining("has forgotten what it held"));
    await probe.put("a", "x");
    const later = await open();
    expect(later.store.lostAtMs).toBe(lostAtMs);
    await eventually("it stays so", async () => Date.now() > beforeMs + 2_500);
    expect([probe.store.lostAtMs, later.store.lostAtMs]).toEqual([lostAtMs, lostAtMs]);
  });

  it("says so too when a new one was the first to see that there is nothing", async () => {
    const probe = await open();
    for (const key of epochKeys) server.cli("set", key, "another 0");
    await eventually("it is noticed", async () => probe.store.lostAtMs !== null);
    const later = await open();
    expect(later.store.lostAtMs).toBe(probe.store.lostAtMs);
  });

  it.each([
    ["state of its own", "test:{t.t}:d:a", true],
    ["keys of others", "other:{t.t}:d:a", false],
    ["keys that its prefix would match as a pattern", "tesX:{t.t}:d:a", false],
  ])("says so to whoever finds no epoch, but %s", async (_, key, lost) => {
    server.cli("set", key, "x");
    const probe = await open(key.startsWith("tesX") ? { prefix: "tes?:" } : {});
    expect(probe.store.lostAtMs !== null).toBe(lost);
  });

  it("is not used while its epoch cannot be read", async () => {
    for (const key of epochKeys) server.cli("set", key, "no epoch");
    const probe = create();
    await eventually("it is reported", async () => errors.some(({ message }) => message.includes("CORRUPT epoch")));
    await expect(probe.doc("a")).rejects.toMatchObject(unavailable);
    for (const key of epochKeys) server.cli("del", key);
    await available(probe.store);
  });

  if (cluster)
    it("has an epoch in every part of the slots", () => {
      const slots = clusterTags.map((tag) => Number(server.cli("cluster", "keyslot", `test:epoch:{${tag}}`)));
      const gaps = [...slots, 16_384].map((slot, i) => slot - (slots[i - 1] ?? 0));
      expect(
        gaps.every((gap) => gap > 0 && gap <= 1_030),
        String(slots),
      ).toBe(true);
    });

  it.each([-301_000, 301_000])("is not used when its clock and the service's are far apart: %s ms", async (apartMs) => {
    const probe = await open();
    const now = Date.now;
    const clock = vi.spyOn(Date, "now").mockImplementation(() => now() + apartMs);
    await eventually("it is reported", async () => errors.some(({ message }) => message.includes("clocks")));
    await expect(probe.put("a", "x")).rejects.toMatchObject(unavailable);
    clock.mockImplementation(() => now() + apartMs * 0.9);
    await available(probe.store);
    clock.mockRestore();
  });

  if (!cluster)
    it("refuses a server that has become a replica, and takes it when it is a primary again", async () => {
      const probe = await open();
      server.cli("replicaof", "127.0.0.1", "1");
      await eventually("it is noticed", async () =>
        probe.doc("a").then(
          () => false,
          () => true,
        ),
      );
      server.cli("replicaof", "no", "one");
      await available(probe.store);
      expect(await probe.put("a", "x")).toBe("done");
    });

  it("fails when the server's memory is full", async () => {
    const probe = await open();
    await probe.put("a", "x");
    server.cli("config", "set", "maxmemory", "1");
    await expect(probe.put("a", "y")).rejects.toMatchObject(unavailable);
    server.cli("config", "set", "maxmemory", "0");
    expect((await probe.doc("a")).text).toBe("x");
  });

  it("fails on what is not its own", async () => {
    const probe = await open();
    await probe.put("a", "x");
    await probe.add("c", 1);
    await probe.set("o", { n: "1" });
    for (const key of ["d:a", "c:c"]) server.cli("set", `test:{t.t}:${key}`, "something else");
    server.cli("set", "test:{t.t}:o:o", "something else");
    const expiresMs = probe.nowMs + 9;
    const changes = [
      probe.change({ docs: [{ key: "a", version: 0, text: "y", expiresMs, limited: false }] }),
      probe.add("c", 1),
      probe.set("o", { n: "2" }),
    ];
    for (const call of [probe.doc("a"), probe.counter("c"), probe.fields("o", "n"), ...changes])
      await expect(call).rejects.toMatchObject(unavailable);
  });

  it("leaves keys that Redis itself removes, some time after they have expired", async () => {
    const probe = await open();
    const livesMs = 60_000;
    await probe.put("a", "x", { livesMs, limited: true });
    await probe.add("c", 1, { livesMs });
    await probe.set("o", { n: "1" }, { livesMs });
    for (const key of ["d:a", "c:c", "o:o", "n:limited"]) {
      const removedMs = Number(server.cli("pexpiretime", `test:{t.t}:${key}`));
      expect(removedMs - probe.nowMs - livesMs, key).toBe(600_000);
    }
  });
});

describe.skipIf(!hasRedis)("redis store with a password", () => {
  const password = "pass:wörd/1";
  let server: RedisServer;

  beforeEach(async () => {
    server = await startRedis({ password, args: ["--requirepass", password] });
  });
  afterEach(() => server.stop());

  const urlWith = (secret: string): string => server.url.replace("://", `://default:${encodeURIComponent(secret)}@`);

  it.each(["in the address", "beside it"])("takes it %s", async (where) => {
    const store = await openRedis(
      where === "beside it" ? { url: server.url } : { url: urlWith(password) },
      where === "beside it" ? { password } : {},
    );
    expect(await new Probe(store, "t").put("a", "x")).toBe("done");
    await store.close();
  });

  it("never shows it, neither when it is wrong nor when the other side repeats what it was sent", async () => {
    const echo = await listen((socket, sent) =>
      socket.write(`-ERR unknown command, with args beginning with: ${JSON.stringify(sent)} ${password}\r\n`),
    );
    const places = [urlWith("other:secret"), echo.url.replace("://", `://default:${encodeURIComponent(password)}@`)];
    for (const nodes of places.map((url) => [url])) {
      const errors: RemitError[] = [];
      const store = createRedisStore({ nodes, prefix: "t:", docsMax: 1, onError: (error) => errors.push(error) });
      await eventually("it is reported", async () => errors.length > 0);
      const refused = await new Probe(store, "t").doc("a").catch((error: unknown) => error);
      const shown = inspect([...errors, refused], { depth: 9 });
      expect(shown).toContain("session_store_unavailable");
      for (const secret of [password, "other:secret"])
        for (const part of [secret, encodeURIComponent(secret)]) expect(shown).not.toContain(part);
      await store.close();
    }
    echo.close();
  });
});

/** A server that is no Redis. */
async function listen(answer: (socket: Socket, sent: string) => void) {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => undefined).on("data", (bytes) => answer(socket, bytes.toString()));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections: () => sockets.length,
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
