import { createHash, createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { crypto } from "../../../../service/engine/builtins/crypto.ts";
import { textOf } from "../../../../service/engine/value/bytes.ts";
import { call, opaRows, testContext } from "../../../helpers/builtins.ts";

const rows = opaRows("crypto");
const run = (name: string, ...texts: readonly string[]) => crypto[name]?.(texts, testContext());
const digests = ["md5", "sha1", "sha256"] as const;
const macs = ["md5", "sha1", "sha256", "sha512"] as const;

describe("digests", () => {
  it("are OPA's", () => {
    expect(rows.length).toBeGreaterThan(600);
    expect(rows.map(([name, args]) => [name, args, call(name, ...args)])).toEqual(rows);
  });

  it.each(digests)("%s is over the bytes of any string", (name) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(run(`crypto.${name}`, textOf(bytes))).toBe(createHash(name).update(bytes).digest("hex"));
      }),
    );
  });

  it.each(macs)("hmac.%s is over the bytes of any message and key", (name) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 300 }), (message, key) => {
        expect(run(`crypto.hmac.${name}`, textOf(message), textOf(key))).toBe(createHmac(name, key).update(message).digest("hex"));
      }),
    );
  });

  it("equal only themselves", () => {
    const text = fc.uint8Array({ maxLength: 4 }).map(textOf);
    fc.assert(fc.property(text, text, (a, b) => run("crypto.hmac.equal", a, b) === (a === b) && run("crypto.hmac.equal", a, a) === true));
  });

  it.each([...digests.map((name) => `crypto.${name}`), ...macs.map((name) => `crypto.hmac.${name}`), "crypto.hmac.equal"])(
    "%s is paid by length, before it is done",
    (name) => {
      const paid = (length: number) => {
        const context = testContext();
        crypto[name]?.(["x".repeat(length), "y"], context);
        return context.spent;
      };
      expect(paid(1_000_000)).toBeGreaterThan(900 * paid(1000));
      const poor = {
        ...testContext(),
        spend() {
          throw new Error("no fuel is left");
        },
      };
      expect(() => crypto[name]?.(["x", "y"], poor)).toThrow("no fuel is left");
    },
  );
});
