package kodexa

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// page is what a documented page says of its operation. A page names one response.
type page struct {
	title       string
	method      string
	path        string
	operationID string
	parameters  map[string]string // by name, in the page's notation; those of the query begin with "?", as "?page" does
	request     string            // the schema of its body; "" if it has none
	isRequired  bool              // the body
	status      string            // of the answer; "" is 200
	response    string            // the schema of the answer; "" if it has none
}

// pages are all the pages that the contract takes in. The next one is a row.
var pages = []page{
	{
		title: "Get Session by ID", method: "GET", path: "/api/sessions/{id}", operationID: "getSession",
		parameters: map[string]string{"id": "string<uuid>"}, response: "Session",
	},
	{
		title: "Update Session", method: "PUT", path: "/api/sessions/{id}", operationID: "updateSession",
		parameters: map[string]string{"id": "string<uuid>"}, request: "Session", response: "Session",
	},
}

// documented is what the pages say of each member, in their notation. The example body gives the types below organization.
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

func TestContractHasTheMembersOfThePagesAndNoOther(t *testing.T) {
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

func TestContractHasTheOperationsOfThePagesAndNoOther(t *testing.T) {
	t.Parallel()
	doc := loadSpec(t)
	if err := doc.Validate(t.Context()); err != nil {
		t.Error(err)
	}
	var found, want []string
	for path, item := range doc.Paths.Map() {
		if len(item.Parameters) != 0 || len(item.Servers) != 0 {
			t.Errorf("%s has parameters or servers of its own", path)
		}
		for method := range item.Operations() {
			found = append(found, method+" "+path)
		}
	}
	for _, p := range pages {
		want = append(want, p.method+" "+p.path)
		t.Run(p.title, func(t *testing.T) {
			t.Parallel()
			if item := doc.Paths.Value(p.path); item != nil && item.GetOperation(p.method) != nil {
				p.check(t, item.GetOperation(p.method))
			}
		})
	}
	slices.Sort(found)
	slices.Sort(want)
	if !slices.Equal(found, want) {
		t.Errorf("operations %q, want %q", found, want)
	}
}

func (p page) check(t *testing.T, op *openapi3.Operation) {
	t.Helper()
	if op.OperationID != p.operationID || op.Summary != p.title || op.Security != nil || op.Servers != nil || op.Deprecated || len(op.Callbacks) != 0 {
		t.Errorf("operation %s with the summary %q, security %v, servers %v", op.OperationID, op.Summary, op.Security, op.Servers)
	}
	parameters := map[string]string{}
	for _, ref := range op.Parameters {
		name := map[string]string{"query": "?"}[ref.Value.In] + ref.Value.Name
		if isInPath := ref.Value.In == "path"; ref.Value.Required != isInPath || !isInPath && name == ref.Value.Name {
			t.Errorf("parameter %s in %s, required: %t", ref.Value.Name, ref.Value.In, ref.Value.Required)
		}
		parameters[name] = notation(ref.Value.Schema)
	}
	if !maps.Equal(parameters, p.parameters) {
		t.Errorf("parameters %v", parameters)
	}
	request := ""
	if op.RequestBody != nil {
		request = schemaOf(op.RequestBody.Value.Content)
		if op.RequestBody.Value.Required != p.isRequired {
			t.Errorf("the page requires a body: %t", p.isRequired)
		}
	}
	status := cmp.Or(p.status, "200")
	if statuses := slices.Collect(maps.Keys(op.Responses.Map())); !slices.Equal(statuses, []string{status}) {
		t.Fatalf("responses %q", statuses)
	}
	answer := op.Responses.Value(status).Value
	if response := schemaOf(answer.Content); request != p.request || response != p.response {
		t.Errorf("request %q, response %q", request, response)
	}
	if len(answer.Headers) != 0 || len(answer.Links) != 0 {
		t.Error("the page names neither headers nor links")
	}
}

// schemaOf returns the schema of a body of JSON and of no other media type, or "" if there is none.
func schemaOf(content openapi3.Content) string {
	if len(content) == 0 {
		return ""
	}
	if len(content) != 1 || content["application/json"] == nil {
		return fmt.Sprintf("%v", slices.Collect(maps.Keys(content)))
	}
	return notation(content["application/json"].Schema)
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

// Of a pattern that Go can't compile kin-openapi says only in which schema it stands.
func TestEveryPatternCompiles(t *testing.T) {
	t.Parallel()
	err := loadSpec(t).WalkSchemas(func(pointer string, ref *openapi3.SchemaRef) error {
		if err := openapi3.NewStringSchema().WithPattern(ref.Value.Pattern).Validate(t.Context()); err != nil {
			t.Errorf("%s of openapi.yaml: %v", pointer, err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestContractHasTheSecurityAndServerOfThePages(t *testing.T) {
	t.Parallel()
	doc := loadSpec(t)
	scheme := doc.Components.SecuritySchemes["apiKey"]
	if len(doc.Components.SecuritySchemes) != 1 || scheme == nil {
		t.Fatalf("schemes %v", doc.Components.SecuritySchemes)
	}
	if scheme.Value.Type != "apiKey" || scheme.Value.In != "header" || scheme.Value.Name != "x-api-key" {
		t.Errorf("scheme %s in %s named %s", scheme.Value.Type, scheme.Value.In, scheme.Value.Name)
	}
	if len(doc.Security) != 1 || len(doc.Security[0]) != 1 || doc.Security[0]["apiKey"] == nil {
		t.Errorf("security %v", doc.Security)
	}
	if doc.OpenAPI != "3.0.3" || len(doc.Servers) != 1 || doc.Servers[0].URL != "https://platform.kodexa.ai" {
		t.Errorf("OpenAPI %s, servers %v", doc.OpenAPI, doc.Servers)
	}
}

func TestContractConstrainsNothingBeyondThePages(t *testing.T) {
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
				t.Errorf("%s is a keyword that the pages do not ask for", at)
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
	texts := map[string]string{
		"info":            doc.Info.Description,
		"server":          doc.Servers[0].Description,
		"security scheme": doc.Components.SecuritySchemes["apiKey"].Value.Description,
	}
	for _, tag := range doc.Tags {
		texts["tag "+tag.Name] = tag.Description
	}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			place := method + " " + path
			texts[place], texts[place+": summary"] = op.Description, op.Summary
			for _, ref := range op.Parameters {
				texts[place+": "+ref.Value.Name] = ref.Value.Description
			}
			if op.RequestBody != nil {
				texts[place+": request body"] = op.RequestBody.Value.Description
			}
			for status, ref := range op.Responses.Map() {
				texts[place+": "+status] = *ref.Value.Description
			}
			for _, tag := range op.Tags {
				if doc.Tags.Get(tag) == nil {
					t.Errorf("%s has the tag %s, which is not described", place, tag)
				}
			}
		}
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

func loadSpec(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(Spec())
	if err != nil {
		t.Fatal(err)
	}
	return doc
}
