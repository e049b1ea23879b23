// A proxy in front of one MCP server (Streamable HTTP) with ToolHive's own middleware: its parser of MCP, and its validating webhook
// (-webhooks FILE) or its authorizer (-authz FILE), from the configuration files that `thv` reads. What is left out of ToolHive is the
// container around the server and the verification of the user's token: -claims says who the user is.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"

	"github.com/stacklok/toolhive/pkg/auth"
	"github.com/stacklok/toolhive/pkg/authz"
	"github.com/stacklok/toolhive/pkg/authz/authorizers"
	_ "github.com/stacklok/toolhive/pkg/authz/authorizers/http"
	"github.com/stacklok/toolhive/pkg/mcp"
	"github.com/stacklok/toolhive/pkg/transport/types"
	"github.com/stacklok/toolhive/pkg/webhook"
	"github.com/stacklok/toolhive/pkg/webhook/validating"
)

type runner struct {
	types.MiddlewareRunner
	added types.Middleware
}

func (r *runner) AddMiddleware(_ string, middleware types.Middleware) { r.added = middleware }

func main() {
	upstream := flag.String("upstream", "", "URL of the MCP server")
	server := flag.String("server", "", "name of the MCP server")
	webhooks := flag.String("webhooks", "", "webhook configuration")
	authorization := flag.String("authz", "", "authorization configuration")
	claims := flag.String("claims", "{}", "claims of the user's token")
	flag.Parse()

	target, err := url.Parse(*upstream)
	check(err)
	var handler http.Handler = httputil.NewSingleHostReverseProxy(target)
	if *webhooks != "" {
		handler = webhookMiddleware(*webhooks, *server)(handler)
	}
	if *authorization != "" {
		config, err := authorizers.LoadConfig(*authorization)
		check(err)
		middleware, err := authz.CreateMiddlewareFromConfig(config, *server, nil)
		check(err)
		handler = middleware(handler)
	}
	handler = asUser(*claims, mcp.ParsingMiddleware(handler))

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	fmt.Printf("http://%s\n", listener.Addr())
	check(http.Serve(listener, handler))
}

func webhookMiddleware(file, server string) types.MiddlewareFunction {
	config, err := webhook.LoadConfig(file)
	check(err)
	check(webhook.ValidateConfig(config))
	parameters, err := json.Marshal(validating.FactoryMiddlewareParams{
		MiddlewareParams: validating.MiddlewareParams{Webhooks: config.Validating},
		ServerName:       server,
		Transport:        "streamable-http",
	})
	check(err)
	r := &runner{}
	check(validating.CreateMiddleware(&types.MiddlewareConfig{Type: validating.MiddlewareType, Parameters: parameters}, r))
	return r.added.Handler()
}

func asUser(text string, next http.Handler) http.Handler {
	claims := map[string]any{}
	check(json.Unmarshal([]byte(text), &claims))
	subject, _ := claims["sub"].(string)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		identity := &auth.Identity{PrincipalInfo: auth.PrincipalInfo{Subject: subject, Claims: claims}}
		next.ServeHTTP(w, r.WithContext(auth.WithIdentity(r.Context(), identity)))
	})
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
