import { describe, expect, it } from "vitest";
import { lookUpTool } from "../../../service/decide/catalog.ts";
import type { Json } from "../../../service/decide/json.ts";

const data = (tools: Json) => ({ remit: { catalog: { tools } } });
const call = (tool: string, server: string | null = null, annotations = {}) => ({ tool, server, annotations });

describe("lookUpTool", () => {
  it("prefers the entry of the tool's server", () => {
    const tools = { find: { class: "query" }, "crm/find": { class: "update", destinations: ["/to"], external: true } };

    expect(lookUpTool(data(tools), call("find", "crm"), false)).toMatchObject({
      known: true,
      class: "update",
      destinations: ["/to"],
      external: true,
    });
    expect(lookUpTool(data(tools), call("find", "other"), false)).toMatchObject({ known: true, class: "query", external: false });
  });

  it.each([
    ["no entry", {}],
    ["an entry with an unknown class", { wipe: { class: "raed" } }],
    ["an entry that is text", { wipe: "read" }],
    ["destinations that are text", { wipe: { class: "read", destinations: "/to" } }],
    ["an external that is text", { wipe: { class: "read", external: "true" } }],
    ["a catalog that is a list", [{ class: "read" }]],
    ["a pointer without a slash", { wipe: { class: "read", destinations: ["to"] } }],
    ["a limit of something that is no amount", { wipe: { class: "read", amounts: ["/amount"], limits: { "/sum": 1 } } }],
    ["a limit that is text", { wipe: { class: "read", amounts: ["/amount"], limits: { "/amount": "1" } } }],
    ["an origin that does not exist", { wipe: { class: "read", fields: { "/x": "truested" } } }],
    ["a requirement without a tool", { wipe: { class: "read", requires: [{ argument: "/id" }] } }],
    ["an end that does not exist", { wipe: { class: "read", on_expiry: "forget" } }],
    ["no time for an outcome", { wipe: { class: "read", outcome_within_s: 0 } }],
    ["a digest that is a number", { wipe: { class: "read", definition_digest: 1 } }],
    ["an always_sends that is text", { wipe: { class: "read", always_sends: "no" } }],
  ])("classes a tool with %s as admin", (_name, tools) => {
    const expected = { known: false, class: "admin", external: true };
    expect(lookUpTool(data(tools as Json), call("wipe"), false)).toMatchObject(expected);
  });

  it("does not give one server's tool the entry of another's", () => {
    const tools = { "crm/find": { class: "read" } };

    expect(lookUpTool(data(tools), call("crm/find", "evil"), false)).toMatchObject({ known: false, class: "admin" });
    expect(lookUpTool(data(tools), call("crm/find"), false).known).toBe(true);
  });

  it("takes the words of a tool's name when the entry has none", () => {
    const tools = { "crm/send_invoiceByMail": { class: "update" }, other: { class: "update", words: ["pay"] } };

    expect(lookUpTool(data(tools), call("send_invoiceByMail", "crm"), false).words).toEqual(["send", "invoice", "mail"]);
    expect(lookUpTool(data(tools), call("other"), false).words).toEqual(["pay"]);
  });

  it.each(["__proto__", "constructor", "toString"])("does not find a tool named %s in the prototype", (name) => {
    expect(lookUpTool(data({}), call(name), false).known).toBe(false);
  });

  it.each([
    [{ readOnlyHint: true }, "read"],
    [{ destructiveHint: false }, "update"],
    [{ readOnlyHint: "true" }, "admin"],
    [{}, "admin"],
  ])("reads annotations %j as %s only when they are trusted", (annotations, expected) => {
    expect(lookUpTool(data({}), call("x", null, annotations), true)).toMatchObject({
      known: false,
      class: expected,
      class_source: "annotations",
    });
    expect(lookUpTool(data({}), call("x", null, annotations), false).class).toBe("admin");
  });
});
