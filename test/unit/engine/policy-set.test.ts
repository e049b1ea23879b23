import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { beforeEach, describe, expect, it } from "vitest";
import { createPolicySet, type PolicyEvent, type PolicySetOptions } from "../../../service/engine/policy-set.ts";
import { createSigner, type Member, members, packBundle } from "../../helpers/bundles.ts";
import { fixtureFile, fixtureWasm, hazardBundle, hazardInput } from "./hazard.ts";

let folder: string;
let events: PolicyEvent[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "remit-bundle-"));
  events = [];
});

const source = () => join(folder, "bundle.tar.gz");

function open(more: Partial<PolicySetOptions> = {}) {
  return createPolicySet({
    name: "default",
    source: source(),
    stateDir: join(folder, "state"),
    keys: [],
    watch: false,
    fuelMax: 3_000_000,
    memoryPagesMax: 200,
    entrypoints: ["remit/decision"],
    nowMs: () => 0,
    onEvent: (event) => void events.push(event),
    ...more,
  });
}

async function publish(files: Readonly<Record<string, Buffer | string>> | readonly Member[]): Promise<void> {
  writeFileSync(source(), await packBundle(Array.isArray(files) ? files : members(files as Record<string, Buffer | string>)));
}

const refusals = () => events.flatMap((event) => (event.kind === "refused" ? [event.error.message] : []));
const without = (name: string) => Object.fromEntries(Object.entries(hazardBundle()).filter(([key]) => key !== name));
const selfTests = (...tests: object[]) => hazardBundle({ metadata: { remit: { self_test: tests } } });
const deniedTest = { name: "bad", input: hazardInput("bad"), allow: false, reason: "not_good" };

/** Bundles that must be refused, and what the message must say. */
const bad: readonly (readonly [string, () => Promise<Buffer> | Buffer, RegExp])[] = [
  ["truncated", async () => (await packBundle(members(hazardBundle()))).subarray(0, 4000), /truncated/],
  ["not an archive", () => Buffer.from("hello"), /not a gzip archive/],
  ["a zip bomb", () => gzipSync(Buffer.alloc(300 * 2 ** 20)), /unpacks from \d+ to more than 6\d{7} bytes/],
  [
    "path traversal",
    () => packBundle([...members(hazardBundle()), { name: "../../etc/cron.d/x", content: "x" }]),
    /`..\/..\/etc\/cron.d\/x` has a forbidden name/,
  ],
  ["a backslash in a name", () => packBundle([...members(hazardBundle()), { name: "a\\..\\b", content: "x" }]), /has a forbidden name/],
  ["a link", () => packBundle([...members(hazardBundle()), { name: "x", type: "symlink" }]), /`x` is a symlink/],
  ["a member twice", () => packBundle([...members(hazardBundle()), { name: "/policy.wasm", content: "x" }]), /is there twice/],
  ["a member twice but for case", () => packBundle([...members(hazardBundle()), { name: "Policy.wasm", content: "x" }]), /is there twice/],
  ["no manifest", () => packBundle(members(without(".manifest"))), /no `.manifest`/],
  ["no module", () => packBundle(members(without("policy.wasm"))), /names `policy.wasm`, which is not in the bundle/],
  [
    "half a module",
    () => packBundle(members({ ...hazardBundle(), "policy.wasm": fixtureWasm("hazard").subarray(0, 9000) })),
    /not usable|cannot be loaded/,
  ],
  [
    "data that is not JSON",
    () => packBundle(members({ ...hazardBundle(), "remit/data.json": "{" })),
    /`remit\/data.json` is not sound JSON/,
  ],
  ["data with a duplicate key", () => packBundle(members({ ...hazardBundle(), "remit/data.json": '{"a":1,"a":2}' })), /duplicate key/],
  ["data outside the roots", () => packBundle(members({ ...hazardBundle(), "other/data.json": '{"a":1}' })), /data at `other` is outside/],
  [
    "data twice",
    () => packBundle(members({ ...hazardBundle(), "data.json": '{"remit":{"catalog":{"tools":{"good":1}}}}' })),
    /a second time/,
  ],
  [
    "an unknown builtin",
    () => packBundle(members({ ...hazardBundle(), "policy.wasm": fixtureWasm("unknown-builtin") })),
    /a policy calls `http.send` \(it reaches the network/,
  ],
  [
    "a missing entrypoint",
    () => packBundle(members({ ...hazardBundle(), "policy.wasm": fixtureWasm("other-entrypoint") })),
    /no entrypoint `remit\/decision`/,
  ],
  [
    "a promised entrypoint that is missing",
    () => packBundle(members(hazardBundle({ wasm: [{ entrypoint: "remit/y", module: "policy.wasm" }] }))),
    /promises entrypoint `remit\/y`/,
  ],
  ["no self-test", () => packBundle(members(hazardBundle({ metadata: {} }))), /no self-test that must be denied/],
  [
    "no self-test that is denied",
    () => packBundle(members(selfTests({ name: "g", input: hazardInput("good"), allow: true }))),
    /must be denied/,
  ],
  [
    "a self-test that fails",
    () => packBundle(members(selfTests({ ...deniedTest, input: hazardInput("good") }))),
    /self-test `bad` failed: it was allowed/,
  ],
  [
    "a self-test with another reason",
    () => packBundle(members(selfTests({ ...deniedTest, reason: "other" }))),
    /has not the reason `other` but `not_good`/,
  ],
  [
    "a self-test that never ends",
    () => packBundle(members(selfTests({ ...deniedTest, input: hazardInput("bad", { spin: 1500 }) }))),
    /policy_timeout/,
  ],
];

describe("policy set", () => {
  it.each(bad)("refuses a bundle that is %s, and keeps the active one", async (_name, make, message) => {
    await publish(hazardBundle());
    const set = open();
    await set.start();
    const before = set.current();
    writeFileSync(source(), await make());

    await set.reload();

    expect(refusals()).toEqual([expect.stringMatching(message)]);
    expect(set.current()).toBe(before);
    expect(before?.evaluate("remit/decision", hazardInput("good"), 0)).toMatchObject({ ok: true, result: { allow: true } });
  });

  it("swaps to a good bundle at once, and leaves the old snapshot usable", async () => {
    await publish(hazardBundle());
    const set = open();
    await set.start();
    const old = set.current();
    await publish(hazardBundle({}, "r2"));

    await set.reload();

    expect(set.current()?.bundle.revision).toBe("r2");
    expect(old?.evaluate("remit/decision", hazardInput("good"), 0)).toMatchObject({ ok: true });
  });

  it("says when a load brought the same bundle", async () => {
    await publish(hazardBundle());
    const set = open();
    await set.start();

    await set.reload();

    expect(events.map(({ kind }) => kind)).toEqual(["activated", "unchanged"]);
  });

  it("starts with the last good bundle when the source is gone, and checks it again", async () => {
    await publish(hazardBundle());
    await open().start();
    rmSync(source());
    const again = open();

    await again.start();

    expect(again.current()?.bundle.revision).toBe("r1");
    expect(events.at(-1)).toMatchObject({ kind: "activated", from: "last_good" });
    const { key } = await createSigner();
    const strict = open({ keys: [key] });
    await strict.start();
    expect(strict.current()).toBeUndefined();
  });

  it("does not keep a bundle that was refused", async () => {
    await publish(hazardBundle({ metadata: {} }));

    await open().start();

    expect(existsSync(join(folder, "state", "bundle.tar.gz"))).toBe(false);
  });

  it("reads a folder, and refuses links in it", async () => {
    const dir = join(folder, "dir");
    mkdirSync(join(dir, "remit"), { recursive: true });
    for (const [name, content] of Object.entries(hazardBundle())) writeFileSync(join(dir, name), content);
    const set = open({ source: dir });
    await set.start();
    expect(set.current()?.bundle.revision).toBe("r1");

    symlinkSync("/etc/passwd", join(dir, "x"));
    await set.reload();

    expect(refusals()[0]).toMatch(/not a regular file/);
  });

  it("loads again when the file changes", async () => {
    await publish(hazardBundle());
    const set = open({ watch: true });
    await set.start();

    await publish(hazardBundle({}, "r2"));

    await expect.poll(() => set.current()?.bundle.revision, { timeout: 10_000 }).toBe("r2");
    set.close();
  });
});

describe("signatures", () => {
  it("accepts a bundle that OPA signed", async () => {
    writeFileSync(source(), fixtureFile("opa-signed.tar.gz"));
    const key = { id: "default", algorithm: "ES256", key: fixtureFile("opa-signed.pem").toString() };

    await open({ keys: [key] }).start();

    // Its signature is good; it is refused later, because its data holds an integer that would lose digits.
    expect(refusals()).toEqual([expect.stringMatching(/integer beyond/)]);
  });

  it("accepts a signed bundle and refuses every change to it", async () => {
    const { sign, key } = await createSigner();
    const other = await createSigner();
    const good = await sign(hazardBundle());
    await publish(good);
    const set = open({ keys: [key] });
    await set.start();
    expect(refusals()).toEqual([]);

    const cases: (readonly [Readonly<Record<string, Buffer | string>>, RegExp])[] = [
      [hazardBundle({}, "r2"), /is not signed, and `bundle.keys` demands/],
      [await other.sign(hazardBundle({}, "r2")), /not valid for key `k1`/],
      [await (await createSigner("k2")).sign(hazardBundle({}, "r2")), /signed with key `k2`, which is not one/],
      [{ ...good, "remit/data.json": "{}" }, /`remit\/data.json` was changed/],
      [{ ...good, "policy.wasm": Buffer.concat([fixtureWasm("hazard"), Buffer.from([0, 1, 0])]) }, /`policy.wasm` was changed/],
      [{ ...good, "extra.txt": "x" }, /`extra.txt` is not in the bundle's signature/],
      [
        await sign(hazardBundle({}, "r2"), [...Object.keys(hazardBundle()), "gone.json"]),
        /`gone.json` is in the bundle's signature, but not in the bundle/,
      ],
      [{ ...good, ".signatures.json": '{"signatures":[]}' }, /exactly one signature/],
      [{ ...good, "sub/.signatures.json": "x" }, /`sub\/.signatures.json` is not in the bundle's signature/],
    ];
    for (const [files, message] of cases) {
      await publish(files);
      await set.reload();
      expect(refusals().at(-1)).toMatch(message);
    }
    expect(set.current()?.bundle.revision).toBe("r1");
  });

  it("checks a signed number as it is written, not as it rounds", async () => {
    const { sign, key } = await createSigner();
    const files = { ...hazardBundle(), "remit/data.json": '{"n": 1.50}' };
    const signed = await sign(files);
    await publish({ ...signed, "remit/data.json": '{"n": 1.5}' });

    await open({ keys: [key] }).start();

    expect(refusals()[0]).toMatch(/was changed/);
  });
});

describe("deltas", () => {
  const delta = (operations: object[], change: object = {}) => ({
    ".manifest": JSON.stringify({
      revision: "d1",
      roots: ["remit"],
      wasm: [{ entrypoint: "remit/decision", module: "/policy.wasm" }],
      ...change,
    }),
    "patch.json": JSON.stringify({ data: operations }),
  });
  const good = delta([{ op: "upsert", path: "/remit/catalog/tools/new", value: { class: "update" } }]);

  it("changes data and leaves the old snapshot as it was", async () => {
    await publish(hazardBundle());
    const set = open();
    await set.start();
    const old = set.current();
    await publish(good);

    await set.reload();

    expect(set.current()?.bundle.revision).toBe("d1");
    expect(set.current()?.data).toMatchObject({ remit: { catalog: { tools: { good: {}, new: { class: "update" } } } } });
    expect(JSON.stringify(old?.data)).not.toContain("new");
    expect(set.current()?.bundle.digest).not.toBe(old?.bundle.digest);
  });

  it.each([
    ["without an active bundle's roots", delta([], { roots: ["remit", "more"] }), /other roots/],
    ["outside the roots", delta([{ op: "upsert", path: "/other/x", value: 1 }]), /outside of the manifest's roots/],
    ["to the prototype", delta([{ op: "upsert", path: "/remit/__proto__/x", value: 1 }]), /empty or forbidden part/],
    ["of what is not there", delta([{ op: "remove", path: "/remit/nothing" }]), /not there/],
  ])("refuses a delta %s", async (_name, files, message) => {
    await publish(hazardBundle());
    const set = open();
    await set.start();
    await publish(files);

    await set.reload();

    expect(refusals()).toEqual([expect.stringMatching(message)]);
    expect(set.current()?.bundle.revision).toBe("r1");
  });

  it("refuses an unsigned delta once keys are configured", async () => {
    const { sign, key } = await createSigner();
    await publish(await sign(hazardBundle()));
    const set = open({ keys: [key] });
    await set.start();
    await publish(good);
    await set.reload();
    expect(refusals()).toEqual([expect.stringMatching(/is not signed/)]);

    await publish(await sign(good));
    await set.reload();

    expect(set.current()?.bundle.revision).toBe("d1");
  });
});
