# What agents of the toolkit may do: the AuthZEN request is the input, with the tool as the resource and its arguments in the context.
package authzen

default allow := false

allow if {
	input.subject.type == "ai_agent"
	input.resource.type == "mcp_tool"
	input.resource.id == "search_customers"
	count(input.context.tool_args.q) >= 3
}
