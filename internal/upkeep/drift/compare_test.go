package drift

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	kodexa "github.com/kodexa-community/kodexa-go"
)

const (
	getOp   = "paths./api/sessions/{id}.get."
	putOp   = "paths./api/sessions/{id}.put."
	schemas = "components.schemas."
	session = schemas + "Session."
	members = session + "properties."
	body    = putOp + "requestBody.content.application/json.schema"
)

type row struct {
	name  string
	edits []edit
	only  string   // the version in which the platform may say so
	want  []string // nil: no difference
}

// everywhere returns the lines for a place in a session: it is read, sent and read again.
func everywhere(lines ...string) []string {
	var all []string
	for _, part := range []string{"GET /api/sessions/{id}, response 200", "PUT /api/sessions/{id}, request", "PUT /api/sessions/{id}, response 200"} {
		for _, line := range lines {
			if !strings.HasPrefix(line, ": ") { // which begins with a member
				line = ", " + line
			}
			all = append(all, part+line)
		}
	}
	return all
}

func ref(name string) object { return object{"$ref": "#/components/schemas/" + name} }

func list(values ...any) []any { return values }

func TestCompare(t *testing.T) {
	t.Parallel()
	ours := load(t, kodexa.Spec())
	for _, tt := range slices.Concat(noDifference, differences) {
		for form, write := range forms {
			if !strings.HasPrefix(form, tt.only) {
				continue
			}
			t.Run(tt.name+"/"+form, func(t *testing.T) {
				t.Parallel()
				doc := shipped(t)
				apply(t, doc, tt.edits)
				if strings.HasSuffix(form, "JSON") {
					surround(doc, 100)
				} else {
					surround(doc, 5) // TestCommand has a large one in YAML, which takes long to read
				}
				theirs, err := Load(write(t, doc), ours)
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, d := range Compare(ours, theirs) {
					got = append(got, d.String())
				}
				if !slices.Equal(got, tt.want) {
					t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
				}
			})
		}
	}
}

func load(t *testing.T, data []byte) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(data)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// rename moves an operation to another path.
func rename(to string, more ...edit) []edit {
	op := object{
		"parameters": list(object{"name": to[strings.Index(to, "{")+1 : strings.Index(to, "}")], "in": "path", "required": true, "schema": object{"type": "string", "format": "uuid"}}),
		"responses":  object{"200": object{"description": "", "content": object{"application/json": object{"schema": ref("Session")}}}},
	}
	put := object{"requestBody": object{"content": object{"application/json": object{"schema": ref("Session")}}}}
	maps.Copy(put, op)
	return append([]edit{{"paths." + to, object{"get": op, "put": put}}, {"paths./api/sessions/{id}.get", nil}, {"paths./api/sessions/{id}.put", nil}}, more...)
}

var noDifference = []row{
	{name: "the same"},
	{name: "texts", edits: []edit{
		{session + "description", "another"}, {session + "title", "A session"}, {members + "state.example", "OPEN"},
		{putOp + "summary", 7}, {putOp + "operationId", "put_session_v2"}, {putOp + "tags", list("other")}, {putOp + "deprecated", true},
		{members + "state.x-order", 3}, {members + "state.default", "OPEN"}, {members + "state.externalDocs", object{"url": "x"}},
		{"info.version", "9"}, {"tags", list(object{"name": "other"})},
	}},
	{name: "examples that are broken", edits: []edit{{putOp + "requestBody.content.application/json.examples", list(1)}, {members + "state.examples", object{"a": 1}}}},
	{name: "examples of 3.1", only: "3.1", edits: []edit{{members + "state.examples", list("OPEN")}}},
	{name: "names of components", edits: []edit{
		{schemas + "OrganizationDto", object{
			"type": "object", "properties": object{
				"authGroupLink": ref("AuthGroupLink"), "changeSequence": object{"type": "integer", "format": "int32"},
				"createdOn": object{"type": "string", "format": "date-time"}, "defaultToPrivateTemplates": object{"type": "boolean"},
				"description": object{"type": "string"}, "enterpriseOrganization": object{"type": "boolean"}, "features": object{"type": "object"},
				"hasImage": object{"type": "boolean"}, "id": object{"type": "string"}, "memory": ref("OrganizationMemory"), "name": object{"type": "string"},
				"organizationStatus": object{"type": "string"}, "properties": object{"type": "object", "additionalProperties": object{}},
				"publicAccess": object{"type": "boolean"}, "searchText": object{"type": "string"}, "slug": object{"type": "string"},
				"stripeCustomerId": object{"type": "string"}, "supportAccess": object{"type": "boolean"},
				"supportAccessExpiresAt": object{"type": "string", "format": "date-time"}, "updatedOn": object{"type": "string", "format": "date-time"},
				"uuid": object{"type": "string"},
			},
		}},
		{members + "organization", ref("OrganizationDto")}, {schemas + "Organization", nil},
		{"components.securitySchemes", object{"theKey": object{"type": "apiKey", "in": "header", "name": "X-API-KEY"}}},
		{"security", list(object{"theKey": list()})},
	}},
	{name: "an inline schema", edits: []edit{{schemas + "Organization.properties.authGroupLink", object{"type": "object", "properties": object{"authGroup": object{"type": "string"}}}}}},
	{name: "a $ref in place of an inline schema", edits: []edit{{schemas + "Text", object{"type": "string"}}, {members + "state", ref("Text")}}},
	{name: "a body, an answer and a parameter by $ref", edits: []edit{
		{"components.requestBodies.Body", object{"content": object{"application/json": object{"schema": ref("Session")}}}},
		{"components.responses.Answer", object{"description": "", "content": object{"application/json": object{"schema": ref("Session")}}}},
		{"components.parameters.Id", object{"name": "id", "in": "path", "required": true, "schema": object{"type": "string", "format": "uuid"}}},
		{putOp + "requestBody", object{"$ref": "#/components/requestBodies/Body"}},
		{putOp + "responses.200", object{"$ref": "#/components/responses/Answer"}},
		{putOp + "parameters", list(object{"$ref": "#/components/parameters/Id"})},
	}},
	{name: "a $ref into another operation", edits: []edit{{body, object{"$ref": "#/paths/~1api~1sessions~1%7Bid%7D/get/responses/200/content/application~1json/schema"}}}},
	{name: "parameters of the path", edits: []edit{
		{"paths./api/sessions/{id}.parameters", list(object{"name": "id", "in": "path", "required": true, "schema": object{"type": "string", "format": "uuid"}})},
		{getOp + "parameters", nil}, {putOp + "parameters", nil},
	}},
	{name: "the path's parameter has another name", edits: rename("/api/sessions/{sessionId}")},
	{name: "the path begins in the server", edits: rename("/sessions/{id}", edit{"servers", list(object{"url": "https://platform.example/api"})})},
	{name: "the path begins in a server without a host", edits: rename("/sessions/{id}", edit{"servers", list(object{"url": "/api/"})})},
	{name: "the path begins in a server's variable", edits: rename("/sessions/{id}", edit{"servers", list(object{"url": "https://{host}/{base}", "variables": object{"host": object{"default": "a.b"}, "base": object{"default": "api"}}})})},
	{name: "the path begins in a server of its own", edits: rename("/sessions/{id}", edit{"paths./sessions/{id}.servers", list(object{"url": "https://platform.example/api"})})},
	{name: "other servers", edits: []edit{{"servers", list(object{"url": "http://localhost:8080/v2"})}}},
	{name: "a path item by $ref", only: "3.1", edits: []edit{
		{"components.pathItems.Sessions", object{"get": object{"parameters": list(object{"name": "id", "in": "path", "required": true, "schema": object{"type": "string", "format": "uuid"}}), "responses": object{"200": object{"content": object{"application/json": object{"schema": ref("Session")}}}}}}},
		{"paths./api/things/{id}", object{"$ref": "#/components/pathItems/Sessions"}},
	}},
	{name: "additionalProperties absent", edits: []edit{{session + "additionalProperties", nil}, {schemas + "AuthGroupLink.additionalProperties", object{}}}},
	{name: "unevaluatedProperties", only: "3.1", edits: []edit{{session + "unevaluatedProperties", true}}},
	{name: "nullable as a type", only: "3.1", edits: []edit{{members + "organizationId", object{"type": list("string", "null")}}}},
	{name: "nullable by anyOf", only: "3.1", edits: []edit{{members + "organizationId", object{"anyOf": list(object{"type": "string"}, object{"type": "null"})}}}},
	{name: "nullable by oneOf", only: "3.1", edits: []edit{{members + "organizationId", object{"oneOf": list(object{"type": "null"}, ref("Text"))}}, {schemas + "Text", object{"type": "string"}}}},
	{name: "nullable beside allOf", only: "3.0", edits: []edit{{members + "organizationId", object{"nullable": true, "allOf": list(ref("Text"))}}, {schemas + "Text", object{"type": "string"}}}},
	{name: "allOf of one", edits: []edit{{members + "organization", object{"description": "the owner", "allOf": list(ref("Organization"))}}}},
	{name: "allOf of several", edits: []edit{
		{schemas + "Base", object{"type": "object", "properties": object{"id": object{"type": "string"}, "uuid": object{"type": "string"}}}},
		{session + "allOf", list(ref("Base"), object{"properties": object{"token": object{"type": "string"}}})},
		{members + "id", nil}, {members + "uuid", nil}, {members + "token", nil},
	}},
	{name: "a text beside a $ref", only: "3.1", edits: []edit{{members + "organization", object{"$ref": "#/components/schemas/Organization", "description": "the owner"}}}},
	{name: "errors", edits: []edit{{putOp + "responses.404", object{"description": "no such session"}}, {putOp + "responses.default", object{"description": "error"}}}},
	{name: "a media type with a parameter", edits: []edit{
		{getOp + "responses.200.content", object{"application/json;charset=UTF-8": object{"schema": ref("Session")}}},
	}},
	{name: "callbacks and links that lead nowhere", edits: []edit{
		{putOp + "callbacks", object{"$ref": "#/nowhere"}}, {putOp + "responses.200.links", object{"a": object{"$ref": "#/nowhere"}}},
	}},
	{name: "a scheme that another operation needs", edits: []edit{{"components.securitySchemes.oauth", object{"type": "oauth2", "flows": object{}}}}},
}

var differences = []row{
	{name: "an operation is gone", edits: []edit{{"paths./api/sessions/{id}.put", nil}}, want: []string{"PUT /api/sessions/{id}: narrower: operation: documented -> none"}},
	{name: "a path is gone", edits: rename("/api/v2/sessions/{id}"), want: []string{
		"GET /api/sessions/{id}: narrower: operation: documented -> none", "PUT /api/sessions/{id}: narrower: operation: documented -> none",
	}},
	{name: "another type", edits: []edit{{members + "state", object{"type": "integer"}}}, want: everywhere("/state: different: type: string -> integer")},
	{name: "a wider type", edits: []edit{{members + "changeSequence", object{"type": "number"}}}, want: everywhere("/changeSequence: wider: type: integer -> number", "/changeSequence: wider: format: int32 -> none")},
	{name: "more types", only: "3.1", edits: []edit{{members + "state", object{"type": list("string", "integer")}}}, want: everywhere("/state: wider: type: string -> integer|string")},
	{name: "any type", edits: []edit{{members + "state", object{"description": "anything"}}}, want: everywhere("/state: wider: type: string -> any")},
	{name: "a type where any was", edits: []edit{{schemas + "Organization.properties.features.additionalProperties", object{"type": "boolean"}}}, want: everywhere("/organization/features/*: narrower: further members: any -> boolean")},
	{name: "a wider format", edits: []edit{{members + "changeSequence.format", "int64"}}, want: everywhere("/changeSequence: wider: format: int32 -> int64")},
	{name: "no format", edits: []edit{{members + "createdOn.format", nil}}, want: everywhere("/createdOn: wider: format: date-time -> none")},
	{name: "a format", edits: []edit{{members + "uuid.format", "uuid"}}, want: everywhere("/uuid: narrower: format: none -> uuid")},
	{name: "another format", edits: []edit{{members + "createdOn.format", "date"}}, want: everywhere("/createdOn: different: format: date-time -> date")},
	{name: "nullable", edits: []edit{{members + "state.nullable", true}}, want: everywhere("/state: wider: nullable: no -> yes")},
	{name: "not nullable", edits: []edit{{members + "organizationId.nullable", nil}}, want: everywhere("/organizationId: narrower: nullable: yes -> no")},
	{name: "nullable by anyOf with a $ref", only: "3.1", edits: []edit{{members + "organization", object{"anyOf": list(ref("Organization"), object{"type": "null"})}}}, want: everywhere("/organization: wider: nullable: no -> yes")},
	{name: "required", edits: []edit{{session + "required", list("state")}}, want: everywhere("/state: narrower: required: no -> yes")},
	{name: "required by allOf", edits: []edit{{session + "allOf", list(object{"required": list("state")})}}, want: everywhere("/state: narrower: required: no -> yes")},
	{name: "required, but of no message", edits: []edit{{session + "required", list("id")}, {members + "id.readOnly", true}}},
	{name: "required, but of no answer", edits: []edit{{session + "required", list("token")}, {members + "token.writeOnly", true}}},
	{name: "a member is gone", edits: []edit{{members + "state", nil}}, want: everywhere("/state: narrower: member: string -> none")},
	{name: "a member is new", edits: []edit{{members + "owner", object{"type": "string"}}}, want: everywhere("/owner: wider: member: none -> string")},
	{name: "a member is new and required", edits: []edit{{members + "a/b", object{"type": "string"}}, {session + "required", list("a/b")}}, want: everywhere("/a~1b: narrower: member: none -> string, required")},
	{name: "a member deep below", edits: []edit{{schemas + "AuthGroupLink.properties.authGroup.type", "integer"}}, want: everywhere("/organization/authGroupLink/authGroup: different: type: string -> integer")},
	{name: "items", edits: []edit{{schemas + "OrganizationMemory.properties.orderedDashboards.items.format", "uuid"}}, want: everywhere("/organization/memory/orderedDashboards/*: narrower: format: none -> uuid")},
	{name: "no further members", edits: []edit{{session + "additionalProperties", false}}, want: everywhere("/*: narrower: further members: any -> none")},
	{name: "no further members by 3.1", only: "3.1", edits: []edit{{session + "additionalProperties", nil}, {session + "unevaluatedProperties", false}}, want: everywhere("/*: narrower: further members: any -> none")},
	{name: "a closed set", edits: []edit{{members + "state.enum", list("OPEN", "CLOSED")}}, want: everywhere(`/state: narrower: enum: none -> "OPEN", "CLOSED"`)},
	{name: "a closed set without a type", edits: []edit{{members + "state", object{"enum": list("OPEN", "CLOSED")}}}, want: everywhere(`/state: narrower: enum: none -> "OPEN", "CLOSED"`)},
	{name: "a closed set of another type", edits: []edit{{members + "state", object{"enum": list(1, 2)}}}, want: everywhere("/state: different: type: string -> integer")},
	{name: "a closed set of numbers", edits: []edit{{members + "state", object{"enum": list(1, 2.5)}}}, want: everywhere("/state: different: type: string -> number")},
	{name: "a closed set of two types", edits: []edit{{members + "state", object{"enum": list("OPEN", true)}}}, want: everywhere("/state: wider: type: string -> any")},
	{name: "const without a type", only: "3.1", edits: []edit{{members + "state", object{"const": "OPEN"}}}, want: everywhere(`/state: narrower: enum: none -> "OPEN"`)},
	{name: "const", only: "3.1", edits: []edit{{members + "state.const", "OPEN"}}, want: everywhere(`/state: narrower: enum: none -> "OPEN"`)},
	{name: "pattern", edits: []edit{{members + "state.pattern", "^[A-Z]+$"}}, want: everywhere("/state: narrower: pattern: none -> ^[A-Z]+$")},
	{name: "lengths", edits: []edit{{members + "state.minLength", 1}, {members + "state.maxLength", 64}}, want: everywhere("/state: narrower: minLength: none -> 1", "/state: narrower: maxLength: none -> 64")},
	{name: "a minimum", edits: []edit{{members + "changeSequence.minimum", 0}}, want: everywhere("/changeSequence: narrower: minimum: none -> 0")},
	{name: "an exclusive minimum of 3.0", only: "3.0", edits: []edit{{members + "changeSequence.minimum", 0}, {members + "changeSequence.exclusiveMinimum", true}}, want: everywhere("/changeSequence: narrower: minimum: none -> 0, exclusive")},
	{name: "an exclusive minimum of 3.1", only: "3.1", edits: []edit{{members + "changeSequence.exclusiveMinimum", 0}}, want: everywhere("/changeSequence: narrower: minimum: none -> 0, exclusive")},
	{name: "an exclusive minimum below another", only: "3.1", edits: []edit{{members + "changeSequence.exclusiveMinimum", 0}, {members + "changeSequence.minimum", 3}}, want: everywhere("/changeSequence: narrower: minimum: none -> 3")},
	{name: "base64 of 3.1", only: "3.1", edits: []edit{{members + "state.contentEncoding", "base64"}}, want: everywhere("/state: narrower: format: none -> byte")},
	{name: "items that differ", edits: []edit{{schemas + "OrganizationMemory.properties.orderedDashboards.uniqueItems", true}}, want: everywhere("/organization/memory/orderedDashboards: narrower: uniqueItems: none -> true")},
	{name: "an alternative", edits: []edit{{members + "state", object{"oneOf": list(object{"type": "integer"}, object{"type": "string"})}}}, want: everywhere("/state: wider: alternative: none -> integer")},
	{name: "alternatives in place of one", edits: []edit{{members + "organization", object{"anyOf": list(ref("AuthGroupLink"), ref("OrganizationMemory"))}}}, want: everywhere("/organization: different: alternative: Organization -> AuthGroupLink, OrganizationMemory")},
	{name: "not", edits: []edit{{members + "state.not", object{"enum": list("")}}}, want: everywhere("/state: narrower: not: none -> present")},
	{name: "patternProperties", only: "3.1", edits: []edit{{session + "patternProperties", object{"^x-": object{"type": "string"}}}}, want: everywhere(": narrower: patternProperties ^x-: none -> present")},
	{name: "dependentRequired", only: "3.1", edits: []edit{{session + "dependentRequired", object{"id": list("uuid")}}}, want: everywhere(`: different: other keywords: none -> {"dependentRequired":{"id":["uuid"]}}`)},
	{name: "more beside a $ref", only: "3.1", edits: []edit{{members + "organization", object{"$ref": "#/components/schemas/Organization", "required": list("id")}}}, want: everywhere("/organization/id: narrower: required: no -> yes")},
	{name: "a type beside a $ref in 3.0 says nothing", only: "3.0", edits: []edit{{members + "organization", object{"$ref": "#/components/schemas/Organization", "required": list("id")}}}},
	{name: "a media type is gone", edits: []edit{{putOp + "requestBody.content.application/json", nil}, {putOp + "requestBody.content.application/xml", object{"schema": ref("Session")}}}, want: []string{"PUT /api/sessions/{id}, request: different: media type: application/json -> application/xml"}},
	{name: "a media type is new", edits: []edit{{getOp + "responses.200.content.text/csv", object{}}}, want: []string{"GET /api/sessions/{id}, response 200: wider: media type: none -> text/csv"}},
	{name: "any media type, and another schema", edits: []edit{{getOp + "responses.200.content", object{"*/*": object{"schema": ref("AuthGroupLink")}}}}, want: []string{
		"GET /api/sessions/{id}, response 200, /authGroup: wider: member: none -> string",
		"GET /api/sessions/{id}, response 200, /changeSequence: narrower: member: integer -> none",
		"GET /api/sessions/{id}, response 200, /createdOn: narrower: member: string -> none",
		"GET /api/sessions/{id}, response 200, /id: narrower: member: string -> none",
		"GET /api/sessions/{id}, response 200, /organization: narrower: member: object -> none",
		"GET /api/sessions/{id}, response 200, /organizationId: narrower: member: string -> none",
		"GET /api/sessions/{id}, response 200, /state: narrower: member: string -> none",
		"GET /api/sessions/{id}, response 200, /token: narrower: member: string -> none",
		"GET /api/sessions/{id}, response 200, /updatedOn: narrower: member: string -> none",
		"GET /api/sessions/{id}, response 200, /uuid: narrower: member: string -> none",
		"GET /api/sessions/{id}, response 200: wider: media type: none -> */*",
	}},
	{name: "a body must be sent", edits: []edit{{putOp + "requestBody.required", true}}, want: []string{"PUT /api/sessions/{id}, request: narrower: required: no -> yes"}},
	{name: "no body", edits: []edit{{putOp + "requestBody", nil}}, want: []string{"PUT /api/sessions/{id}, request: narrower: body: optional -> none"}},
	{name: "a body of a GET", edits: []edit{{getOp + "requestBody", object{"content": object{"application/json": object{}}}}}, want: []string{"GET /api/sessions/{id}, request: wider: body: none -> optional"}},
	{name: "more statuses", edits: []edit{{getOp + "responses", object{"2XX": object{"description": "", "content": object{"application/json": object{"schema": ref("Session")}}}}}}, want: []string{
		"GET /api/sessions/{id}, response 2XX: wider: status: none -> 2XX",
	}},
	{name: "another status", edits: []edit{{putOp + "responses", object{"201": object{"description": ""}}}}, want: []string{
		"PUT /api/sessions/{id}, response 200: narrower: status: 200 -> none", "PUT /api/sessions/{id}, response 201: wider: status: none -> 201",
	}},
	{name: "the key's header", edits: []edit{{"components.securitySchemes.apiKey.name", "x-access-token"}}, want: []string{
		"GET /api/sessions/{id}, security: different: credentials: header x-api-key -> header x-access-token",
		"PUT /api/sessions/{id}, security: different: credentials: header x-api-key -> header x-access-token",
	}},
	{name: "the key in the query", edits: []edit{{"components.securitySchemes.apiKey.in", "query"}, {putOp + "security", list(object{})}}, want: []string{
		"GET /api/sessions/{id}, security: different: credentials: header x-api-key -> query x-api-key",
		"PUT /api/sessions/{id}, security: different: credentials: header x-api-key -> none",
	}},
	{name: "a bearer too", edits: []edit{{"components.securitySchemes.bearer", object{"type": "http", "scheme": "Bearer"}}, {putOp + "security", list(object{"bearer": list()}, object{"apiKey": list()})}}, want: []string{
		"PUT /api/sessions/{id}, security: wider: credentials: none -> http bearer",
	}},
	{name: "a scheme that is nowhere", edits: []edit{{"components.securitySchemes", nil}}, want: []string{
		"GET /api/sessions/{id}, security: different: credentials: header x-api-key -> undefined scheme apiKey",
		"PUT /api/sessions/{id}, security: different: credentials: header x-api-key -> undefined scheme apiKey",
	}},
	{name: "parameters", edits: []edit{{getOp + "parameters", list(
		object{"name": "id", "in": "path", "required": true, "schema": object{"type": "string"}},
		object{"name": "fields", "in": "query", "schema": object{"type": "string"}},
		object{"name": "X-Tenant", "in": "header", "required": true, "schema": object{"type": "string"}},
	)}}, want: []string{
		`GET /api/sessions/{id}, header parameter "x-tenant": narrower: parameter: none -> required`,
		"GET /api/sessions/{id}, path parameter 1: wider: format: uuid -> none",
		`GET /api/sessions/{id}, query parameter "fields": wider: parameter: none -> optional`,
	}},
	{name: "a parameter's style", edits: []edit{{getOp + "parameters", list(object{"name": "id", "in": "path", "required": true, "style": "label", "schema": object{"type": "string", "format": "uuid"}})}}, want: []string{
		"GET /api/sessions/{id}, path parameter 1: different: style: simple, explode false -> label, explode false",
	}},
}

func TestCompareOfAContractThatHasMore(t *testing.T) {
	t.Parallel()
	const head = `{openapi: 3.0.3, info: {title: "", version: ""}, paths: {/a: {get: {`
	for name, tt := range map[string]struct{ ours, theirs, want string }{
		"a required parameter is optional": {
			`parameters: [{name: q, in: query, required: true, schema: {type: string}}], responses: {}`, `parameters: [{name: q, in: query, schema: {type: string}}], responses: {}`,
			`GET /a, query parameter "q": wider: required: yes -> no`,
		},
		"a parameter is gone": {`parameters: [{name: q, in: query, schema: {}}], responses: {}`, `responses: {}`, `GET /a, query parameter "q": narrower: parameter: optional -> none`},
		"a header": {
			`responses: {"200": {description: "", headers: {Etag: {schema: {type: string}}}}}`, `responses: {"200": {description: "", headers: {ETag: {schema: {type: integer}}}}}`,
			`GET /a, response 200, header "Etag": different: type: string -> integer`,
		},
		"a header is gone": {`responses: {"200": {description: "", headers: {Etag: {schema: {}}}}}`, `responses: {"200": {description: ""}}`, `GET /a, response 200, header "Etag": narrower: header: optional -> none`},
		"an error": {
			`responses: {"404": {description: "", content: {text/plain: {schema: {type: string}}}}}`, `responses: {"404": {description: "", content: {text/plain: {schema: {type: string, maxLength: 9}}}}}`,
			"GET /a, response 404 text/plain: narrower: maxLength: none -> 9",
		},
		"values of a set": {answering(`{type: string, enum: [a, b]}`), answering(`{type: string, enum: [b, c]}`), `GET /a, response 200: different: enum: "a" -> "c"`},
		"more values":     {answering(`{type: string, enum: [a]}`), answering(`{type: string, enum: [b, a]}`), `GET /a, response 200: wider: enum: none -> "b"`},
		"a lower maximum": {answering(`{type: number, maximum: 9}`), answering(`{type: number, maximum: 8}`), "GET /a, response 200: narrower: maximum: 9 -> 8"},
		"a lower minimum": {answering(`{type: number, minimum: 9}`), answering(`{type: number, minimum: 8}`), "GET /a, response 200: wider: minimum: 9 -> 8"},
		"exclusive":       {answering(`{type: number, minimum: 9}`), answering(`{type: number, minimum: 9, exclusiveMinimum: true}`), "GET /a, response 200: narrower: minimum: 9 -> 9, exclusive"},
		"another pattern": {answering(`{type: string, pattern: a}`), answering(`{type: string, pattern: b}`), "GET /a, response 200: different: pattern: a -> b"},
		"an alternative that changed": {
			answering(`{oneOf: [{type: string}, {type: object, properties: {a: {type: string}}}]}`), answering(`{oneOf: [{type: object, properties: {a: {type: integer}}}, {type: string}]}`),
			"GET /a, response 200, /a: different: type: string -> integer",
		},
		"the order of alternatives": {answering(`{anyOf: [{type: string}, {type: boolean}]}`), answering(`{oneOf: [{type: boolean}, {type: string}]}`), ""},
		"not":                       {answering(`{type: string, not: {enum: [a]}}`), answering(`{type: string, not: {enum: [b]}}`), "GET /a, response 200: different: not: one schema -> another"},
		"bounds by allOf":           {answering(`{type: integer, minimum: 3, maximum: 5}`), answering(`{allOf: [{type: number, minimum: 1, maximum: 5}, {type: integer, minimum: 3, maximum: 9}]}`), ""},
		"lengths by allOf":          {answering(`{type: string, minLength: 2, maxLength: 5}`), answering(`{allOf: [{type: string, minLength: 1, maxLength: 5}, {minLength: 2, maxLength: 9}]}`), ""},
		"a list by allOf":           {answering(`{type: array, minItems: 1, uniqueItems: true, items: {type: string}}`), answering(`{allOf: [{type: array, minItems: 1}, {uniqueItems: true}, {items: {type: string}}]}`), ""},
		"a map by allOf":            {answering(`{type: object, minProperties: 1, maxProperties: 2}`), answering(`{allOf: [{type: object, maxProperties: 2}, {minProperties: 1}]}`), ""},
		"a set by allOf":            {answering(`{type: string, enum: [b]}`), answering(`{allOf: [{type: string, enum: [a, b]}, {enum: [b, c]}]}`), ""},
		"closed by allOf":           {answering(`{type: object, additionalProperties: false}`), answering(`{allOf: [{type: object}, {additionalProperties: false}]}`), ""},
		"nullable by allOf":         {answering(`{type: string, nullable: true}`), answering(`{allOf: [{type: string, nullable: true}, {type: string, nullable: true}]}`), ""},
		"a schema is open":          {answering(`{type: object, additionalProperties: false}`), answering(`{type: object, additionalProperties: {type: string}}`), "GET /a, response 200, /*: wider: further members: none -> string"},
		"values of a map":           {answering(`{type: object, additionalProperties: {type: string}}`), answering(`{type: object, additionalProperties: {type: integer}}`), "GET /a, response 200, /*: different: type: string -> integer"},
	} {
		ours := load(t, []byte(head+tt.ours+"}}}}"))
		theirs, err := Load([]byte(head+tt.theirs+"}}}}"), ours)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got []string
		for _, d := range Compare(ours, theirs) {
			got = append(got, d.String())
		}
		if strings.Join(got, "\n") != tt.want {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
}

func answering(schema string) string {
	return `responses: {"200": {description: "", content: {application/json: {schema: ` + schema + `}}}}`
}

// TestCompareEnds has schemas that hold themselves, by a member, an item, a union and an allOf.
func TestCompareEnds(t *testing.T) {
	t.Parallel()
	const doc = `{openapi: 3.1.0, info: {title: "", version: ""},
		paths: {/a: {get: {responses: {"200": {description: "", content: {application/json: {schema: {$ref: "#/components/schemas/Node"}}}}}}}},
		components: {schemas: {
			Node: {type: object, allOf: [{$ref: "#/components/schemas/Base"}], properties: {next: {$ref: "#/components/schemas/Node"}, any: {$ref: "#/components/schemas/Any"}}},
			Base: {type: object, properties: {next: {$ref: "#/components/schemas/Node"}, list: {type: array, items: {$ref: "#/components/schemas/Node"}}}},
			Any: {oneOf: [{$ref: "#/components/schemas/Node"}, {type: array, items: {$ref: "#/components/schemas/Any"}}, {type: string}]}}}}`
	ours := load(t, []byte(doc))
	for _, tt := range []struct{ old, new, want string }{
		{"", "", ""},
		{"{type: string}", "{type: string, maxLength: 3}", "GET /a, response 200, /any: narrower: maxLength: none -> 3"},
	} {
		theirs, err := Load([]byte(strings.ReplaceAll(doc, tt.old, tt.new)), ours)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, d := range Compare(ours, theirs) {
			got = append(got, d.String())
		}
		if strings.Join(got, "\n") != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}
