import { bodyValue } from "./claimed.ts";
import type { Dialect, Question, WireHead, WireRequest, WireSignature } from "./dialect.ts";
import { jsonReply } from "./dialect.ts";
import { askMessages, statusOf } from "./mcp.ts";
import { readMessages } from "./mcp-message.ts";
import { macOf, pepOf } from "./webhook-signature.ts";
import { decisionIdOf, errorReason, passes, sentence } from "./wire-call.ts";

/**
 * Obot's HTTP filters: the raw MCP message of either side. 200: accepted; anything else: rejected, and the body is the reason. Which side a
 * message is from is not said, so results are never taken as such.
 */
export const obot: Dialect = {
  name: "obot",
  routes: [
    { method: "post", path: "/hooks/obot", summary: "Decide a message for a filter of Obot", body: "json", results: true, translate },
    {
      method: "post",
      path: "/hooks/obot/{pep}",
      summary: "The same, signed",
      body: "json",
      results: true,
      signed,
      translate,
    },
  ],
  refuse: (error) => jsonReply(error.status, { allow: false, reason: errorReason(error).message }),
};

function translate(request: WireRequest): Question {
  const messages = readMessages(bodyValue(request));
  return askMessages(request, messages, {
    pass: jsonReply(200, { allow: true }),
    decided(ids, answers) {
      const decisions = answers.map(decisionIdOf);
      if (answers.length === ids.length && answers.every(passes)) return jsonReply(200, { allow: true, decision_ids: decisions });
      const reason = answers
        .filter((answered) => !passes(answered))
        .map(sentence)
        .join(". ");
      return jsonReply(statusOf(answers), { allow: false, decision_ids: decisions, reason: reason.slice(0, 2000) });
    },
  });
}

/** HMAC-SHA256 of the body. Obot's gateway wrote `sha256=` before the digits, its webhook converter does not. */
const signature = /^(?:sha256=)?([0-9a-f]{64})$/;

function signed(head: WireHead): WireSignature {
  const mac = macOf(head, "x-obot-signature-256", signature);
  return { pepId: pepOf(head, "/hooks/obot/"), mac, signedBytes: (body) => body, signedAtMs: null };
}
