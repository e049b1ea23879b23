import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { call, opaRows } from "../../../helpers/builtins.ts";
import { anyValue, callLimited, isSteady, OutOfFuel } from "../../../helpers/rego-values.ts";

const name = "strings.render_template";
const rows = opaRows("template");
const render = (template: string, data = "{}") => call(name, JSON.stringify(template), data);

describe("strings.render_template", () => {
  it("answers as OPA does, and fails where OPA does", () => {
    expect(rows.length).toBeGreaterThan(600);
    expect(rows.map(([builtin, args]) => [builtin, args, call(builtin, ...args)])).toEqual(rows);
  });

  it("writes text without actions as it is", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 40 }), (text) => {
        fc.pre(!text.includes("{{") && text.isWellFormed());
        expect(JSON.parse(render(text) ?? "")).toBe(text.replaceAll("<no value>", "<undefined>"));
      }),
    );
  });

  it("writes what is in the data as it is, and escaped when it is asked to", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme-ascii" }), (value) => {
        const data = JSON.stringify({ value });
        expect(JSON.parse(render("{{.value}}", data) ?? "")).toBe(value);
        expect(JSON.parse(render("{{urlquery .value}}", data) ?? "")).toBe(
          encodeURIComponent(value)
            .replaceAll("%20", "+")
            .replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`),
        );
        expect(JSON.parse(render("{{html .value}}", data) ?? "")).not.toMatch(/[<>"']/);
      }),
    );
  });

  it("answers or fails for any template", () => {
    const word = fc.constantFrom(
      ..."{{ }} {{- -}} if else end range with break continue define template block nil true . .a .l $ $x := = | ( ) , len index printf print eq and or not call".split(
        " ",
      ),
      ...["1", "-2", "1.5", "0x1F", "'c'", '"t"', "`%v`", " ", "\n", "/*", "*/", '"', "😀", "@"],
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 40 }), (words) =>
        isSteady(name, JSON.stringify(`{{${words.join(" ")}`), '{"a": 1, "l": [1, "x", null]}'),
      ),
      { numRuns: 1000 },
    );
  });

  it("answers or fails for any operands", () => {
    fc.assert(fc.property(anyValue, anyValue, (...args) => isSteady(name, ...args)));
    fc.assert(
      fc.property(anyValue, (value) =>
        isSteady(name, '"{{.a}} {{range .a}}{{.}}{{else}}-{{end}} {{printf `%v %d` .a .a}}"', `{"a": ${value}}`),
      ),
    );
  });

  it.each([
    ["a template that calls itself", '{{define "t"}}{{template "t"}}{{end}}{{template "t"}}'],
    [
      "two that call each other",
      '{{define "t"}}{{if 1}}{{template "u"}}{{end}}{{end}}{{define "u"}}{{with 1}}{{template "t"}}{{end}}{{end}}{{template "t"}}',
    ],
    ["nested conditions", `${"{{if 1}}".repeat(100_000)}${"{{end}}".repeat(100_000)}`],
    ["a chain of conditions", `{{if 0}}${"{{else if 0}}".repeat(100_000)}{{end}}`],
    ["nested parentheses", `{{${"(".repeat(100_000)}1${")".repeat(100_000)}}}`],
  ])("fails for %s that goes too deep", (_, template) => {
    expect(render(template)).toBe("fails");
  });

  it.each([
    ["text that doubles", "{{$x := `a`}}{{range 100}}{{$x = print $x $x}}{{end}}"],
    ["wide fields", "{{range 100}}{{printf `%999999d` 1}}{{end}}"],
    ["text that is written again and again", "{{range 100000}}{{$.text}}{{end}}"],
  ])("fails for %s", (_, template) => {
    expect(render(template, JSON.stringify({ text: "x".repeat(1000) }))).toBe("fails");
  });

  const object = JSON.stringify({
    o: Object.fromEntries(Array.from({ length: 2000 }, (_, index) => [`k${index}`, index])),
    s: "é".repeat(50_000),
  });

  it.each([
    "{{range 1000000000000}}{{end}}",
    "{{range 1000000}}{{if eq . 1}}{{end}}{{end}}",
    "{{range 10000}}{{$.o.k1999}}{{end}}",
    "{{range 10000}}{{index $.o `k1`}}{{end}}",
    "{{range 10000}}{{len $.s}}{{end}}",
    "{{range 10000}}{{if lt $.s $.s}}{{end}}{{end}}",
    "{{range 10000}}{{$x := js $.s}}{{end}}",
    "{{range 100000}}{{$x := printf `%d %s` 1 2}}{{end}}",
    `{{${"$x := 1}}{{".repeat(50_000)}1}}`,
    `{{printf \`${"%[".repeat(50_000)}\`}}`,
  ])("has its work paid: %.60s", (template) => {
    expect(() => callLimited(2_000_000, name, JSON.stringify(template), object)).toThrow(OutOfFuel);
  });

  it.each([
    "{{/*".repeat(100_000),
    '{{"'.repeat(100_000),
    `{{${" ".repeat(200_000)}`,
    `{{1${"0".repeat(200_000)}}}`,
    `{{"${"\\x41".repeat(50_000)}"`,
  ])("reads a long template in one go: %.20s", (template) => {
    expect(render(template)).toBe("fails");
  });
});
