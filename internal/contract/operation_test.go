package contract

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

const schemes = `securitySchemes: {
  key: {type: apiKey, in: header, name: x-api-key}, other: {type: apiKey, in: header, name: x-other},
  query: {type: apiKey, in: query, name: key}, cookie: {type: apiKey, in: cookie, name: key},
  basic: {type: http, scheme: basic}, bearer: {type: http, scheme: bearer}, oauth: {type: oauth2, flows: {}}}`

func reasons(found []Violation) string {
	var all []string
	for _, v := range found {
		all = append(all, v.Pointer+v.Reason)
	}
	return strings.Join(all, "; ")
}

// TestHeads has requests without a body. Those that the compiled head accepts are accepted by kin-openapi too.
func TestHeads(t *testing.T) {
	t.Parallel()
	const id = "parameters: [{name: id, in: path, required: true, schema: {type: string, format: uuid}}]"
	const good, query, key = "/thing/550e8400-e29b-41d4-a716-446655440000", "in: query, name: q, required: true, schema: ", "x-api-key: k"
	const notUUID = `parameter "id" in path: string doesn't match the format "uuid" (value must be a UUID with dashes)`
	for _, tt := range []struct{ name, fields, path, query, header, want string }{
		{"a UUID", id, good, "", "", ""},
		{"an escaped UUID", id, strings.Replace(good, "-", "%2D", 1), "", "", ""},
		{"a UUID without dashes", id, strings.ReplaceAll(good, "-", ""), "", "", notUUID},
		{"another text", id, "/thing/canary%22", "", "", notUUID},
		{"a slash", id, "/thing/a%2Fb", "", "", notUUID},
		{"no parameter is described", "", "/thing/a%2Fb", "", "", ""},
		{"another path", id, "/other", "", "", `parameter "id" in path: value is required but missing`},
		{"no format", strings.Replace(id, ", format: uuid", "", 1), "/thing/a.b~c", "", "", ""},
		{"anything", strings.Replace(id, "type: string, format: uuid", "", 1), "/thing/a", "", "", `parameter "id" in path: empty value is not allowed`},
		{"an integer", strings.Replace(id, "string, format: uuid", "integer", 1), "/thing/1", "", "", ""},
		{"not an integer", strings.Replace(id, "string, format: uuid", "integer", 1), "/thing/canary", "", "", `parameter "id" in path: value can't be parsed`},
		{"a pattern", strings.Replace(id, "format: uuid", "pattern: ^a$", 1), "/thing/b", "", "", `parameter "id" in path: string doesn't match the regular expression "^a$"`},
		{"a bad pattern", strings.Replace(id, "format: uuid", "pattern: (?=a)", 1), "/thing/b", "", "", `parameter "id" in path: cannot compile pattern "(?=a)": error parsing regexp: invalid or unsupported Perl syntax: ` + "`(?=`"},
		{"another style", strings.Replace(id, "in: path", "in: path, style: label", 1), "/thing/canary", "", "", `parameter "id" in path: value can't be parsed`},
		{"as JSON", strings.Replace(id, "schema: {type: string, format: uuid}", "content: {application/json: {schema: {type: string}}}", 1), "/thing/%22x%22", "", "", ""},

		{"a query", "parameters: [{" + query + "{type: string}}]", good, "q=x", "", ""},
		{"no query", "parameters: [{" + query + "{type: string}}]", good, "", "", `parameter "q" in query: value is required but missing`},
		{"a query that is no integer", "parameters: [{" + query + "{type: integer}}]", good, "q=canary", "", `parameter "q" in query: value can't be parsed`},
		{"a query beyond its bounds", "parameters: [{" + query + "{type: integer, maximum: 5}}]", good, "q=8675309", "", `parameter "q" in query: number must be at most 5`},
		{"a query beyond its size", "parameters: [{" + query + "{type: integer, format: int8}}]", good, "q=128", "", `parameter "q" in query: integer doesn't match the format "int8" (value should be between -128 and 127)`},
		{"a header", "parameters: [{in: header, name: x-h, required: true, schema: {type: string}}]", good, "", "x-h: a", ""},
		{"no header", "parameters: [{in: header, name: id, required: true, schema: {type: string}}]", good, "", "", `parameter "id" in header: value is required but missing`},
		{"a cookie", "parameters: [{in: cookie, name: c, required: true, schema: {type: string}}]", good, "", "cookie: c=1", ""},
		{"no cookie", "parameters: [{in: cookie, name: c, required: true, schema: {type: string}}]", good, "", "", `parameter "c" in cookie: value is required but missing`},

		{"no security", "security: []", good, "", "", ""},
		{"an optional key", "security: [{}, {key: []}]", good, "", "", ""},
		{"a key", "security: [{key: []}]", good, "", key, ""},
		{"no key", "security: [{key: []}]", good, "", "", "security requirements failed: header x-api-key is missing"},
		{"both keys", "security: [{key: [], other: []}]", good, "", key + "\nx-other: o", ""},
		{"one of both keys", "security: [{key: [], other: []}]", good, "", key, "security requirements failed: header x-other is missing"},
		{"either key", "security: [{other: []}, {key: []}]", good, "", key, ""},
		{"neither key", "security: [{other: []}, {key: []}]", good, "", "", "security requirements failed: header x-other is missing | header x-api-key is missing"},
		{"a key in the query", "security: [{query: []}]", good, "key=k", "", ""},
		{"no key in the query", "security: [{query: []}]", good, "", "key: k", "security requirements failed: query key is missing"},
		{"a key in a cookie", "security: [{cookie: []}]", good, "", "cookie: key=k", ""},
		{"no key in a cookie", "security: [{cookie: []}]", good, "", "cookie: other=k", "security requirements failed: cookie key is missing"},
		{"basic", "security: [{basic: []}]", good, "", "authorization: Basic x", ""},
		{"bearer", "security: [{bearer: []}]", good, "", "authorization: Bearer x", ""},
		{"a flow", "security: [{oauth: []}]", good, "", "authorization: Bearer x", ""},
		{"no bearer", "security: [{bearer: []}]", good, "", "", "security requirements failed: header Authorization is missing"},
		{"a scheme that is not declared", "security: [{canary: []}]", good, "", "", `security requirements failed: security scheme "canary" is not declared`},
	} {
		o := thing(t, tt.fields, schemes)
		h := http.Header{}
		for line := range strings.Lines(tt.header) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
			h.Add(name, value)
		}
		found, _ := o.CheckRequest(tt.path, tt.query, h, nil)
		if got := reasons(found); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
		var f findings
		if f.addHead(o.checkHead(tt.path, tt.query, h)); o.acceptsHead(tt.path, h) && f.list != nil {
			t.Errorf("%s: accepted, but %v", tt.name, f.list)
		}
	}
}

// TestPlainHeadsAreAcceptedFast shows that the usual request is.
func TestPlainHeadsAreAcceptedFast(t *testing.T) {
	t.Parallel()
	o := shipped(t)
	if !o.acceptsHead(sessionPath, header("X-Api-Key", "key")) || o.acceptsHead(sessionPath, nil) {
		t.Error("not accepted")
	}
}

func TestWantsKey(t *testing.T) {
	t.Parallel()
	for fields, want := range map[string]bool{
		"security: [{key: []}]": true, "security: [{other: []}, {key: []}]": true, "security: [{other: [], key: []}]": true, "security: [{basic: [], key: []}]": true,
		"security: []": false, "": false, "security: [{other: []}]": false, "security: [{query: []}]": false,
		"security: [{key: []}], parameters: [{in: query, name: q, schema: {}}]": true,
	} {
		o := thing(t, fields, schemes)
		if o.WantsKey("X-API-Key") != want || o.WantsKey("key") {
			t.Errorf("%s: asks is not %t", fields, want)
		}
	}
}

// TestParametersOfAPathCountToo has the same parameter for a path and, stricter, for one of its operations.
func TestParametersOfAPathCountToo(t *testing.T) {
	t.Parallel()
	c := parse(t, `openapi: 3.0.3
info: {title: test, version: "1"}
paths:
  /things/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string, enum: [a, 550e8400-e29b-41d4-a716-446655440000]}}]
    get: {responses: {"200": {description: found}}}
    put:
      parameters: [{name: id, in: path, required: true, schema: {type: string, format: uuid}}]
      requestBody: {required: true, content: {application/json: {schema: {type: object}}}}
      responses: {"200": {description: stored}}
`)
	const known = "/things/550e8400-e29b-41d4-a716-446655440000"
	for _, tt := range []struct {
		method, path, body string
		want               bool
	}{
		{http.MethodGet, "/things/a", ``, true},
		{http.MethodGet, "/things/b", ``, false},
		{http.MethodGet, known, ``, true},
		{http.MethodGet, known, `{}`, false}, // which takes no body
		{http.MethodPut, known, `{}`, true},
		{http.MethodPut, known, ``, false}, // which needs one
		{http.MethodPut, "/things/a", `{}`, false},
	} {
		got, _ := c.Find(tt.method, tt.path).CheckRequest(tt.path, "", header("Content-Type", jsonType), []byte(tt.body))
		if (got == nil) != tt.want {
			t.Errorf("%s %s with %q: got %v", tt.method, tt.path, tt.body, got)
		}
	}
}

func TestMissingAndSuperfluousBodies(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ fields, contentType, body, want string }{
		{"", jsonType, "{}", "the operation takes no body"},
		{"", jsonType, "", ""},
		{"requestBody: {content: {application/json: {}}}", "", "", ""},
		{"requestBody: {required: true, content: {application/json: {}}}", "", "", "Content-Type must be application/json"},
		{"requestBody: {required: true, content: {application/json: {}}}", jsonType, "", "the body is empty"},
		{"requestBody: {required: true, content: {text/plain: {}}}", "text/plain", "", "the body is empty"},
	} {
		o := thing(t, tt.fields, "")
		if got, _ := o.CheckRequest("/thing/1", "", header("Content-Type", tt.contentType), []byte(tt.body)); reasons(got) != tt.want {
			t.Errorf("%s: %q: got %v, want %q", tt.fields, tt.body, got, tt.want)
		}
	}
}

func TestStatuses(t *testing.T) {
	t.Parallel()
	const object = "content: {application/json: {schema: {type: object}}}"
	const integer = "content: {application/problem+json: {schema: {type: integer}}}"
	const named = `responses: {"200": {description: a, ` + object + `}, "204": {description: b}, "404": {description: c, ` + integer + `}, 5XX: {description: d, ` + object + "}}"
	const ranged = "responses: {2XX: {description: a, " + object + "}, default: {description: b, " + integer + "}}"
	for _, tt := range []struct {
		fields            string
		status            int
		contentType, body string
		want, mediaType   string
	}{
		{named, 200, jsonType, "{}", "", jsonType},
		{named, 200, "Application/JSON;charset=utf-8", "1", "value must be an object", jsonType},
		{named, 200, "text/html", "{}", "Content-Type must be application/json, not text/html", ""},
		{named, 201, jsonType, "{}", "status is not supported", ""},
		{named, 299, "", "", "status is not supported", ""},
		{named, 204, "text/html", "x", "", ""},
		{named, 304, "", "", "", ""},
		{named, 302, "text/html", "x", "", ""},
		{named, 400, jsonType, "1", "", ""},
		{named, 404, "application/problem+json", "1", "", "application/problem+json"},
		{named, 404, "application/problem+json", "{}", "value must be an integer", "application/problem+json"},
		{named, 404, "text/html", "x", "Content-Type must be application/problem+json, not text/html", ""},
		{named, 503, jsonType, "1", "value must be an object", jsonType},
		{named, 1000, jsonType, "1", "", ""},
		{named, -1, jsonType, "1", "", ""},
		{ranged, 207, jsonType, "1", "value must be an object", jsonType},
		{ranged, 404, "application/problem+json", "{}", "value must be an integer", "application/problem+json"},
		{"responses: {default: {description: a, " + object + "}}", 200, jsonType, "1", "value must be an object", jsonType},
		{`responses: {"200": {description: a, content: {"*/*": {}}}}`, 200, "text/x; a=b", "", "", "text/x; a=b"},
		{`responses: {"200": {description: a, content: {"text/*": {}}}}`, 200, "text/x", "", "", "text/x"},
		{`responses: {"200": {description: a, content: {Text/Plain: {}}}}`, 200, "text/plain", "", "", "Text/Plain"},
	} {
		o := thing(t, tt.fields, "")
		h := header("Content-Type", tt.contentType)
		if got, _ := o.CheckResponse(tt.status, h, []byte(tt.body)); reasons(got) != tt.want {
			t.Errorf("%s: %d: got %v, want %q", tt.fields, tt.status, got, tt.want)
		}
		if got := o.MediaType(tt.status, h); got != tt.mediaType {
			t.Errorf("%s: %d: media type %q, want %q", tt.fields, tt.status, got, tt.mediaType)
		}
	}
}

func TestResponseHeaders(t *testing.T) {
	t.Parallel()
	o := thing(t, `responses: {"200": {description: ok, headers: {
	  X-Total: {required: true, schema: {type: integer}}, X-Id: {schema: {type: string, format: uuid}}}, content: {application/json: {schema: {type: object}}}}}`, "")
	for _, tt := range []struct {
		header http.Header
		body   string
		want   string
	}{
		{header("X-Total", "1"), "{}", ""},
		{header("X-Total", "1"), "1", "value must be an object"},
		{header(), "{}", `response header "X-Total" missing`},
		{header("X-Total", "canary"), "{}", `unable to decode header "X-Total" value`},
		{header("X-Total", "1", "X-Id", "canary"), "{}", `response header "X-Id" doesn't match schema`},
	} {
		tt.header.Set("Content-Type", jsonType)
		if got, cause := o.CheckResponse(http.StatusOK, tt.header, []byte(tt.body)); reasons(got) != tt.want {
			t.Errorf("%v: got %v, %v", tt.header, got, cause)
		}
	}
}

func TestHeadHasNoBody(t *testing.T) {
	t.Parallel()
	c := parse(t, `openapi: 3.0.3
info: {title: t, version: v}
paths: {/t: {head: {responses: {"200": {description: ok, content: {application/json: {schema: {type: object}}}}}}}}
`)
	o := c.Find(http.MethodHead, "/t")
	if got, _ := o.CheckResponse(http.StatusOK, nil, nil); got != nil {
		t.Errorf("got %v", got)
	}
	if got, _ := o.CheckResponse(http.StatusAccepted, nil, nil); !slices.Equal(got, []Violation{{"", "status is not supported"}}) {
		t.Errorf("got %v", got)
	}
}
