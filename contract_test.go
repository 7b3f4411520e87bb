package kodexa

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// documented is what the page "Update Session" says of each member, in the page's notation. Its example body gives the
// types below organization.
var documented = map[string]string{
	"Session.changeSequence": "integer<int32>",
	"Session.createdOn":      "string<date-time>",
	"Session.id":             "string",
	"Session.organization":   "Organization",
	"Session.organizationId": "string | null",
	"Session.state":          "string",
	"Session.token":          "string",
	"Session.updatedOn":      "string<date-time>",
	"Session.uuid":           "string",

	"Organization.authGroupLink":             "AuthGroupLink",
	"Organization.changeSequence":            "integer<int32>",
	"Organization.createdOn":                 "string<date-time>",
	"Organization.defaultToPrivateTemplates": "boolean",
	"Organization.description":               "string",
	"Organization.enterpriseOrganization":    "boolean",
	"Organization.features":                  "object",
	"Organization.hasImage":                  "boolean",
	"Organization.id":                        "string",
	"Organization.memory":                    "OrganizationMemory",
	"Organization.name":                      "string",
	"Organization.organizationStatus":        "string",
	"Organization.properties":                "object",
	"Organization.publicAccess":              "boolean",
	"Organization.searchText":                "string",
	"Organization.slug":                      "string",
	"Organization.stripeCustomerId":          "string",
	"Organization.supportAccess":             "boolean",
	"Organization.supportAccessExpiresAt":    "string<date-time>",
	"Organization.updatedOn":                 "string<date-time>",
	"Organization.uuid":                      "string",

	"AuthGroupLink.authGroup": "string",

	"OrganizationMemory.orderedDashboards": "string[]",
}

func TestContractHasTheMembersOfThePageAndNoOther(t *testing.T) {
	t.Parallel()
	found := map[string]string{}
	for name, schema := range loadSpec(t).Components.Schemas {
		if notation(schema) != "object" {
			t.Errorf("%s is %s", name, notation(schema))
		}
		for member, ref := range schema.Value.Properties {
			found[name+"."+member] = notation(ref)
		}
	}
	if !maps.Equal(found, documented) {
		t.Errorf("got %v, want %v", found, documented)
	}
}

func notation(s *openapi3.SchemaRef) string {
	text := strings.TrimPrefix(s.Ref, "#/components/schemas/")
	if text == "" {
		text = strings.Join(s.Value.Type.Slice(), " | ")
	}
	if s.Value.Format != "" {
		text += "<" + s.Value.Format + ">"
	}
	if s.Value.Items != nil {
		text = notation(s.Value.Items) + "[]"
	}
	if s.Value.Nullable {
		text += " | null"
	}
	return text
}

func TestContractHasTheOperationOfThePageAndNoOther(t *testing.T) {
	t.Parallel()
	doc := loadSpec(t)
	if err := doc.Validate(t.Context()); err != nil {
		t.Error(err)
	}
	paths := slices.Collect(maps.Keys(doc.Paths.Map()))
	if !slices.Equal(paths, []string{"/api/sessions/{id}"}) {
		t.Fatalf("paths %q", paths)
	}
	item := doc.Paths.Value(paths[0])
	op := item.Put
	if len(item.Operations()) != 1 || op == nil || op.OperationID != "updateSession" {
		t.Fatalf("operations %v", item.Operations())
	}
	if len(item.Parameters) != 0 || len(op.Parameters) != 1 {
		t.Fatalf("parameters %v, %v", item.Parameters, op.Parameters)
	}
	id := op.Parameters[0].Value
	if id.In != "path" || id.Name != "id" || !id.Required || notation(id.Schema) != "string<uuid>" {
		t.Errorf("parameter %s %s %v %s", id.In, id.Name, id.Required, notation(id.Schema))
	}
	if statuses := slices.Collect(maps.Keys(op.Responses.Map())); !slices.Equal(statuses, []string{"200"}) {
		t.Fatalf("responses %q", statuses)
	}
	answer := op.Responses.Value("200").Value
	for where, content := range map[string]openapi3.Content{"request": op.RequestBody.Value.Content, "response": answer.Content} {
		if len(content) != 1 || notation(content["application/json"].Schema) != "Session" {
			t.Errorf("%s: %v", where, content)
		}
	}
	if op.RequestBody.Value.Required || len(answer.Headers) != 0 || len(answer.Links) != 0 {
		t.Error("the page neither requires a body nor names headers or links")
	}
}

func TestContractHasTheSecurityAndServerOfThePage(t *testing.T) {
	t.Parallel()
	doc := loadSpec(t)
	scheme := doc.Components.SecuritySchemes["apiKey"]
	if len(doc.Components.SecuritySchemes) != 1 || scheme == nil {
		t.Fatalf("schemes %v", doc.Components.SecuritySchemes)
	}
	if scheme.Value.Type != "apiKey" || scheme.Value.In != "header" || scheme.Value.Name != "x-api-key" {
		t.Errorf("scheme %s in %s named %s", scheme.Value.Type, scheme.Value.In, scheme.Value.Name)
	}
	if len(doc.Security) != 1 || len(doc.Security[0]) != 1 || doc.Security[0]["apiKey"] == nil || doc.Paths.Value("/api/sessions/{id}").Put.Security != nil {
		t.Errorf("security %v", doc.Security)
	}
	if doc.OpenAPI != "3.0.3" || len(doc.Servers) != 1 || doc.Servers[0].URL != "https://platform.kodexa.ai" {
		t.Errorf("OpenAPI %s, servers %v", doc.OpenAPI, doc.Servers)
	}
}

func TestContractConstrainsNothingBeyondThePage(t *testing.T) {
	t.Parallel()
	data, err := loadSpec(t).MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	permitted := []string{"$ref", "additionalProperties", "description", "format", "items", "nullable", "properties", "type"}
	var walk func(pointer string, value any, isSchema, isNames bool)
	walk = func(pointer string, value any, isSchema, isNames bool) {
		object, ok := value.(map[string]any)
		if list, isList := value.([]any); isList {
			for i, item := range list {
				walk(fmt.Sprintf("%s/%d", pointer, i), item, isSchema, false)
			}
		}
		if !ok {
			return
		}
		for name, value := range object {
			at := pointer + "/" + name
			if strings.HasPrefix(name, "x-") {
				t.Errorf("%s is an extension", at)
			}
			if isSchema && !isNames && !slices.Contains(permitted, name) {
				t.Errorf("%s is a keyword that the page does not ask for", at)
			}
			if isSchema && !isNames && name == "additionalProperties" && value != true {
				t.Errorf("%s is %v", at, value)
			}
			entersSchema := name == "schema" || name == "schemas"
			walk(at, value, isSchema || entersSchema, name == "schemas" || isSchema && !isNames && name == "properties")
		}
	}
	walk("", doc, false, false)
}

func TestContractDescribesEverything(t *testing.T) {
	t.Parallel()
	doc := loadSpec(t)
	op := doc.Paths.Value("/api/sessions/{id}").Put
	texts := map[string]string{
		"info":            doc.Info.Description,
		"server":          doc.Servers[0].Description,
		"summary":         op.Summary,
		"operation":       op.Description,
		"parameter":       op.Parameters[0].Value.Description,
		"request body":    op.RequestBody.Value.Description,
		"response":        *op.Responses.Value("200").Value.Description,
		"security scheme": doc.Components.SecuritySchemes["apiKey"].Value.Description,
	}
	for name, schema := range doc.Components.Schemas {
		texts[name] = schema.Value.Description
		for member, ref := range schema.Value.Properties {
			texts[name+"."+member] = ref.Value.Description
		}
	}
	for name, text := range texts {
		if strings.TrimSpace(text) == "" {
			t.Errorf("%s has no description", name)
		}
	}
}

func TestSpecIsACopyOfTheFile(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	clear(Spec())
	if !bytes.Equal(Spec(), file) {
		t.Error("Spec is not what openapi.yaml holds")
	}
}

func TestParseContractRefusesWhatItCannotKeep(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ spec, want string }{
		"OpenAPI 3.1":     {strings.Replace(string(Spec()), "openapi: 3.0.3", "openapi: 3.1.0", 1), "OpenAPI 3.1.0"},
		"OpenAPI 3.2":     {strings.Replace(string(Spec()), "openapi: 3.0.3", "openapi: 3.2.0", 1), "OpenAPI 3.2.0"},
		"not YAML":        {"\t{", "contract: "},
		"a broken $ref":   {strings.Replace(string(Spec()), "schemas/Organization\"", "schemas/Nowhere\"", 1), "contract: "},
		"no paths":        {"openapi: 3.0.3\ninfo: {title: t, version: v}\n", "contract: "},
		"an unknown type": {strings.Replace(string(Spec()), "type: boolean", "type: bool", 1), "contract: "},
		"a repeated path": {strings.Replace(string(Spec()), "paths:\n", "paths:\n  /api/sessions/{other}: {}\n", 1), "contract: "},
	} {
		if _, err := parseContract([]byte(tt.spec)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
}

func TestStringFormats(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ reason, accepted, refused string }{
		"uuid": {
			reason: "value must be a UUID with dashes",
			accepted: `550e8400-e29b-41d4-a716-446655440000 550E8400-E29B-41D4-A716-446655440000 00000000-0000-0000-0000-000000000000
				ffffffff-ffff-ffff-ffff-ffffffffffff 01890a5d-ac96-774b-bcce-b302099a8057`,
			refused: `550e8400e29b41d4a716446655440000 {550e8400-e29b-41d4-a716-446655440000} urn:uuid:550e8400-e29b-41d4-a716-446655440000
				550e8400-e29b-41d4-a716-44665544000 550e8400-e29b-41d4-a716-4466554400000 550e8400-e29b-41d4-a716-44665544000g
				550e8400_e29b_41d4_a716_446655440000 550e84-00e29b-41d4-a716-446655440000 canary`,
		},
		"date": {
			reason:   "value must be a date, such as 2023-11-07",
			accepted: `2023-11-07 2024-02-29 2000-02-29 0001-01-01 9999-12-31`,
			refused: `2023-02-29 1900-02-29 2024-02-30 2024-13-01 2024-00-01 2024-01-00 24-01-01 2024-1-1 20240101 01.01.2024
				2024-01-01T00:00:00Z 12024-01-01 -2024-01-01 canary`,
		},
		"byte": {
			reason:   "value must be base64",
			accepted: `Zg== Zm8= Zm9v Zm9vYg== +/+/ AAAA`,
			refused:  `Zg Zg= Zg=== Zh== Zm9 Z Zm9v= -_-_ Zm9v! =Zm9v Zm=v canary!`,
		},
		"date-time": {
			reason:   "value must be a date-time, such as 2023-11-07T05:31:56Z",
			accepted: `2023-11-07T05:31:56Z 2023-11-07T05:31:56.123456789-23:59 2024-02-29T00:00:00+00:00`,
			refused:  `2024-02-30T10:20:30Z 2016-12-31T23:59:60Z 2024-03-15T10:20:30-99:99 2024-03-15T10:20:30 2024-03-15t10:20:30z`,
		},
	}
	for format, tt := range tests {
		c := putThing(t, "{type: string, format: "+format+"}")
		for text := range strings.FieldsSeq(tt.accepted) {
			if got := c.refuse(t, fmt.Sprintf("%q", text)); got != nil {
				t.Errorf("%s: %s: got %+v", format, text, got)
			}
		}
		want := []Violation{{"", fmt.Sprintf("string doesn't match the format %q (%s)", format, tt.reason)}}
		for _, text := range append(strings.Fields(tt.refused), " ", "Zg==\n") {
			if got := c.refuse(t, fmt.Sprintf("%q", text)); !slices.Equal(got, want) {
				t.Errorf("%s: %q: got %+v, want %+v", format, text, got, want)
			}
		}
	}
}

// The page has few constraints. Whatever others the contract will carry hold as well, and name their place.
func TestConstraintsOfALaterContractHold(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ schema, good, bad, pointer, reason string }{
		{"{required: [a], type: object}", `{"a":1}`, `{}`, "/a", `property "a" is missing`},
		{"{required: [b], type: object, properties: {a: {}, b: {}}}", `{"b":1}`, `{"a":1}`, "/b", `property "b" is missing`},
		{"{additionalProperties: false, type: object}", `{}`, `{"a":"canary"}`, "", `property "a" is unsupported`},
		{"{additionalProperties: {type: integer}, type: object}", `{"a":1}`, `{"a":1.0}`, "/a", "value must be written as an integer of 64 bits"},
		{"{minProperties: 1, type: object}", `{"a":1}`, `{}`, "", "there must be at least 1 properties"},
		{"{type: string, enum: [a, b]}", `"a"`, `"canary"`, "", `value is not one of the allowed values ["a","b"]`},
		{"{type: integer, enum: [1, 2]}", `1`, `8675309`, "", `value is not one of the allowed values [1,2]`},
		{"{type: string, pattern: ^a+$}", `"aa"`, `"canary"`, "", `string doesn't match the regular expression "^a+$"`},
		{"{type: string, minLength: 2}", `"aa"`, `"a"`, "", "minimum string length is 2"},
		{"{type: string, maxLength: 2}", `"aa"`, `"canary"`, "", "maximum string length is 2"},
		{"{type: integer, minimum: 5}", `5`, `4`, "", "number must be at least 5"},
		{"{type: number, maximum: 5}", `5e0`, `8675309`, "", "number must be at most 5"},
		{"{type: integer, multipleOf: 5}", `5`, `8675309`, "", "number must be a multiple of 5"},
		{"{type: integer}", `9007199254740993`, `9223372036854775808`, "", "value must be written as an integer of 64 bits"},
		{"{type: integer, format: int64}", `-9223372036854775808`, `9223372036854775808`, "", "value must be written as an integer of 64 bits"},
		{"{type: number}", `1e308`, `8e999`, "", "cannot convert json.Number to float64"},
		{"{type: number, format: float}", `1e38`, `8e38`, "", "value exceeds a floating-point number of 32 bits"},
		{"{type: array, items: {type: string}, minItems: 1}", `[""]`, `[]`, "", "minimum number of items is 1"},
		{"{type: array, items: {type: string}, uniqueItems: true}", `["a","b"]`, `["canary","canary"]`, "", "duplicate items found"},
		{"{type: array, items: {type: array, items: {type: integer}}}", `[[1]]`, `[[1],[1,1e0]]`, "/1/1", "value must be written as an integer of 64 bits"},
		{"{allOf: [{type: object, properties: {a: {type: string}}}]}", `{"a":""}`, `{"a":8675309}`, "/a", "value must be a string"},
		{"{allOf: [{type: object, properties: {a: {type: integer}}}]}", `{"a":1}`, `{"a":1.0}`, "/a", "value must be written as an integer of 64 bits"},
		{"{allOf: [{type: object, properties: {a: {type: integer}}}]}", `{"a":1}`, `{"A":1}`, "/A", `the contract spells this member "a"`},
		{"{oneOf: [{type: string}, {type: boolean}]}", `true`, `8675309`, "", `value doesn't match any schema from "oneOf"`},
		{"{anyOf: [{type: string}, {type: boolean}]}", `""`, `8675309`, "", `doesn't match any schema from "anyOf"`},
		{"{not: {type: string}}", `1`, `"canary"`, "", `the value does not match "not" of its schema`},
		{"{type: object, properties: {a/b~c: {type: string}}}", `{"a/b~c":""}`, `{"a/b~c":8675309}`, "/a~1b~0c", "value must be a string"},
		{"{type: object, properties: {a: {type: string, nullable: true, enum: [x, null]}}}", `{"a":null}`, `{"a":"canary"}`, "/a",
			`value is not one of the allowed values ["x",null]`},
	} {
		c := putThing(t, tt.schema)
		if got := c.refuse(t, tt.good); got != nil {
			t.Errorf("%s: %s: got %+v", tt.schema, tt.good, got)
		}
		if got, want := c.refuse(t, tt.bad), []Violation{{tt.pointer, tt.reason}}; !slices.Equal(got, want) {
			t.Errorf("%s: %s: got %+v, want %+v", tt.schema, tt.bad, got, want)
		}
	}
}

func TestRequestsOfALaterContractAreChecked(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ operation, target, body, want string }{
		"no body":             {"", "/thing", "{}", "the operation takes no body"},
		"required body":       {"requestBody: {required: true, content: {application/json: {}}}", "/thing", "", "Content-Type must be application/json"},
		"required parameter":  {"parameters: [{in: query, name: q, required: true, schema: {type: string}}]", "/thing", "", `parameter "q" in query: value is required but missing`},
		"parameter's type":    {"parameters: [{in: query, name: q, schema: {type: integer}}]", "/thing?q=canary", "", `parameter "q" in query: value can't be parsed`},
		"parameter's bounds":  {"parameters: [{in: query, name: q, schema: {type: integer, maximum: 5}}]", "/thing?q=8675309", "", `parameter "q" in query: number must be at most 5`},
		"unknown requirement": {"security: [{basic: []}]", "/thing", "", `security requirements failed: security scheme "basic" is not an API key in a header`},
		"no requirement":      {"security: []", "/thing", "", ""},
	} {
		c := thingContract(t, tt.operation)
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPut, tt.target, nil)
		_, broken := c.checkRequest(req, exchangeOf(req), []byte(tt.body), &url.URL{Host: req.URL.Host, Scheme: req.URL.Scheme})
		var got string
		for _, v := range broken.Violations {
			got += v.Pointer + v.Reason
		}
		if got != tt.want {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
}

const thingSpec = `
openapi: 3.0.3
info: {title: Things, version: "1"}
components: {securitySchemes: {basic: {type: http, scheme: basic}}}
paths:
  /thing:
    put: {responses: {"200": {description: ok}}}
`

// thing is a contract with one operation, whose request body has a schema.
type thing struct{ *contract }

func putThing(t *testing.T, schema string) thing {
	t.Helper()
	return thing{thingContract(t, "requestBody: {content: {application/json: {schema: "+schema+"}}}")}
}

// thingContract returns a contract whose operation has the given fields, in YAML, besides its response.
func thingContract(t *testing.T, fields string) *contract {
	t.Helper()
	if fields != "" {
		fields += ", "
	}
	c, err := parseContract([]byte(strings.Replace(thingSpec, "put: {", "put: {"+fields, 1)))
	if err != nil {
		t.Fatalf("%s: %v", fields, err)
	}
	return c
}

func (c thing) refuse(t *testing.T, body string) []Violation {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPut, "/thing", nil)
	req.Header.Set("Content-Type", "application/json")
	_, broken := c.checkRequest(req, exchangeOf(req), []byte(body), &url.URL{Host: req.URL.Host, Scheme: req.URL.Scheme})
	return broken.Violations
}

func loadSpec(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(Spec())
	if err != nil {
		t.Fatal(err)
	}
	return doc
}
