package contract

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

const (
	sessionPath = "/api/sessions/550e8400-e29b-41d4-a716-446655440000"
	jsonType    = "application/json"
)

// shipped returns the operation that updates a session, of the contract that the module ships.
func shipped(tb testing.TB) *Operation {
	tb.Helper()
	o := parse(tb, string(readFile(tb, "../../openapi.yaml"))).Operation("updateSession")
	if o == nil {
		tb.Fatal("no operation updateSession")
	}
	return o
}

func parse(tb testing.TB, spec string) *Contract {
	tb.Helper()
	c, err := Parse([]byte(spec))
	if err != nil {
		tb.Fatalf("%v in %s", err, spec)
	}
	return c
}

// thing returns the operation of a contract that has one, PUT /thing/{id}, with these fields, and components, in YAML.
func thing(tb testing.TB, fields, components string) *Operation {
	tb.Helper()
	if !strings.Contains(fields, "responses:") {
		fields += `, responses: {"200": {description: ok}}`
	}
	oneLine := strings.NewReplacer("\n", " ", "\t", " ")
	return parse(tb, `openapi: 3.0.3
info: {title: Things, version: "1"}
components: {`+oneLine.Replace(components)+`}
paths:
  /thing/{id}:
    put: {`+oneLine.Replace(strings.TrimPrefix(fields, ", "))+`}
`).Find(http.MethodPut, "/thing/1")
}

// exchanging returns an operation whose bodies, of requests and answers 200, have a schema.
func exchanging(tb testing.TB, schema, components string) *Operation {
	tb.Helper()
	content := "content: {application/json: {schema: " + schema + "}}"
	return thing(tb, "requestBody: {"+content+`}, responses: {"200": {description: ok, `+content+"}}", components)
}

func header(pairs ...string) http.Header {
	h := http.Header{}
	for pair := range slices.Chunk(pairs, 2) {
		h.Add(pair[0], pair[1])
	}
	return h
}

// violations checks a JSON body in both directions, which must not differ.
func violations(tb testing.TB, o *Operation, body string) []Violation {
	tb.Helper()
	h := header("Content-Type", jsonType, "X-Api-Key", "key")
	path := strings.Replace(o.Path, "{id}", "550e8400-e29b-41d4-a716-446655440000", 1)
	found, cause := o.CheckRequest(path, "", h, []byte(body))
	answered, _ := o.CheckResponse(http.StatusOK, h, []byte(body))
	if body != "" && !slices.Equal(found, answered) {
		tb.Errorf("%.99q: as request %v, as answer %v", body, found, answered)
	}
	if cause != nil {
		checkCause(tb, cause)
	}
	return answered
}

// checkCause fails if an error of kin-openapi has a value in it.
func checkCause(tb testing.TB, err error) {
	tb.Helper()
	switch err := err.(type) {
	case openapi3.MultiError:
		for _, err := range err {
			checkCause(tb, err)
		}
	case *openapi3.SchemaError:
		if err.Value != nil || err.Origin != nil {
			tb.Errorf("%v has %v of %v", err, err.Value, err.Origin)
		}
	}
}

func readFile(tb testing.TB, name string) []byte {
	tb.Helper()
	data, err := os.ReadFile(name) //nolint:gosec // the caller is a test
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

func glob(tb testing.TB, pattern string) []string {
	tb.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		tb.Fatal(pattern, files, err)
	}
	return files
}

// broken is a row of a file in api/violations.
type broken struct {
	Name, Body, Pointer, Reason string

	Base64 []byte // in place of Body
}

func brokenBodies(tb testing.TB) (rows []broken) {
	tb.Helper()
	for _, file := range glob(tb, "../../api/violations/*.json") {
		var more []broken
		if err := json.Unmarshal(readFile(tb, file), &more); err != nil {
			tb.Fatalf("%s: %v", file, err)
		}
		rows = append(rows, more...)
	}
	return rows
}

func TestExamplesKeepTheContract(t *testing.T) {
	t.Parallel()
	o := shipped(t)
	for _, file := range glob(t, "../../api/examples/*.json") {
		if got := violations(t, o, string(readFile(t, file))); got != nil {
			t.Errorf("%s: %v", file, got)
		}
	}
}

func TestViolationsBreakTheContract(t *testing.T) {
	t.Parallel()
	o := shipped(t)
	for _, row := range brokenBodies(t) {
		got := violations(t, o, string(row.Base64)+row.Body)
		if want := []Violation{{row.Pointer, row.Reason}}; !slices.Equal(got, want) {
			t.Errorf("%s: got %+v, want %+v", row.Name, got, want)
		}
	}
}

func TestParseRefusesWhatItCannotKeep(t *testing.T) {
	t.Parallel()
	spec := string(readFile(t, "../../openapi.yaml"))
	for name, tt := range map[string]struct{ spec, want string }{
		"OpenAPI 3.1":   {strings.Replace(spec, "openapi: 3.0.3", "openapi: 3.1.0", 1), "OpenAPI 3.1.0 is not supported: write the document as OpenAPI 3.0.3"},
		"OpenAPI 3.2":   {strings.Replace(spec, "openapi: 3.0.3", "openapi: 3.2.0", 1), "OpenAPI 3.2.0 is not supported"},
		"not YAML":      {"\t{", "contract: "},
		"a broken $ref": {strings.Replace(spec, "schemas/Organization\"", "schemas/Nowhere\"", 1), "contract: "},
	} {
		if _, err := Parse([]byte(tt.spec)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
}

func TestParseTakesWhatIsDocumentationOrUsedLater(t *testing.T) {
	t.Parallel()
	for name, schema := range map[string]string{
		"an example that does not fit": "{type: integer, example: x}",
		"a default that does not fit":  "{type: integer, default: x}",
		"a pattern that Go lacks":      "{type: object, properties: {a: {type: string, pattern: ^(?!x)}, b: {type: integer}}}",
	} {
		o := exchanging(t, schema, "")
		if got := violations(t, o, `""`); len(got) == 0 || got[0].Pointer != "" {
			t.Errorf("%s: got %v", name, got)
		}
	}
	for fields, want := range map[string]string{
		`responses: {"200": {description: x, content: {application/json: }}}`: "Content-Type must be application/json, not application/json",
		`responses: {"200": {description: x, content: }}`:                     "",
		`requestBody: , responses: `:                                          "status is not supported",
		`responses: {"200": {description: x, content: {application/json: {schema: {allOf: [{$ref: "#/components/schemas/Self"}]}}}}}`: "",
	} {
		o := thing(t, fields, "schemas: {Self: {allOf: [{$ref: '#/components/schemas/Self'}]}}")
		if got, _ := o.CheckResponse(http.StatusOK, header("Content-Type", jsonType), []byte("{}")); reasons(got) != want {
			t.Errorf("%s: got %v", fields, got)
		}
	}
	if c := parse(t, "openapi: 3.0.3\ninfo: {title: t, version: v}\n"); c.Find(http.MethodGet, "/") != nil || c.Operation("") != nil {
		t.Error("a contract without paths has an operation")
	}
}

func TestAPatternThatGoLacksIsNamedByTheCallThatNeedsIt(t *testing.T) {
	t.Parallel()
	for schema, place := range map[string]string{
		"{type: object, properties: {a: {type: string, pattern: ^(?!x)}}}":             "/components/schemas/Thing/properties/a",
		"{type: object, properties: {a: {$ref: '#/components/schemas/A'}}}":            "/components/schemas/A",
		"{type: object, properties: {a: {allOf: [{$ref: '#/components/schemas/A'}]}}}": "/components/schemas/A",
		"{type: object, additionalProperties: {type: string, pattern: ^(?!x)}}":        "/components/schemas/Thing/additionalProperties",
	} {
		o := exchanging(t, "{$ref: '#/components/schemas/Thing'}", "schemas: {A: {type: string, pattern: ^(?!x)}, Thing: "+schema+"}")
		if got := violations(t, o, `{}`); got != nil {
			t.Errorf("%s: not needed, but %v", schema, got)
		}
		for _, pad := range []string{"", strings.Repeat(" ", maxListed)} {
			got := violations(t, o, `{"a":"canary"`+pad+`}`)
			if len(got) != 1 || !strings.Contains(got[0].Reason, `cannot compile pattern "^(?!x)"`) || !strings.Contains(got[0].Reason, place) {
				t.Errorf("%s: got %v", schema, got)
			}
		}
	}
}

// TestSeveralGoroutinesMayUseAContract is for the race detector.
func TestSeveralGoroutinesMayUseAContract(t *testing.T) {
	t.Parallel()
	o := shipped(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for _, body := range []string{`{"state":"A"}`, `{"state":1}`, `{"createdOn":"canary"}`} {
				_, _ = o.CheckRequest(sessionPath, "", header("Content-Type", jsonType), []byte(body))
				_, _ = o.CheckResponse(http.StatusOK, header("Content-Type", jsonType), []byte(body))
			}
		})
	}
	all.Wait()
}

// TestGrowth holds each kind of schema that the contract may come to have against good and bad documents.
func TestGrowth(t *testing.T) {
	t.Parallel()
	var rows []struct {
		Name       string
		Schema     json.RawMessage
		Components map[string]json.RawMessage
		Good       []string
		Bad        []struct{ Body, Pointer string }
	}
	if err := json.Unmarshal(readFile(t, "../../api/growth/models.json"), &rows); err != nil || len(rows) == 0 {
		t.Fatal(err)
	}
	for _, row := range rows {
		row.Components[row.Name] = row.Schema
		components, err := json.Marshal(row.Components)
		if err != nil {
			t.Fatal(err)
		}
		o := exchanging(t, `{$ref: "#/components/schemas/`+row.Name+`"}`, "schemas: "+string(components))
		for _, body := range row.Good {
			if got := violations(t, o, body); got != nil {
				t.Errorf("%s: %s: %v", row.Name, body, got)
			}
			if got, ok := o.Decodable(http.StatusOK, header("Content-Type", jsonType), []byte(body)); !ok || string(got) != body {
				t.Errorf("%s: of %s, %s can be decoded: %t", row.Name, body, got, ok)
			}
		}
		for _, bad := range row.Bad {
			got := violations(t, o, bad.Body)
			if len(got) == 0 || bad.Pointer != "*" && got[0].Pointer != bad.Pointer || strings.Contains(got[0].Reason, "secret") {
				t.Errorf("%s: %s: got %v, want %s", row.Name, bad.Body, got, bad.Pointer)
			}
		}
	}
}
