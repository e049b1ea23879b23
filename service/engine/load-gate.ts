import { readDecision } from "../decide/decision.ts";
import type { BundleId, PolicySnapshot } from "../decide/ports.ts";
import { decisionEntrypoint } from "../decide/run.ts";
import { describe } from "../errors.ts";
import { refuse } from "./archive.ts";
import { builtinNames, builtins, refusedBuiltins } from "./builtins/index.ts";
import type { Bundle, SelfTest } from "./bundle.ts";
import type { InstanceOptions } from "./instance.ts";
import { broken } from "./wasm-module.ts";
import { WasmPolicy } from "./wasm-policy.ts";
import { exportNames, rewriteModule } from "./wasm-rewrite.ts";

/** Bounds of evaluations, and the entrypoints a bundle must have. */
export interface GateOptions {
  readonly name: string;
  readonly fuelMax: number;
  readonly memoryPagesMax: number;
  readonly entrypoints: readonly string[];
}

/** Turns a checked bundle into a live policy, or throws RemitError `bundle_invalid` that says why not. Nothing is active before it returns. */
export async function passGate(bundle: Bundle, options: GateOptions, nowMs: number): Promise<PolicySnapshot> {
  const id: BundleId = { name: options.name, revision: bundle.manifest.revision, digest: bundle.digest };
  const policy = await instantiate(bundle, options);
  const missing = options.entrypoints.filter((entrypoint) => !policy.entrypoints.has(entrypoint));
  if (missing.length > 0) throw refuse(`the bundle has no entrypoint \`${missing.join("`, `")}\`; build it with \`-e ${missing[0]}\``);
  for (const { entrypoint } of bundle.manifest.wasm ?? [])
    if (!policy.entrypoints.has(entrypoint))
      throw refuse(`\`.manifest\` promises entrypoint \`${entrypoint}\`, which the module does not have`);
  if (policy.entrypoints.has(decisionEntrypoint)) selfTest(policy, bundle.manifest.metadata?.remit?.self_test ?? [], nowMs);
  const [evaluate, query] = [policy.evaluate.bind(policy), policy.query.bind(policy)];
  return { bundle: id, data: bundle.data, entrypoints: policy.entrypoints, evaluate, query };
}

async function instantiate(bundle: Bundle, options: GateOptions): Promise<WasmPolicy> {
  const { fuelMax, memoryPagesMax } = options;
  const { bytes, memoryPagesMin, named } = rewriteModule(bundle.wasm, builtinNames);
  if (!named) throw broken("its `name` section is gone, and with it what tells a builtin that fails");
  if (memoryPagesMin > memoryPagesMax)
    throw refuse(`the module needs ${memoryPagesMin} pages of memory; raise \`engine.memory_pages_max\` (\`${memoryPagesMax}\`)`);
  const module = await compile(bytes);
  const data = Buffer.from(JSON.stringify(bundle.data));
  const builtinErrors = bundle.manifest.metadata?.remit?.builtin_errors ?? "deny";
  const policy = start({ module, builtins, data, memoryPagesMin, memoryPagesMax, fuelMax, builtinErrors });
  checkAbi(policy.abi);
  checkBuiltins(policy.builtinNames);
  return policy;
}

async function compile(bytes: Uint8Array): Promise<WebAssembly.Module> {
  const module = await WebAssembly.compile(new Uint8Array(bytes)).catch((cause: unknown) => {
    throw broken(describe(cause));
  });
  const names = new Set(WebAssembly.Module.exports(module).map(({ name }) => name));
  const missing = requiredExports.filter((name) => !names.has(name));
  if (missing.length > 0) throw broken(`it does not export \`${missing.join("`, `")}\``);
  return module;
}

/** What the host and the SDK call; `opa_eval` came with ABI 1.2. */
const requiredExports = [
  "opa_wasm_abi_version",
  "opa_wasm_abi_minor_version",
  "opa_eval",
  "opa_malloc",
  "opa_value_parse",
  "opa_json_dump",
  "opa_heap_ptr_get",
  "opa_heap_ptr_set",
  "builtins",
  "entrypoints",
  ...Object.values(exportNames),
];

function start(options: InstanceOptions): WasmPolicy {
  try {
    return new WasmPolicy(options);
  } catch (cause) {
    const { data, memoryPagesMax } = options;
    if (describe(cause).includes("opa_malloc"))
      throw refuse(`${data.length} bytes of data do not fit into memory; raise \`engine.memory_pages_max\` (\`${memoryPagesMax}\`)`, cause);
    throw broken(`it cannot be started: ${describe(cause)}`);
  }
}

function checkAbi({ major, minor }: WasmPolicy["abi"]): void {
  if (major !== 1 || minor < 2) throw broken(`its ABI is ${major}.${minor}, and 1.2 or later is needed`);
}

/** Missing builtins are found now, not by the first call that needs them. */
function checkBuiltins(names: readonly string[]): void {
  const refused = names.filter((name) => Object.hasOwn(refusedBuiltins, name)).map((name) => `\`${name}\` (${refusedBuiltins[name]})`);
  if (refused.length > 0) throw refuse(`a policy calls ${refused.join(", ")}`);
  const unknown = names.filter((name) => !builtins.has(name));
  if (unknown.length > 0)
    throw refuse(
      `a policy calls builtins that the service does not have: \`${unknown.join("`, `")}\`; build with \`--capabilities rego/capabilities.json\` to find the lines`,
    );
}

/** A gate that never proved it can deny proves nothing: at least one known deny is required. */
function selfTest(policy: WasmPolicy, tests: readonly SelfTest[], nowMs: number): void {
  if (!tests.some(({ allow }) => !allow))
    throw refuse("the bundle has no self-test that must be denied; add one to `metadata.remit.self_test` of its manifest");
  for (const test of tests) {
    const problem = runSelfTest(policy, test, nowMs);
    if (problem !== undefined) throw refuse(`self-test \`${test.name}\` failed: ${problem}`);
  }
}

function runSelfTest(policy: WasmPolicy, { input, allow, reason }: SelfTest, nowMs: number): string | undefined {
  const nonce = "self-test";
  const evaluation = policy.evaluate(decisionEntrypoint, { ...input, nonce }, nowMs);
  if (!evaluation.ok) return `${evaluation.error.code}: ${evaluation.error.message}`;
  const read = readDecision(evaluation.result, nonce);
  if (!read.ok) return read.problem;
  if (read.decision.allow !== allow) return `it was ${read.decision.allow ? "allowed" : "denied"} (${codes(read.decision.reasons)})`;
  if (reason !== undefined && !read.decision.reasons.some(({ code }) => code === reason))
    return `it has not the reason \`${reason}\` but ${codes(read.decision.reasons)}`;
  return undefined;
}

function codes(reasons: readonly { readonly code: string }[]): string {
  return reasons.map(({ code }) => `\`${code}\``).join(", ") || "no reason";
}
