// The oracle: OPA itself, as a library, asked over pipes. It compiles a query and its modules to WebAssembly and evaluates the same with
// OPA's own evaluator, so that the engine's answers can be held against OPA's.
//
//	oracle cases DIR GROUP…   every case below DIR/v0 and DIR/v1 (of these groups, or all), one JSON line each
//	oracle serve              questions on standard input, answers on standard output, one JSON line each
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/test/cases"
	"github.com/open-policy-agent/opa/v1/topdown"
	"github.com/open-policy-agent/opa/v1/types"
	"github.com/open-policy-agent/opa/v1/util"
)

// question is one query over modules, data and input; the last two are Rego value text, and input may be absent.
type question struct {
	ID           string            `json:"id"`
	Query        string            `json:"query"`
	Modules      []string          `json:"modules"`
	Data         string            `json:"data,omitempty"`
	Input        *string           `json:"input,omitempty"`
	V0           bool              `json:"v0,omitempty"`
	Experimental bool              `json:"experimental,omitempty"`
	Env          map[string]string `json:"env,omitempty"`
	NowNs        int64             `json:"now_ns,omitempty"`
	// Inputs asks the same query once more for each of them.
	Inputs []string `json:"inputs,omitempty"`
	// What is wanted: the module, the answer, or both.
	NoWasm   bool `json:"no_wasm,omitempty"`
	NoAnswer bool `json:"no_answer,omitempty"`
}

// answer has the module (base64 of WebAssembly) and what OPA says.
type answer struct {
	ID string `json:"id"`
	// CompileError says why there is no module.
	CompileError string `json:"compile_error,omitempty"`
	Wasm         []byte `json:"wasm,omitempty"`
	outcome
	// Outcomes has one for each of Inputs.
	Outcomes []outcome `json:"outcomes,omitempty"`
}

// outcome is what OPA's evaluator says.
type outcome struct {
	// Rows are the bindings of each result, as Rego value text of an object; Error is the code of an evaluation that failed.
	Rows  []string `json:"rows,omitempty"`
	Error string   `json:"error,omitempty"`
	// StrictError is what strict builtin errors make of the same: a builtin failed on the way.
	StrictError string `json:"strict_error,omitempty"`
}

// evaluationMax ends evaluations that would take all memory.
const evaluationMax = 2 * time.Second

// testCase is a case of OPA's suite with its answer.
type testCase struct {
	Note   string `json:"note"`
	Group  string `json:"group"`
	File   string `json:"file"`
	Sorted bool   `json:"sorted,omitempty"`
	Want   string `json:"want"`
	question
	answer
}

func main() {
	registerTestSleep()
	switch {
	case len(os.Args) >= 3 && os.Args[1] == "cases":
		exit(writeCases(os.Args[2], os.Args[3:]))
	case len(os.Args) == 2 && os.Args[1] == "serve":
		exit(serve())
	default:
		fmt.Fprintln(os.Stderr, "usage: oracle cases DIR [GROUP…] | oracle serve")
		os.Exit(2)
	}
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// registerTestSleep adds the builtin that some cases of the suite use and that only tests have.
func registerTestSleep() {
	rego.RegisterBuiltin1(&rego.Function{
		Name: "test.sleep",
		Decl: types.NewFunction(types.Args(types.S), types.NewNull()),
	}, func(_ rego.BuiltinContext, op *ast.Term) (*ast.Term, error) {
		d, _ := time.ParseDuration(string(op.Value.(ast.String)))
		time.Sleep(d)
		return ast.NullTerm(), nil
	})
}

func serve() error {
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := json.NewEncoder(os.Stdout)
	for {
		line, err := in.ReadBytes('\n')
		if len(line) == 0 {
			return nil
		}
		var q question
		if err := json.Unmarshal(line, &q); err != nil {
			return err
		}
		if err := out.Encode(ask(q)); err != nil {
			return err
		}
		if err != nil {
			return nil
		}
	}
}

func writeCases(dir string, groups []string) error {
	todo := make(chan testCase)
	out := json.NewEncoder(os.Stdout)
	var mutex sync.Mutex
	var workers sync.WaitGroup
	for range runtime.NumCPU() {
		workers.Go(func() {
			for tc := range todo {
				tc.answer = ask(tc.question)
				mutex.Lock()
				exit(out.Encode(tc))
				mutex.Unlock()
			}
		})
	}
	for _, version := range []string{"v0", "v1"} {
		if err := readCases(filepath.Join(dir, version), version, groups, todo); err != nil {
			return err
		}
	}
	close(todo)
	workers.Wait()
	return nil
}

func readCases(dir, version string, groups []string, todo chan<- testCase) error {
	set, err := cases.Load(dir)
	if err != nil {
		return err
	}
	for _, tc := range set.Cases {
		group := filepath.Base(filepath.Dir(tc.Filename))
		if len(groups) > 0 && !slices.Contains(groups, group) {
			continue
		}
		q := question{Query: tc.Query, Modules: tc.Modules, Data: "{}", V0: version == "v0", Experimental: tc.ExperimentalKeywords, Env: tc.Env}
		if tc.Data != nil {
			q.Data = text(ast.MustInterfaceToValue(*tc.Data))
		}
		if tc.InputTerm != nil {
			input := text(ast.MustParseTerm(*tc.InputTerm).Value)
			q.Input = &input
		} else if tc.Input != nil {
			input := text(ast.MustInterfaceToValue(*tc.Input))
			q.Input = &input
		}
		file := version + strings.TrimPrefix(tc.Filename, dir)
		todo <- testCase{Note: tc.Note, Group: group, File: file, Sorted: tc.SortBindings, Want: want(tc), question: q}
	}
	return nil
}

// want says what kind of outcome the case itself expects.
func want(tc cases.TestCase) string {
	switch {
	case tc.StrictError:
		return "strict_error"
	case tc.WantErrorCode != nil || tc.WantError != nil:
		return "error"
	case tc.WantResult != nil && len(*tc.WantResult) == 0, tc.WantDefined != nil && !*tc.WantDefined:
		return "undefined"
	default:
		return "defined"
	}
}

// text is the value as JSON with sets and any keys; a byte that is not UTF-8 is the escape of a lone surrogate, U+DC80 to U+DCFF.
func text(v ast.Value) string {
	switch v := v.(type) {
	case ast.String:
		return quote(string(v))
	case *ast.Array:
		items := make([]string, 0, v.Len())
		v.Foreach(func(t *ast.Term) { items = append(items, text(t.Value)) })
		return "[" + strings.Join(items, ", ") + "]"
	case ast.Set:
		if v.Len() == 0 {
			return "set()"
		}
		return "{" + strings.Join(util.SortedFunc(members(v), strings.Compare), ", ") + "}"
	case ast.Object:
		pairs := make([]string, 0, v.Len())
		v.Foreach(func(k, x *ast.Term) { pairs = append(pairs, text(k.Value)+": "+text(x.Value)) })
		return "{" + strings.Join(pairs, ", ") + "}"
	default:
		return v.String()
	}
}

func members(set ast.Set) []string {
	items := make([]string, 0, set.Len())
	set.Foreach(func(t *ast.Term) { items = append(items, text(t.Value)) })
	return items
}

func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i, r := range s {
		switch {
		case r == utf8.RuneError && s[i] >= 0x80 && !strings.HasPrefix(s[i:], "\ufffd"):
			fmt.Fprintf(&b, "\\udc%02x", s[i])
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < 0x20:
			fmt.Fprintf(&b, "\\u%04x", r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func ask(q question) answer {
	result := answer{ID: q.ID}
	for k, v := range q.Env {
		os.Setenv(k, v)
	}
	ctx := context.Background()
	if !q.NoWasm {
		compiled, err := rego.New(options(q, false)...).Compile(ctx)
		if err != nil {
			result.CompileError = err.Error()
			return result
		}
		result.Wasm = compiled.Bytes
	}
	if !q.NoAnswer {
		lenient, strict := prepare(ctx, q, false), prepare(ctx, q, true)
		result.outcome = both(ctx, q.Input, lenient, strict)
		for i := range q.Inputs {
			result.Outcomes = append(result.Outcomes, both(ctx, &q.Inputs[i], lenient, strict))
		}
	}
	return result
}

// evaluator evaluates one input; it returns the rows, or the code of the error.
type evaluator func(ctx context.Context, input *string) ([]string, string)

func both(ctx context.Context, input *string, lenient, strict evaluator) outcome {
	var result outcome
	result.Rows, result.Error = lenient(ctx, input)
	if _, code := strict(ctx, input); code != result.Error {
		result.StrictError = code
	}
	return result
}

func options(q question, strict bool) []func(*rego.Rego) {
	version := ast.RegoV1
	if q.V0 {
		version = ast.RegoV0
	}
	opts := []func(*rego.Rego){
		rego.Query(q.Query),
		rego.SetRegoVersion(version),
		rego.Capabilities(ast.CapabilitiesForThisVersion(ast.CapabilitiesExperimentalKeywords(q.Experimental))),
		rego.StrictBuiltinErrors(strict),
		// The term's own text: sets stay sets, and numbers keep their digits.
		rego.GenerateJSON(func(t *ast.Term, _ *rego.EvalContext) (any, error) { return text(t.Value), nil }),
	}
	for i, module := range q.Modules {
		opts = append(opts, rego.Module(fmt.Sprintf("module-%d.rego", i), module))
	}
	return opts
}

func prepare(ctx context.Context, q question, strict bool) evaluator {
	failed := func(code string) evaluator {
		return func(context.Context, *string) ([]string, string) { return nil, code }
	}
	data := map[string]any{}
	if q.Data != "" {
		if err := util.UnmarshalJSON([]byte(q.Data), &data); err != nil {
			return failed("data: " + err.Error())
		}
	}
	prepared, err := rego.New(append(options(q, strict), rego.Store(inmem.NewFromObject(data)))...).PrepareForEval(ctx)
	if err != nil {
		return failed(code(err))
	}
	var opts []rego.EvalOption
	if q.NowNs != 0 {
		opts = append(opts, rego.EvalTime(time.Unix(0, q.NowNs)))
	}
	return func(ctx context.Context, input *string) ([]string, string) {
		return evaluate(ctx, prepared, opts, input)
	}
}

func evaluate(ctx context.Context, prepared rego.PreparedEvalQuery, opts []rego.EvalOption, input *string) (rows []string, failure string) {
	// Some builtins of OPA panic for odd operands; OPA as a server would survive that too.
	defer func() {
		if thrown := recover(); thrown != nil {
			rows, failure = nil, fmt.Sprintf("panic: %v", thrown)
		}
	}()
	if input != nil {
		term, err := ast.ParseTerm(*input)
		if err != nil {
			return nil, "input: " + err.Error()
		}
		opts = append(slices.Clone(opts), rego.EvalParsedInput(term.Value))
	}
	ctx, cancel := context.WithTimeout(ctx, evaluationMax)
	defer cancel()
	set, err := prepared.Eval(ctx, opts...)
	if err != nil {
		return nil, code(err)
	}
	rows = make([]string, 0, len(set))
	for _, result := range set {
		var pairs []string
		for name, value := range result.Bindings {
			key, _ := json.Marshal(name)
			pairs = append(pairs, fmt.Sprintf("%s: %s", key, value))
		}
		rows = append(rows, "{"+strings.Join(pairs, ", ")+"}")
	}
	return rows, ""
}

func code(err error) string {
	if e, ok := err.(*topdown.Error); ok {
		return e.Code + ": " + e.Message
	}
	return err.Error()
}
