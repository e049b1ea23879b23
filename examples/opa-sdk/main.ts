import { OPAClient } from "@open-policy-agent/opa";

/** What the policy says of a ticket. */
interface Decision {
  readonly allow: boolean;
  readonly reasons: readonly string[];
}

const url = process.argv[2] ?? "http://127.0.0.1:8181";
const key = process.env.REMIT_API_KEY;
const opa = new OPAClient(url, key === undefined ? {} : { headers: { authorization: `Bearer ${key}` } });

const ask = (action: string, roles: string[]) => opa.evaluate<object, Decision>("tickets/decision", { action, user: { roles } });

// Whatever goes wrong is thrown, and then nothing is allowed.
console.log("read", JSON.stringify(await ask("read", [])));
console.log("resolve", JSON.stringify(await ask("resolve", [])));
console.log("resolve as resolver", JSON.stringify(await ask("resolve", ["resolver"])));
