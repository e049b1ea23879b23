import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { fromJson, RegoObject, type Value } from "../../service/engine/value/value.ts";
import { wireText } from "../../service/engine/value/write.ts";
import { readSources } from "../bundle/sources.ts";
import type { Subject } from "./compare.ts";
import { anyValue, type DeclaredType, typedValue } from "./values.ts";

/** Something to ask about, and what inputs to ask with (Rego text). */
export interface Generated {
  readonly subject: Subject;
  readonly inputs: fc.Arbitrary<string>;
}

interface Declared {
  readonly name: string;
  readonly decl: { readonly args?: readonly DeclaredType[] };
  readonly deprecated?: boolean;
  readonly nondeterministic?: boolean;
}

/**
 * Builtins whose answer is not a function of their operands, or not of operands that can be generated at random: what they are made of
 * is made by the compiler. The rest is all there is.
 */
const left: ReadonlySet<string> = new Set([
  ...[
    "assign",
    "eq",
    "internal.print",
    "internal.template_string",
    "internal.test_case",
    "opa.runtime",
    "print",
    "rand.intn",
    "time.now_ns",
  ],
  ...["io.jwt.encode_sign", "io.jwt.encode_sign_raw", "rego.metadata.chain", "rego.metadata.rule", "uuid.rfc4122"],
  // One number more, and OPA takes all memory there is.
  ...["numbers.range", "numbers.range_step"],
]);

/**
 * Operands that the host refuses, and that are not compared: dates beyond all calendars, for which OPA's integers wrap around, and
 * keys that would not be UTF-8. See docs/differences.md.
 */
const refused: Readonly<Record<string, RegExp>> = {
  "time.add_date": /\d{12,}[^[\]]*\]$/,
  "urlquery.decode_object": /%F6/,
};

/** Every builtin that a policy may call, over operands of its declared types and of others. */
export function builtinSubjects(): readonly Generated[] {
  const { builtins } = JSON.parse(readFileSync("rego/capabilities.json", "utf8")) as { readonly builtins: readonly Declared[] };
  return builtins.filter(({ name }) => !left.has(name)).map(builtinSubject);
}

function builtinSubject({ name, decl, deprecated = false }: Declared): Generated {
  const operands = (decl.args ?? []).map((_, index) => `input[${index}]`).join(", ");
  const subject = { name, query: `x = ${name}(${operands})`, modules: [], v0: deprecated };
  const inputs = fc.tuple(...(decl.args ?? []).map((type) => typedValue(type))).map((values) => wireText(values));
  const limit = refused[name];
  return { subject, inputs: limit === undefined ? inputs : inputs.filter((text) => !limit.test(text)) };
}

/** The shipped policies, over inputs of their self-tests with any members left out or changed. */
export function shippedSubject(): Generated {
  const sources = readSources();
  const modules = [...sources].filter(([name]) => name.endsWith(".rego")).map(([, content]) => content.toString());
  const data = JSON.stringify(dataOf(sources));
  const tests = JSON.parse(sources.get("self-test.json")?.toString() ?? "[]") as readonly { readonly input: unknown }[];
  return {
    subject: { name: "rego/remit", query: "x = data.remit.decision", modules, data, anyFailure: true },
    inputs: fc.constantFrom(...tests.map(({ input }) => inputFrom(input))).chain((start) => changed(start).map(wireText)),
  };
}

function dataOf(sources: ReadonlyMap<string, Buffer>): unknown {
  const remit: Record<string, unknown> = {};
  for (const [name, content] of sources) {
    const [, folder] = /^remit\/(\w+)\/data\.json$/.exec(name) ?? [];
    if (folder !== undefined) remit[folder] = JSON.parse(content.toString());
  }
  return { remit };
}

/** The object with some of its members left out or changed, at any depth; it stays one, as every input of the service is. */
function changed(value: RegoObject): fc.Arbitrary<RegoObject> {
  const members = value.entries.map(([key, member]) =>
    fc.oneof({ weight: 20, arbitrary: other(member).map((next) => [[key, next] as const]) }, { weight: 1, arbitrary: fc.constant([]) }),
  );
  return fc.tuple(...members).map((parts) => new RegoObject(parts.flat()));
}

function other(value: Value): fc.Arbitrary<Value> {
  const same = value instanceof RegoObject ? changed(value) : fc.constant(value);
  return fc.oneof<[fc.WeightedArbitrary<Value>, fc.WeightedArbitrary<Value>]>(
    { weight: 15, arbitrary: same },
    { weight: 1, arbitrary: anyValue(1) },
  );
}

function inputFrom(json: unknown): RegoObject {
  const value = fromJson(json);
  if (!(value instanceof RegoObject)) throw new Error("an input must be an object");
  return value;
}

/** Policies that use the language widely, one per file; each has `data.fuzz.answer`, and a comment with an input to start from. */
export function policySubjects(folder = "test/fuzz/policies"): readonly Generated[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".rego"))
    .map((name) => {
      const module = readFileSync(join(folder, name), "utf8");
      const start = inputFrom(JSON.parse(/^# input: (.*)$/m.exec(module)?.[1] ?? "{}"));
      return {
        subject: { name, query: "x = data.fuzz.answer", modules: [module], anyFailure: true },
        inputs: changed(start).map(wireText),
      };
    });
}
