"""Asks Remit about tool calls by way of Microsoft's Agent Governance Toolkit.

Reads one context as JSON from each line of standard input, and prints the toolkit's decision about it.
"""

import argparse
import json
import sys

from agent_os.policies import PolicyEvaluator
from agent_os.policies.backends import OPABackend
from agentmesh.governance.opa import OPAEvaluator, OPAPolicyBackend
from authzen_backend import AuthZENBackend


def with_evaluator(backend):
    """`agent_os`: the evaluator that its framework adapters use. Without rules of its own everything is left to the backend."""
    evaluator = PolicyEvaluator()
    evaluator.add_backend(backend)
    return evaluator.evaluate


def ask(kind, remit):
    if kind == "opa":
        return with_evaluator(OPABackend(mode="remote", opa_url=remit, query="data.gateways.agt"))
    if kind == "agentmesh":
        backend = OPAPolicyBackend(OPAEvaluator(mode="remote", opa_url=remit), query_prefix="data.gateways.agt")
        return lambda context: backend.evaluate(context.get("action", ""), context)
    # The backend cannot do without a token: where Remit's authentication is on, its API key. It is asked directly, since the evaluator of
    # core 5.0.0 expects a member of its decisions that version 0.1.2 does not have, and denies.
    return AuthZENBackend(pdp_url=f"{remit}/access/v1/evaluation", pdp_application="agt", token="none").evaluate


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backend", choices=["opa", "agentmesh", "authzen"], default="opa")
    parser.add_argument("--remit", default="http://127.0.0.1:8181")
    options = parser.parse_args()
    evaluate = ask(options.backend, options.remit)
    for line in sys.stdin:
        decision = evaluate(json.loads(line))
        print(json.dumps({"allowed": decision.allowed, "reason": decision.reason}))


if __name__ == "__main__":
    main()
