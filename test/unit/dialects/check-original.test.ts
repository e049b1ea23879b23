import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isBelow, originalOf } from "../../../service/dialects/check/original.ts";
import type { WireRequest } from "../../../service/dialects/dialect.ts";
import { RemitError } from "../../../service/errors.ts";

const part = fc.constantFrom("a", "mcp", "MCP", ".", "..", "...", "%2e", "%2E%2e", "%2f", "", ";x", "..;", "\\", "mcp.", "~", "é", " ");
const path = fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => `/${parts.join("/")}`);

describe("isBelow", () => {
  it("takes no path that a server may find elsewhere", () => {
    fc.assert(
      fc.property(path, (text) => {
        if (!isBelow(["/mcp/*"], text)) return;
        // A URL parser takes dot segments and their escapes out, and a backslash for a slash.
        expect(new URL(text, "http://x").pathname).toBe(text);
        expect(text === "/mcp" || text.startsWith("/mcp/")).toBe(true);
        expect(text).not.toMatch(/[%\\;]|\/\//);
      }),
      { numRuns: 2000 },
    );
  });

  it("takes a path without `/*` by its exact text, and everything for `/*`", () => {
    fc.assert(
      fc.property(path, (text) => {
        expect(isBelow(["/mcp"], text)).toBe(text === "/mcp");
        expect(isBelow(["/*"], text)).toBe(true);
        expect(isBelow([], text)).toBe(false);
      }),
    );
  });
});

describe("originalOf", () => {
  const requestOf = (more: Partial<WireRequest>) => ({ method: "GET", path: "/check", query: "", headers: {}, ...more }) as WireRequest;
  const outcome = (request: WireRequest) => {
    try {
      return originalOf(request);
    } catch (thrown) {
      expect(thrown).toBeInstanceOf(RemitError);
      return null;
    }
  };

  it("gives the text below /check as it is, or nothing", () => {
    fc.assert(
      fc.property(path, fc.constantFrom("", "a=1", "a=%2F&b"), (text, query) => {
        const original = outcome(requestOf({ path: `/check${text}`, query }));
        if (original !== null) expect(original).toMatchObject({ method: "GET", path: text, query });
      }),
    );
  });

  it("believes two tellers only when they agree", () => {
    const names = fc.constantFrom("x-forwarded-uri", "x-original-uri", "x-original-url");
    fc.assert(
      fc.property(names, names, path, path, (one, two, first, second) => {
        const headers = { "x-forwarded-method": "GET", [one]: first, [two]: second };
        const original = outcome(requestOf({ headers }));
        if (original !== null && one !== two) expect(first).toBe(second);
        expect(outcome(requestOf({ path: `/check${first}`, headers: { [one]: second } })) === null || first === second).toBe(true);
      }),
    );
  });

  it.each(["/checks/a", "/Check/a", "http://x/check/a", "/"])("refuses the path %s, which is none of its own", (text) => {
    expect(outcome(requestOf({ path: text }))).toBeNull();
  });
});
