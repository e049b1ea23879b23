# METADATA
# title: Token and subject
# description: |
#   A token that is sent must have been verified, must be fresh enough for the action class, and must be meant for the called server
#   where `data.remit.config.token.audiences` (an object: server to list) names audiences for it. Whether a token and a subject are
#   required is stated per class.
# schemas:
#   - input: schema.input
package remit.policies.token

import data.remit.facts

# METADATA
# title: The token was rejected
# description: A token was sent and did not pass verification. The reason carries the verifier's code, one of those listed.
# custom:
#   code: token_rejected
#   rank: 10
#   message: the agent's token failed verification
#   remedy: get a new token from a configured issuer and try again
#   controls: [OWASP-ASI03, OWASP-NHI-04, NIST-800-207]
#   variants:
#     token_malformed:
#       message: the agent's token is not one signed compact JWT with strict JSON
#       remedy: send the access token as it came from the issuer
#     token_too_large:
#       message: the agent's token is larger than permitted
#       remedy: get a token with fewer claims
#     token_issuer_unknown:
#       message: the issuer of the agent's token is not configured
#       remedy: get a token from a configured issuer
#     token_algorithm:
#       message: the signature algorithm of the agent's token is not permitted for its issuer
#       remedy: have the issuer sign with a permitted algorithm
#     token_type:
#       message: the agent's token is not an access token
#       remedy: send the access token, not an ID, refresh or logout token
#     token_key_unknown:
#       message: no usable key of the issuer matches the agent's token
#       remedy: get a new token signed with a published key of the issuer
#     token_signature:
#       message: the signature of the agent's token does not fit
#       remedy: send the access token unchanged, as it came from the issuer
#     token_audience:
#       message: the agent's token is meant for another audience
#       remedy: get a token whose audience is this service
#     token_expired:
#       message: the agent's token has expired
#       remedy: get a new token
#     token_too_old:
#       message: the agent's token was issued longer ago than permitted
#       remedy: get a new token
#     token_not_yet_valid:
#       message: the agent's token is not valid yet
#       remedy: check the clocks, or wait until the token is valid
#     token_claims:
#       message: a claim of the agent's token is missing or has the wrong type
#       remedy: have the issuer state the claims of RFC 9068 with their types
#     token_act_malformed:
#       message: the `act` claim of the agent's token is malformed
#       remedy: have the issuer state each actor as an object with a `sub`
#     token_act_too_deep:
#       message: the `act` claim of the agent's token is nested too deeply
#       remedy: get a token with a shorter chain of actors
reason["token_rejected"] := rego.metadata.rule().custom

# METADATA
# title: A token is required
# description: The action class requires a verified token, and none was sent.
# custom:
#   code: token_required
#   rank: 37
#   message: this action class needs a verified token
#   remedy: send the agent's access token with the call
#   controls: [OWASP-ASI03, OWASP-NHI-04, NIST-800-207]
reason["token_required"] := rego.metadata.rule().custom

# METADATA
# title: The token is stale
# description: The token was issued longer ago than the action class permits.
# custom:
#   code: token_stale
#   rank: 36
#   message: the token was issued too long ago for this action class
#   remedy: get a new token and try again
#   controls: [OWASP-NHI-07, NIST-800-207]
reason["token_stale"] := rego.metadata.rule().custom

# METADATA
# title: The token is not meant for the server
# description: The called server has its own audiences, or it is not known whether it has, and the token names none of them (RFC 8707).
# custom:
#   code: token_audience_not_permitted
#   rank: 35
#   message: the token is not meant for the called server
#   remedy: get a token for the audience of the called server
#   controls: [OWASP-ASI03, OWASP-NHI-05, NIST-800-207]
reason["token_audience_not_permitted"] := rego.metadata.rule().custom

# METADATA
# title: The subject is unknown
# description: The action class requires a subject, stated by a verified token or by an enforcement point that may state it.
# custom:
#   code: subject_unknown
#   rank: 14
#   message: it is not known on whose behalf this call is made
#   remedy: send a token of the subject, or call through an enforcement point that may state the subject
#   controls: [OWASP-ASI03, OWASP-NHI-04, NIST-800-207]
reason["subject_unknown"] := rego.metadata.rule().custom

# METADATA
# title: Deny a token that failed
# description: See `token_rejected`.
deny contains object.union(reason.token_rejected, _variant) if {
	not _absent
	not _verified
}

# METADATA
# title: Deny a missing token
# description: See `token_required`.
deny contains object.union(reason.token_required, _new_token_helps) if {
	_absent
	not _limits.token_required == false
}

# METADATA
# title: Deny a stale token
# description: See `token_stale`.
deny contains object.union(reason.token_stale, _new_token_helps) if {
	_verified
	not _fresh
}

# METADATA
# title: Deny a token for another server
# scope: document
# description: See `token_audience_not_permitted`.
deny contains reason.token_audience_not_permitted if {
	_verified
	audiences := data.remit.config.token.audiences[input.call.server]
	not _meant_for(audiences)
}

deny contains reason.token_audience_not_permitted if {
	_verified
	not _audiences_known
}

# METADATA
# title: Deny an unknown subject
# description: See `subject_unknown`.
deny contains reason.subject_unknown if {
	not _limits.subject_required == false
	not _subject_known
}

# A step-up brings a new token, so it lifts these denials too.
_new_token_helps := {"step_up": {}}

_limits := data.remit.config.classes[input.tool.class]

_absent if input.token.present == false

_verified if {
	input.token.present == true
	input.token.verified == true
	is_null(input.token.failure)
}

_fresh if _limits.token_age_s_max == null

_fresh if {
	is_number(_limits.token_age_s_max)
	is_number(input.token.age_s)
	input.token.age_s <= _limits.token_age_s_max
}

_audiences_known if {
	is_object(data.remit.config.token.audiences)
	every audiences in data.remit.config.token.audiences {
		facts.names(audiences)
	}
}

_meant_for(audiences) if {
	some audience in input.token.audience
	audience in audiences
}

_subject_known if {
	_stated
	input.subject.verified == true
}

_subject_known if {
	_stated
	input.request.pep.asserts_subject == true
}

_stated if {
	is_string(input.subject.id)
	input.subject.id != ""
}

default _variant := {}

_variant := object.union(reason.token_rejected.variants[input.token.failure], {"code": input.token.failure})
