import { readDecision } from "../decide/decision.ts";
import type { BundleId, PolicySnapshot } from "../decide/ports.ts";
import { describe } from "../errors.ts";
import { refuse } from "./archive.ts";
import { builtins } from "./builtins/index.ts";
import type { Bundle, SelfTest } from "./bundle.ts";
import { WasmPolicy } from "./wasm-policy.ts";
import { rewriteModule } from "./wasm-rewrite.ts";

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
  selfTest(policy, bundle.manifest.metadata?.remit?.self_test ?? [], nowMs);
  const evaluate = policy.evaluate.bind(policy);
  return { bundle: id, data: bundle.data, entrypoints: policy.entrypoints, evaluate };
}

async function instantiate(bundle: Bundle, options: GateOptions): Promise<WasmPolicy> {
  const { bytes, memoryPagesMin } = rewriteModule(bundle.wasm);
  if (memoryPagesMin > options.memoryPagesMax)
    throw refuse(`the module needs ${memoryPagesMin} pages of memory, more than \`engine.memory_pages_max\` (${options.memoryPagesMax})`);
  try {
    const module = await WebAssembly.compile(new Uint8Array(bytes));
    const data = Buffer.from(JSON.stringify(bundle.data));
    const policy = new WasmPolicy({
      module,
      builtins,
      data,
      memoryPagesMin,
      memoryPagesMax: options.memoryPagesMax,
      fuelMax: options.fuelMax,
    });
    checkModule(policy);
    return policy;
  } catch (cause) {
    throw refuse(`the WebAssembly module cannot be loaded: ${describe(cause)}`, cause);
  }
}

function checkModule({ abi, builtinNames }: WasmPolicy): void {
  if (abi.major !== 1 || abi.minor < 2) throw refuse(`its ABI is ${abi.major}.${abi.minor}; build it with OPA 0.35 or later`);
  const unknown = builtinNames.filter((name) => !builtins.has(name));
  if (unknown.length > 0) throw refuse(`it calls builtins that the service does not have: \`${unknown.join("`, `")}\``);
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
  const evaluation = policy.evaluate("remit/decision", { ...input, nonce }, nowMs);
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
