import { describe, expect, it } from "vitest";
import type { TokenResult } from "../../../service/decide/ports.ts";
import type { AccessRequest } from "../../../service/decide/session/access-request.ts";
import type { Denial } from "../../../service/decide/session/binding-token.ts";
import type { Pep } from "../../../service/decide/tool-call.ts";
import {
  AccessRequestView,
  accessRequestToWire,
  checkSubmission,
  justification,
  submittedArguments,
  toApprover,
  toSubmission,
  VerdictRequest,
} from "../../../service/dialects/access-requests.ts";
import { parse } from "../../../service/dialects/sessions.ts";
import { RemitError } from "../../../service/errors.ts";

const nowMs = Date.UTC(2027, 0, 1);
const id = "01a20b7b-1e9b-7841-b2cf-57a2227c0656";
const denial: Denial = {
  ...{ decisionId: id, tenant: "acme", pep: "gateway", subject: "emma", agent: "bot", session: "s:x", what: "pay/send" },
  ...{ binding: "sha256:00", codes: ["amount_large"], expiresMs: nowMs + 60_000 },
};
const submission = {
  subject: { type: "user", id: "emma" },
  resource: { type: "tool", id: "pay/send", properties: { arguments: { to: "dora", amount: 5 } } },
  action: { name: "tools/call" },
  context: { business_justification: "rent" },
  denial: { evaluation_id: id, expires_at: "2027-01-01T00:01:00Z", binding_token: "a.b.c" },
};
const grantResource = { type: "grant", id: "s-1", properties: { grant: { tools: ["pay/*"] } } };

function refusal(run: () => unknown): { code?: string; paths?: string[] } {
  try {
    run();
  } catch (error) {
    if (!(error instanceof RemitError)) throw error;
    return { code: error.code, paths: error.errors.map(({ path }) => path) };
  }
  return {};
}

describe("submissions", () => {
  it("are taken as the profile writes them", () => {
    const parsed = toSubmission(submission);
    checkSubmission(parsed, denial);

    expect(submittedArguments(parsed)).toEqual({ to: "dora", amount: 5 });
    expect(justification(parsed)).toBe("rent");
  });

  it("bring a wider grant as it was declared", () => {
    const parsed = toSubmission({ ...submission, resource: grantResource });
    checkSubmission(parsed, { ...denial, what: "@grant" });

    expect(submittedArguments(parsed)).toEqual({ tools: ["pay/*"] });
  });

  it.each([
    ["an unknown member", { ...submission, items: [] }, ["/items"]],
    ["no resource", { ...submission, resource: undefined }, ["/resource"]],
    ["another type of resource", { ...submission, resource: { type: "document", id: "x" } }, ["/resource/type"]],
    ["no arguments", { ...submission, resource: { ...submission.resource, properties: {} } }, ["/resource/properties/arguments"]],
    [
      "a grant that is none",
      { ...submission, resource: { ...grantResource, properties: { grant: { all: 1 } } } },
      ["/resource/properties/grant/all"],
    ],
    ["no binding token", { ...submission, denial: {} }, ["/denial/binding_token"]],
    ["a time that is none", { ...submission, denial: { binding_token: "x", expires_at: "soon" } }, ["/denial/expires_at"]],
    ["no action", { ...submission, action: undefined }, ["/action"]],
  ])("are refused for %s, and the path is named", (_name, body, paths) => {
    expect(refusal(() => toSubmission(JSON.parse(JSON.stringify(body))))).toEqual({ code: "request_invalid", paths });
  });

  it.each([
    ["subject", { subject: { id: "eve" } }, denial, "/subject/id"],
    ["subject, which is left out", { subject: undefined }, denial, "/subject/id"],
    ["subject, where there was none", {}, { ...denial, subject: null }, "/subject/id"],
    ["tool", { resource: { ...submission.resource, id: "pay/refund" } }, denial, "/resource/id"],
    ["kind: a grant for a call", { resource: grantResource }, denial, "/resource/type"],
    ["kind: a call for a grant", {}, { ...denial, what: "@grant" }, "/resource/type"],
    ["decision", { denial: { ...submission.denial, evaluation_id: "x" } }, denial, "/denial/evaluation_id"],
    ["end", { denial: { ...submission.denial, expires_at: "2027-01-01T00:01:01Z" } }, denial, "/denial/expires_at"],
  ])("must not name another %s", (_name, change, of, path) => {
    const parsed = toSubmission(JSON.parse(JSON.stringify({ ...submission, ...change })));

    expect(refusal(() => checkSubmission(parsed, of))).toEqual({ code: "request_invalid", paths: [path] });
  });

  it("are bounded", () => {
    const large = { ...submission.resource, properties: { arguments: { text: "x".repeat(50_000) } } };

    expect(refusal(() => submittedArguments(toSubmission({ ...submission, resource: large }))).paths).toEqual([
      "/resource/properties/arguments",
    ]);
    for (const business_justification of ["x".repeat(2001), 7])
      expect(refusal(() => justification(toSubmission({ ...submission, context: { business_justification } }))).paths).toEqual([
        "/context/business_justification",
      ]);
  });
});

describe("verdicts", () => {
  const desk: Pep = {
    ...{ id: "desk", tenant: "acme", dialects: ["native"], permissions: ["approve"] },
    ...{ assertsSubject: true, annotationsTrusted: false },
  };
  const verified = (agent: string | null, chain: string[] = []) =>
    ({ kind: "verified", subject: { id: "alice" }, agent, chain }) as unknown as TokenResult;
  const by = parse(VerdictRequest, { decision: "approve", approver: { id: "alice" } });
  const byToken = parse(VerdictRequest, { decision: "refuse", token: "t", comment: "no" });

  it("come from whom the enforcement point names, if it may name anybody", () => {
    expect(toApprover(by, desk, { kind: "absent" }, [])).toEqual({ id: "alice", verified: false, delegate: null, pep: "desk" });
    expect(refusal(() => toApprover(by, { ...desk, assertsSubject: false }, { kind: "absent" }, [])).code).toBe("approval_forbidden");
  });

  it("come from whom the token names, with whoever holds it for them", () => {
    expect(toApprover(byToken, { ...desk, assertsSubject: false }, verified(null), [])).toMatchObject({
      id: "alice",
      verified: true,
      delegate: null,
    });
    expect(toApprover(byToken, desk, verified("bot", ["bot"]), [])).toMatchObject({ delegate: "bot" });
    expect(toApprover(byToken, desk, verified(null, ["bot"]), [])).toMatchObject({ delegate: "bot" });
  });

  it("come from a person whose token names a page for approvals, and from no longer chain", () => {
    expect(toApprover(byToken, desk, verified("approvals-page", ["approvals-page"]), ["approvals-page"])).toMatchObject({ delegate: null });
    expect(toApprover(byToken, desk, verified("approvals-page", ["approvals-page", "bot"]), ["approvals-page"])).toMatchObject({
      delegate: "bot",
    });
    expect(toApprover(byToken, desk, verified("bot"), ["approvals-page"])).toMatchObject({ delegate: "bot" });
  });

  it("never come from a token that was rejected, whoever may name approvers", () => {
    expect(refusal(() => toApprover(byToken, desk, { kind: "rejected", reason: "token_expired" }, []))).toEqual({
      code: "request_invalid",
      paths: ["/token"],
    });
  });

  it.each([
    ["nobody", { decision: "approve" }, ["/"]],
    ["two approvers", { decision: "approve", approver: { id: "a" }, token: "t" }, ["/"]],
    ["another decision", { decision: "allow", token: "t" }, ["/decision"]],
    ["an unknown member", { decision: "approve", token: "t", force: true }, ["/force"]],
    ["an approver with a line break", { decision: "approve", approver: { id: "a\nb" } }, ["/approver/id"]],
    ["a comment of two lines", { decision: "approve", token: "t", comment: "a\nb" }, ["/comment"]],
  ])("are refused from %s", (_name, body, paths) => {
    expect(refusal(() => parse(VerdictRequest, body))).toEqual({ code: "request_invalid", paths });
  });
});

describe("status", () => {
  const request: AccessRequest = {
    ...{ id, status: "pending", denial, arguments: { to: "dora" }, justification: "rent" },
    ...{ createdMs: nowMs, expiresMs: denial.expiresMs, approver: null, comment: null },
  };
  const show = (more: Partial<AccessRequest>, atMs = nowMs, approver = false) =>
    accessRequestToWire({ ...request, ...more }, { approver, withArguments: true, nowMs: atMs });

  it.each([
    ["pending", nowMs, "pending"],
    ["pending", denial.expiresMs, "expired"],
    ["approved", nowMs, "approved"],
    ["approved", denial.expiresMs, "expired"],
    ["refused", nowMs, "denied"],
    ["refused", denial.expiresMs, "denied"],
    ["used", nowMs, "used"],
  ] as const)("of a request that is %s at %d is %s, and only an approval has a result", (status, atMs, shown) => {
    const wire = show({ status }, atMs);

    expect(AccessRequestView.parse(wire).task).toMatchObject({ id, status: shown, status_endpoint: `/access-requests/${id}` });
    expect("result" in wire).toBe(shown === "approved");
  });

  it("shows arguments and approver to approvers only", () => {
    const decided = { status: "approved", approver: "alice", comment: "fine" } as const;

    expect(JSON.stringify(show(decided))).not.toMatch(/dora|alice|fine|rent|emma/);
    expect(AccessRequestView.parse(show(decided, nowMs, true)).request).toMatchObject({
      ...{ what: "pay/send", arguments: { to: "dora" }, subject: "emma", agent: "bot", pep: "gateway", codes: ["amount_large"] },
      ...{ business_justification: "rent", approver: "alice", comment: "fine" },
    });
  });

  it("leaves the arguments out of lists", () => {
    expect(accessRequestToWire(request, { approver: true, withArguments: false, nowMs }).request).not.toHaveProperty("arguments");
  });
});
