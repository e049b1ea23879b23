-- Asks Remit about each request: action `lua.remit` of `http-request`. Sets txn.remit_allow, or answers the client itself.
local check = "http://127.0.0.1:8181/check"
local timeout_ms = 2000

-- What Remit sees of the client's headers. Never the ones that say who asks, nor those that tell the original request.
local forwarded = {
  ["authorization"] = true, ["content-type"] = true, ["content-encoding"] = true, ["user-agent"] = true, ["traceparent"] = true,
}

-- What the proxy says of the client.
local identity = {
  -- The enforcement point's credential, where `auth.mode` is `required`:
  -- ["x-api-key"] = { "rk_haproxy_…" },
  ["x-remit-server"] = { "crm" },
  -- For a trial. In production leave these out and let the agent's token say it.
  ["x-remit-subject"] = { "emma" },
  ["x-remit-roles"] = { "support" },
  ["x-remit-agent"] = { "support-bot" },
  ["x-remit-session"] = { "s-1" },
}

local function headers_of(txn)
  local headers = {}
  for name, values in pairs(txn.http:req_get_headers()) do
    if forwarded[name] or name:sub(1, 4) == "mcp-" then
      headers[name] = {}
      for i = 0, #values do table.insert(headers[name], values[i]) end
    end
  end
  for name, values in pairs(identity) do headers[name] = values end
  headers["x-remit-origin-ip"] = { txn.f:src() }
  headers["x-forwarded-method"] = { txn.f:method() }
  headers["x-forwarded-uri"] = { txn.f:pathq() }
  headers["x-forwarded-host"] = { txn.sf:req_fhdr("host") }
  return headers
end

-- Without a stated length nobody knows whether the buffer has all of it.
local function is_partial(txn, body)
  local length = txn.sf:req_fhdr("content-length")
  if length ~= "" then return tonumber(length) ~= #body end
  return txn.sf:req_fhdr("transfer-encoding") ~= "" or #body > 0
end

local function refuse(txn, status, answer)
  local reply = txn:reply()
  reply:set_status(status)
  for _, name in ipairs({ "content-type", "www-authenticate", "x-remit-decision-id" }) do
    local values = answer and answer.headers and answer.headers[name]
    if values then reply:add_header(name, values[0]) end
  end
  if answer and answer.body then reply:set_body(answer.body) end
  txn:done(reply)
end

core.register_action("remit", { "http-req" }, function(txn)
  local body = txn.sf:req_body()
  local headers = headers_of(txn)
  if is_partial(txn, body) then headers["x-envoy-auth-partial-body"] = { "true" } end
  local request = { url = check, headers = headers, timeout = timeout_ms }
  if #body > 0 then request.body = body end
  local answer = core.httpclient():post(request)
  local status = answer and answer.status or 0
  if status == 200 then
    local ids = answer.headers["x-remit-decision-id"]
    txn:set_var("txn.remit_decision_id", ids and ids[0] or "")
    txn:set_var("txn.remit_allow", true)
  elseif status >= 400 and status < 500 then
    refuse(txn, status, answer)
  else
    refuse(txn, 503)
  end
end)
