package kodexa

import (
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-json-experiment/json"

	"github.com/kodexa-community/kodexa-go/gen"
)

// compiledSchemas have each keyword that acceptors know, by a name for the tests.
const compiledSchemas = `{
	"string":   {"type": "string"},
	"nullable": {"type": "string", "nullable": true},
	"enum":     {"type": "string", "enum": ["a", "b\\c", ""]},
	"moment":   {"type": "string", "format": "date-time"},
	"uuid":     {"type": "string", "format": "uuid", "nullable": true},
	"password": {"type": "string", "format": "password"},
	"int32":    {"type": "integer", "format": "int32"},
	"int64":    {"type": "integer"},
	"float":    {"type": "number", "format": "float"},
	"double":   {"type": "number"},
	"boolean":  {"type": "boolean"},
	"anything": {},
	"array":    {"type": "array", "items": {"type": "integer", "format": "int32"}},
	"list":     {"type": "array", "items": {}},
	"open":     {"type": "object", "additionalProperties": true, "properties": {"a": {"type": "string"}, "B": {"type": "boolean"}}},
	"silent":   {"type": "object", "properties": {"a": {"type": "string"}}},
	"closed":   {"type": "object", "additionalProperties": false, "properties": {"a": {"type": "string"}}},
	"required": {"type": "object", "required": ["a", "b"], "properties": {"a": {"type": "string"}, "b": {"type": "integer"}, "c": {}}},
	"typed":    {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string", "format": "date-time"}}},
	"empty":    {"type": "object", "additionalProperties": {}}
}`

func parseSchemas(tb testing.TB, text string) map[string]*openapi3.Schema {
	tb.Helper()
	var raw map[string]jsonSchema
	if err := json.Unmarshal([]byte(text), &raw); err != nil {
		tb.Fatal(err)
	}
	schemas := map[string]*openapi3.Schema{}
	for name, s := range raw {
		schemas[name] = &s.Schema
	}
	return schemas
}

// jsonSchema decodes a schema as kin-openapi does.
type jsonSchema struct{ openapi3.Schema }

func (s *jsonSchema) UnmarshalJSON(b []byte) error { return s.Schema.UnmarshalJSON(b) }

func TestAcceptorsKnowTheirKeywords(t *testing.T) {
	t.Parallel()
	for name, s := range parseSchemas(t, compiledSchemas) {
		if compile(s, stringFormats()) == nil {
			t.Errorf("%s is not compiled", name)
		}
	}
}

func TestAnUnknownKeywordLeavesTheSchemaToKinOpenAPI(t *testing.T) {
	t.Parallel()
	for name, s := range parseSchemas(t, `{
		"minLength":     {"type": "string", "minLength": 1},
		"maxLength":     {"type": "string", "maxLength": 1},
		"pattern":       {"type": "string", "pattern": "a"},
		"byte":          {"type": "string", "format": "byte"},
		"date":          {"type": "string", "format": "date"},
		"minimum":       {"type": "integer", "minimum": 0},
		"maximum":       {"type": "number", "maximum": 0},
		"multipleOf":    {"type": "number", "multipleOf": 2},
		"minItems":      {"type": "array", "items": {}, "minItems": 1},
		"uniqueItems":   {"type": "array", "items": {}, "uniqueItems": true},
		"minProperties": {"type": "object", "minProperties": 1},
		"maxProperties": {"type": "object", "maxProperties": 1},
		"oneOf":         {"oneOf": [{"type": "string"}]},
		"anyOf":         {"anyOf": [{"type": "string"}]},
		"allOf":         {"allOf": [{"type": "string"}]},
		"not":           {"not": {"type": "string"}},
		"no type":       {"properties": {"a": {"type": "string"}}},
		"readOnly":      {"type": "object", "properties": {"a": {"type": "string", "readOnly": true}}},
		"writeOnly":     {"type": "object", "properties": {"a": {"type": "string", "writeOnly": true}}},
		"enum of 1":     {"type": "integer", "enum": [1]},
		"unnamed":       {"type": "object", "required": ["a"]},
		"deep":          {"type": "object", "properties": {"a": {"type": "array", "items": {"type": "string", "pattern": "a"}}}},
		"additional":    {"type": "object", "additionalProperties": {"type": "string", "pattern": "a"}}
	}`) {
		if compile(s, stringFormats()) != nil {
			t.Errorf("%s is compiled", name)
		}
	}
}

func TestASchemaMayContainItself(t *testing.T) {
	t.Parallel()
	list := openapi3.NewObjectSchema().WithProperty("value", openapi3.NewStringSchema())
	list.WithProperty("next", list)
	a := compile(list, stringFormats())
	if a == nil || !a.accepts([]byte(`{"value":"a","next":{"value":"b","next":{}}}`)) || a.accepts([]byte(`{"next":{"next":[]}}`)) {
		t.Error("not followed")
	}
	list.WithProperty("more", openapi3.NewStringSchema().WithPattern("a"))
	if compile(list, stringFormats()) != nil {
		t.Error("compiled in part")
	}
}

// TestExamplesAreAccepted shows that good bodies go the fast way.
func TestExamplesAreAccepted(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("api/examples/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	c, err := shippedContract()
	if err != nil {
		t.Fatal(err)
	}
	session := c.operation(t, http.MethodPut, "/api/sessions/{id}")
	for _, file := range files {
		body, err := os.ReadFile(file) //nolint:gosec // the pattern is above
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Base(file) == "text.json" {
			continue // a name with an escape is left to kin-openapi
		}
		if !session.accepts(body) {
			t.Errorf("%s is left to kin-openapi", file)
		}
	}
}

// operation returns the acceptor of the request body of an operation of c.
func (c *contract) operation(tb testing.TB, method, path string) *acceptor {
	tb.Helper()
	req, err := http.NewRequest(method, path, http.NoBody)
	if err != nil {
		tb.Fatal(err)
	}
	route, _, err := c.operations.FindRoute(req)
	if err != nil {
		tb.Fatal(err)
	}
	return c.acceptors[route.Operation.RequestBody.Value.Content.Get("application/json").Schema.Value]
}

// checkAcceptance fails if a accepts body and any of those that it speaks for does not.
func checkAcceptance(t *testing.T, a *acceptor, s *openapi3.Schema, body []byte) {
	t.Helper()
	if !a.accepts(body) {
		return
	}
	value, pointer, reason := decodeStrictly(body)
	if reason != "" {
		t.Fatalf("%q: at %q: %s", body, pointer, reason)
	}
	formats := openapi3.WithStringFormatValidators(stringFormats())
	for _, as := range []openapi3.SchemaValidationOption{openapi3.VisitAsRequest(), openapi3.VisitAsResponse()} {
		if err := s.VisitJSON(value, as, formats); err != nil {
			t.Fatalf("%q: %v", body, err)
		}
	}
	broken := &ContractError{}
	if checkForGo(broken, s, value, ""); len(broken.Violations) > 0 {
		t.Fatalf("%q: %v", body, broken.Violations)
	}
}

// FuzzAcceptor holds the acceptors to rule 7: they accept only what kin-openapi and Go's decoders accept.
func FuzzAcceptor(f *testing.F) {
	c, err := shippedContract()
	if err != nil {
		f.Fatal(err)
	}
	acceptors := maps.Clone(c.acceptors)
	for _, s := range parseSchemas(f, compiledSchemas) {
		acceptors[s] = compile(s, stringFormats())
	}
	for _, pattern := range []string{"api/examples/*.json", "api/violations/*.json"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			content, err := os.ReadFile(file) //nolint:gosec // the pattern is above
			if err != nil {
				f.Fatal(err)
			}
			f.Add(content)
			var rows []struct{ Body string }
			if json.Unmarshal(content, &rows) == nil {
				for _, row := range rows {
					f.Add([]byte(row.Body))
				}
			}
		}
	}
	for _, body := range []string{
		`"a"`, `"b\\c"`, `null`, `0`, `-0`, `1e3`, `1.0`, `2147483648`, `9223372036854775808`, `1e39`, `1e400`, `true`, `[1,null]`, `{"a":"x","b":1}`,
		`{"A":"x"}`, `{"a":1,"a":2}`, `{"x":{"y":1,"y":2}}`, `{"a\u0061":1}`, `"2023-11-07T05:31:56.1+23:59"`, `"2023-11-07T5:31:56Z"`,
		`"550e8400-e29b-41d4-a716-446655440000"`, `"urn:uuid:550e8400-e29b-41d4-a716-446655440000"`, ` [ ] `, "\ufeff{}", "\"\xff\"", `"\ud800"`, `{} {}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for s, a := range acceptors {
			checkAcceptance(t, a, s, body)
		}
		for _, a := range c.acceptors {
			if a.accepts(body) {
				var session gen.Session
				if err := json.Unmarshal(body, &session); err != nil {
					t.Fatalf("%q: %v", body, err)
				}
			}
		}
	})
}

func TestManyNamesAreToldApart(t *testing.T) {
	t.Parallel()
	a := compile(parseSchemas(t, compiledSchemas)["anything"], stringFormats())
	for _, n := range []int{1, 12, 13, 200} {
		object := map[string]any{}
		for i := range n {
			object[string(rune('Ā'+i))] = map[string]int{"x": i, "y": i}
		}
		body, err := json.Marshal(object, json.Deterministic(true))
		if err != nil {
			t.Fatal(err)
		}
		if !a.accepts(body) {
			t.Errorf("%d names are refused", n)
		}
		for i := range n { // each of them once more, at the end
			again := slices.Concat(body[:len(body)-1], []byte(`,"`+string(rune('Ā'+i))+`":1}`))
			if a.accepts(again) {
				t.Errorf("%d names: the name %d is not missed", n, i)
			}
		}
	}
}

// TestHeadsAcceptWhatKinOpenAPIAccepts compares the two for operations that heads know and for some that they don't.
func TestHeadsAcceptWhatKinOpenAPIAccepts(t *testing.T) {
	t.Parallel()
	const parameter = `parameters: [{name: id, in: path, required: true, schema: {type: string, format: uuid}}]`
	for _, test := range []struct {
		name, operation, value string
		known, accepted        bool
	}{
		{"a UUID", parameter, "550e8400-e29b-41d4-a716-446655440000", true, true},
		{"a UUID without dashes", parameter, "550e8400e29b41d4a716446655440000", true, false},
		{"another text", parameter, `a"b`, true, false},
		{"no format", strings.Replace(parameter, ", format: uuid", "", 1), "a.b~c", true, true},
		{"an integer", strings.Replace(parameter, "string, format: uuid", "integer", 1), "1", false, true},
		{"a pattern", strings.Replace(parameter, "format: uuid", "pattern: a", 1), "b", false, false},
		{"another style", strings.Replace(parameter, "in: path", "in: path, style: label", 1), ".a", false, false},
		{"a query besides", strings.Replace(parameter, "}]", "}, {name: q, in: query, required: true, schema: {type: string}}]", 1), "x", false, false},
		{"no security", parameter + "\n      security: []", "550e8400-e29b-41d4-a716-446655440000", true, true},
		{"another security", parameter + "\n      security: [{basic: []}]", "550e8400-e29b-41d4-a716-446655440000", false, false},
		{"either security", parameter + "\n      security: [{basic: []}, {key: []}]", "550e8400-e29b-41d4-a716-446655440000", false, true},
	} {
		c, err := parseContract([]byte(`openapi: 3.0.3
info: {title: test, version: "1"}
security: [{key: []}]
paths:
  /things/{id}:
    delete:
      ` + test.operation + `
      responses: {"204": {description: gone}}
components:
  securitySchemes:
    key: {type: apiKey, in: header, name: x-api-key}
    basic: {type: http, scheme: basic}
`))
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		base := &url.URL{Scheme: "https", Host: "example.com"}
		req := &http.Request{Method: http.MethodDelete, URL: &url.URL{Scheme: base.Scheme, Host: base.Host, Path: "/things/" + test.value}, Header: http.Header{"X-Api-Key": {"key"}}}
		for _, s := range c.shortcuts[http.MethodDelete] {
			if (s.head != nil) != test.known {
				t.Errorf("%s: known is %t", test.name, s.head != nil)
			}
			quick := c.shortcut(req.Method, req.URL.Path) == s && s.acceptsRequest(req.URL.Path, req.Header, nil)
			_, broken := c.checkRequest(req, exchangeOf(req), nil, base)
			if accepted := len(broken.Violations) == 0; accepted != test.accepted || quick && !accepted || s.head != nil && quick != accepted {
				t.Errorf("%s: quickly %t, by kin-openapi %t: %v", test.name, quick, accepted, broken.Violations)
			}
			if s.head != nil && len(s.head.keys) > 0 && s.acceptsRequest(req.URL.Path, http.Header{}, nil) {
				t.Errorf("%s: accepted without the key", test.name)
			}
		}
	}
}

// TestShortcutsFollowKinOpenAPI has paths that look alike: a shortcut is that of the operation which kin-openapi finds.
func TestShortcutsFollowKinOpenAPI(t *testing.T) {
	t.Parallel()
	operation := func(parameters string) string {
		return "\n    get:\n      " + parameters + "\n      responses: {\"200\": {description: found}}"
	}
	const id = `parameters: [{name: id, in: path, required: true, schema: {type: string}}]`
	for _, test := range []struct {
		name  string
		paths map[string]string
		found map[string]string // path of a request to path of a shortcut; "" is none
	}{
		{
			"a text and a parameter", map[string]string{"/things": "", "/things/{id}": id, "/things/{id}/parts": id},
			map[string]string{
				"/things": "/things", "/things/a": "/things/{id}", "/things/a/parts": "/things/{id}/parts", "/things/a b~": "/things/{id}",
				"/things/": "", "/things/a/": "", "/things/a/other": "", "/things//parts": "", "things": "", "": "", "/": "", "//": "", "/other/a": "",
			},
		},
		{
			"a parameter that may be the text", map[string]string{"/things/{id}": id, "/things/latest": ""},
			map[string]string{"/things/a": "/things/{id}", "/things/latest": ""},
		},
		{
			"a parameter that is a part of a segment", map[string]string{"/things/{id}": id, "/files/{id}.json": id},
			map[string]string{"/things/a": "", "/files/a.json": ""},
		},
		{
			"two parameters", map[string]string{"/{kind}/{id}": strings.Replace(id, "}]", "}, {name: kind, in: path, required: true, schema: {type: string, enum: [a, b]}}]", 1)},
			map[string]string{"/a/x": "/{kind}/{id}", "/c/x": "", "/a/": "", "//x": ""},
		},
	} {
		doc := "openapi: 3.0.3\ninfo: {title: test, version: \"1\"}\npaths:"
		for path, parameters := range test.paths {
			doc += "\n  " + path + ":" + operation(parameters)
		}
		c, err := parseContract([]byte(doc))
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		for path, want := range test.found {
			got := ""
			if s := c.shortcut(http.MethodGet, path); s != nil && s.acceptsRequest(path, http.Header{}, nil) {
				got = s.route.Path
				route, _, err := c.operations.FindRoute(&http.Request{Method: http.MethodGet, URL: &url.URL{Path: path}})
				if err != nil || route.Operation != s.route.Operation {
					t.Errorf("%s: %s is for %v, %v", test.name, path, route, err)
				}
			}
			if got != want {
				t.Errorf("%s: %s is for %q, want %q", test.name, path, got, want)
			}
			if s := c.shortcut(http.MethodPut, path); s != nil {
				t.Errorf("%s: another method is for %q", test.name, s.route.Path)
			}
		}
	}
}

// TestMessagesThatAShortcutLeavesToKinOpenAPI are not plainly good.
func TestMessagesThatAShortcutLeavesToKinOpenAPI(t *testing.T) {
	t.Parallel()
	c, err := shippedContract()
	if err != nil {
		t.Fatal(err)
	}
	const path, body = "/api/sessions/550e8400-e29b-41d4-a716-446655440000", `{"state":"OPEN"}`
	s := c.shortcut(http.MethodPut, path)
	good := http.Header{"Content-Type": {"application/json"}, "X-Api-Key": {"key"}}
	if s == nil || !s.acceptsRequest(path, good, []byte(body)) || !s.acceptsRequest(path, good, nil) || !s.acceptsResponse(http.StatusOK, good, []byte(body)) {
		t.Fatal("a good message is not accepted")
	}
	for name, header := range map[string]http.Header{
		"no media type":      {"X-Api-Key": {"key"}},
		"a parameter":        {"Content-Type": {"application/json; charset=utf-8"}, "X-Api-Key": {"key"}},
		"another case":       {"Content-Type": {"Application/JSON"}, "X-Api-Key": {"key"}},
		"two media types":    {"Content-Type": {"application/json", "text/html"}, "X-Api-Key": {"key"}},
		"another media type": {"Content-Type": {"text/html"}, "X-Api-Key": {"key"}},
	} {
		if s.acceptsRequest(path, header, []byte(body)) || s.acceptsResponse(http.StatusOK, header, []byte(body)) {
			t.Errorf("%s is accepted", name)
		}
	}
	for _, status := range []int{http.StatusCreated, http.StatusNoContent, http.StatusBadRequest} {
		if s.acceptsResponse(status, good, []byte(body)) {
			t.Errorf("status %d is accepted", status)
		}
	}
	deep := `{"x":` + strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth) + `}`
	for _, body := range []string{
		`{"state":null}`, `null`, `{`, `{"state":"OPEN"} {}`, `{"state":"OPEN",}`, `{,}`, `{"a" "b"}`, `{"a":}`, `{"a":[1,]}`, `{"a":[1 2]}`, `{"a":[,1]}`, `{"a":{"b":1]}`,
		"\ufeff{}", "{}\x00", "{\"a\":\"\xff\"}", `{"a":tru}`, `{"a":nulls}`, `{"a":01}`, `{"a":"\x"}`, `{"a":1,"a":2}`, `{"State":"OPEN"}`, deep,
	} {
		if s.acceptsRequest(path, good, []byte(body)) || s.acceptsResponse(http.StatusOK, good, []byte(body)) {
			t.Errorf("%.99s is accepted", body)
		}
	}
	if s.acceptsRequest(path, http.Header{"Content-Type": {"application/json"}}, []byte(body)) || s.acceptsResponse(http.StatusOK, good, nil) {
		t.Error("a request without its key, or an empty answer, is accepted")
	}
}

func TestShortcutsKnowNoAnswerWithAHeaderOfItsOwn(t *testing.T) {
	t.Parallel()
	c, err := parseContract([]byte(`openapi: 3.0.3
info: {title: test, version: "1"}
paths:
  /things:
    head:
      responses: {"200": {description: found, content: {application/json: {schema: {type: object}}}}}
    get:
      responses:
        "200": {description: found, headers: {X-Total: {required: true, schema: {type: integer}}}, content: {application/json: {schema: {type: object}}}}
        "201": {description: made, content: {application/json: {schema: {type: object, minProperties: 1}}}}
        "202": {description: taken, content: {text/plain: {schema: {type: string}}}}
        "203": {description: copied, content: {application/json: {schema: {type: object}}}}
        default: {description: other, content: {application/json: {schema: {type: object}}}}
`))
	if err != nil {
		t.Fatal(err)
	}
	header := http.Header{"Content-Type": {"application/json"}}
	for status, want := range map[int]bool{200: false, 201: false, 202: false, 203: true, 204: false} {
		if got := c.shortcut(http.MethodGet, "/things").acceptsResponse(status, header, []byte(`{}`)); got != want {
			t.Errorf("status %d: accepted is %t", status, got)
		}
	}
	if c.shortcut(http.MethodHead, "/things").acceptsResponse(200, header, []byte(`{}`)) {
		t.Error("an answer to HEAD is accepted")
	}
}

// BenchmarkValidation compares what is done to a body of a session, and reports how much longer kin-openapi takes.
func BenchmarkValidation(b *testing.B) {
	body, err := os.ReadFile("api/examples/realistic.json")
	if err != nil {
		b.Fatal(err)
	}
	c, err := shippedContract()
	if err != nil {
		b.Fatal(err)
	}
	a := c.operation(b, http.MethodPut, "/api/sessions/{id}")
	var schema *openapi3.Schema
	for schema = range c.acceptors {
		if c.acceptors[schema] == a {
			break
		}
	}
	var quick, slow time.Duration
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		start := time.Now()
		if !a.accepts(body) {
			b.Fatal("not accepted")
		}
		middle := time.Now()
		value, _, reason := decodeStrictly(body)
		if reason != "" || schema.VisitJSON(value) != nil {
			b.Fatal("refused")
		}
		quick, slow = quick+middle.Sub(start), slow+time.Since(middle)
	}
	b.ReportMetric(float64(slow)/float64(quick), "kin-openapi÷acceptor")
	b.ReportMetric(float64(quick.Nanoseconds())/float64(b.N), "acceptor-ns/op")
}
