package kodexa

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-json-experiment/json"

	"github.com/kodexa-community/kodexa-go/gen"
	"github.com/kodexa-community/kodexa-go/internal/accept"
)

// compiledSchemas have each keyword that acceptors know, by a name for the tests.
const compiledSchemas = `{
	"string":   {"type": "string"},
	"nullable": {"type": "string", "nullable": true},
	"enum":     {"type": "string", "enum": ["a", "b\\c", ""]},
	"spelled":  {"type": "string", "enum": ["a\\u0062"]},
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
		if accept.Compile(s, stringFormats()) == nil {
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
		if accept.Compile(s, stringFormats()) != nil {
			t.Errorf("%s is compiled", name)
		}
	}
}

func TestASchemaMayContainItself(t *testing.T) {
	t.Parallel()
	list := openapi3.NewObjectSchema().WithProperty("value", openapi3.NewStringSchema())
	list.WithProperty("next", list)
	a := accept.Compile(list, stringFormats())
	if a == nil || !a.Accepts([]byte(`{"value":"a","next":{"value":"b","next":{}}}`)) || a.Accepts([]byte(`{"next":{"next":[]}}`)) {
		t.Error("not followed")
	}
	list.WithProperty("more", openapi3.NewStringSchema().WithPattern("a"))
	if accept.Compile(list, stringFormats()) != nil {
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
		if !session.Accepts(body) {
			t.Errorf("%s is left to kin-openapi", file)
		}
	}
}

// operation returns the acceptor of the request body of an operation of c.
func (c *contract) operation(tb testing.TB, method, path string) *accept.Acceptor {
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
func checkAcceptance(t *testing.T, a *accept.Acceptor, s *openapi3.Schema, body []byte) {
	t.Helper()
	if !a.Accepts(body) {
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
		acceptors[s] = accept.Compile(s, stringFormats())
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
			if a.Accepts(body) {
				var session gen.Session
				if err := json.Unmarshal(body, &session); err != nil {
					t.Fatalf("%q: %v", body, err)
				}
			}
		}
	})
}

// TestWhatAcceptorsAccept has what they say of plain cases, each of which is also held against those that they speak for.
func TestWhatAcceptorsAccept(t *testing.T) {
	t.Parallel()
	schemas := parseSchemas(t, compiledSchemas)
	for _, test := range []struct {
		schema   string
		yes, no  []string
		kinAgain []string // no here, but yes by kin-openapi
	}{
		{schema: "string", yes: []string{`""`, `"a"`, `"\n"`}, no: []string{`1`, `true`, `false`, `null`, `{}`, `[]`, ``}},
		{schema: "nullable", yes: []string{`null`, `"a"`}, no: []string{`nul`, `"a" null`}},
		{schema: "enum", yes: []string{`"a"`, `""`}, no: []string{`"b"`, `"A"`}, kinAgain: []string{`"\u0061"`, `"b\\c"`}},
		{schema: "spelled", no: []string{`"a\u0062"`, `"ab"`}, kinAgain: []string{`"a\\u0062"`}},
		{schema: "moment", yes: []string{`"2023-11-07T05:31:56Z"`, `"2023-11-07T05:31:56.1-23:59"`}, no: []string{`"2023-11-07T5:31:56Z"`, `"2023-11-07T05:31:56,1Z"`, `"2023-11-07T05:31:56+24:00"`, `"2023-11-07T05:31:56+00:60"`, `"2023-02-30T00:00:00Z"`, `"a"`, `1`}, kinAgain: []string{`"2023-11-07T05:31:56\u005a"`}},
		{schema: "uuid", yes: []string{`"550e8400-e29b-41d4-a716-446655440000"`, `null`}, no: []string{`"550e8400-e29b-41d4-a716-44665544000g"`, `"550e8400e29b41d4a716446655440000"`, `"{550e8400-e29b-41d4-a716-446655440000}"`, `"550e8400e29b-41d4-a716-446655440000-"`}},
		{schema: "int32", yes: []string{`0`, `-2147483648`, `2147483647`}, no: []string{`2147483648`, `1.0`, `1e0`, `"1"`, `true`}},
		{schema: "int64", yes: []string{`9223372036854775807`}, no: []string{`9223372036854775808`}},
		{schema: "float", yes: []string{`0.5`, `1`}, no: []string{`1e39`}},
		{schema: "double", yes: []string{`1e39`}, no: []string{`1e400`}},
		{schema: "boolean", yes: []string{`true`, `false`}, no: []string{`0`, `"true"`, `null`, `tru`, `falsee`}},
		{schema: "anything", yes: []string{`1e400`, `"\u0000"`, `[1,[2],{"a":[]}]`, ` [ ] `, "{\n}"}, no: []string{`null`, `[1}`, `{"a":1]`, `[[1}]`, `[1,]`, `[,1]`, `[1 2]`, `{"a":1,}`, `{"a"}`, `{a:1}`, `{"a":1 "b":2}`, `[`, `]`, `{`, `}`, `1 2`}},
		{schema: "array", yes: []string{`[]`, `[1,2]`}, no: []string{`[1,"2"]`, `[null]`, `{}`, `1`}},
		{schema: "list", yes: []string{`[1,"a",{"b":null}]`}, no: []string{`[null]`}},
		{schema: "open", yes: []string{`{}`, `{"a":"x","B":true,"c":[1]}`}, no: []string{`{"a":1}`, `{"A":"x"}`, `{"b":true}`, `{"c":1,"c":2}`, `{"a":"x","a":"x"}`, `[]`, `"a"`}},
		{schema: "silent", yes: []string{`{"a":"x","b":1}`}, no: []string{`{"A":1}`}},
		{schema: "closed", yes: []string{`{}`, `{"a":"x"}`}, no: []string{`{"b":1}`}},
		{schema: "required", yes: []string{`{"a":"x","b":1}`, `{"b":1,"d":null,"c":0,"a":""}`}, no: []string{`{}`, `{"a":"x"}`, `{"b":1}`, `{"a":"x","c":1}`, `{"a":null,"b":1}`}, kinAgain: []string{`{"\u0061":"x","b":1}`}},
		{schema: "typed", yes: []string{`{"x":["2023-11-07T05:31:56Z"],"y":[]}`}, no: []string{`{"x":["a"]}`, `{"x":{}}`}},
		{schema: "empty", yes: []string{`{"x":1,"y":[{}]}`}, no: []string{`{"x":null}`}},
	} {
		s := schemas[test.schema]
		a := accept.Compile(s, stringFormats())
		for want, texts := range map[bool][]string{true: test.yes, false: slices.Concat(test.no, test.kinAgain)} {
			for _, text := range texts {
				if a.Accepts([]byte(text)) != want {
					t.Errorf("%s of %s: want %t", test.schema, text, want)
				}
				checkAcceptance(t, a, s, []byte(text))
			}
		}
		for _, text := range test.kinAgain {
			if value, _, reason := decodeStrictly([]byte(text)); reason != "" || s.VisitJSON(value) != nil {
				t.Errorf("%s of %s is refused by kin-openapi too", test.schema, text)
			}
		}
	}
}

func TestAcceptorsKnowNoMoreMembersThanTheyCanMark(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]bool{64: true, 65: false} {
		s, body := openapi3.NewObjectSchema(), []byte("{")
		for i := range n {
			name := fmt.Sprintf("m%d", i)
			s.WithProperty(name, openapi3.NewBoolSchema())
			s.Required = append(s.Required, name)
			body = fmt.Appendf(body, "%q:true,", name)
		}
		body[len(body)-1] = '}'
		a := accept.Compile(s, nil)
		if (a != nil) != want {
			t.Errorf("%d members are compiled: %t", n, a != nil)
		}
		if a == nil {
			continue
		}
		if !a.Accepts(body) {
			t.Errorf("%d members are refused", n)
		}
		for i := range n { // without each of them, and with it twice
			member := fmt.Appendf(nil, "\"m%d\":true,", i)
			whole := slices.Concat(body[:len(body)-1], []byte(",}"))
			if a.Accepts(bytes.Replace(bytes.Replace(whole, member, nil, 1), []byte(",}"), []byte("}"), 1)) {
				t.Errorf("m%d is not missed", i)
			}
			if a.Accepts(slices.Concat([]byte("{"), member, body[1:])) {
				t.Errorf("m%d is accepted twice", i)
			}
		}
	}
}

func TestFormatsOfKinOpenAPIAreItsOwn(t *testing.T) {
	t.Parallel()
	for format, want := range map[string]bool{"": true, "password": true, "date-time": true, "uuid": true, "byte": false, "date": false} {
		if got := accept.Compile(openapi3.NewStringSchema().WithFormat(format), nil) != nil; got != want {
			t.Errorf("%q is compiled: %t", format, got)
		}
	}
}

func TestManyNamesAreToldApart(t *testing.T) {
	t.Parallel()
	a := accept.Compile(parseSchemas(t, compiledSchemas)["anything"], stringFormats())
	for _, n := range []int{1, 12, 13, 200} {
		object := map[string]any{}
		for i := range n {
			object[string(rune('Ā'+i))] = map[string]int{"x": i, "y": i}
		}
		body, err := json.Marshal(object, json.Deterministic(true))
		if err != nil {
			t.Fatal(err)
		}
		if !a.Accepts(body) {
			t.Errorf("%d names are refused", n)
		}
		for i := range n { // each of them once more, at the end
			again := slices.Concat(body[:len(body)-1], []byte(`,"`+string(rune('Ā'+i))+`":1}`))
			if a.Accepts(again) {
				t.Errorf("%d names: the name %d is not missed", n, i)
			}
		}
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
		if !a.Accepts(body) {
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
