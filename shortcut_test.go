package kodexa

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/kodexa-community/kodexa-go/internal/accept"
)

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
		{"a header of the same name", strings.Replace(parameter, "}]", "}, {name: id, in: header, required: true, schema: {type: string}}]", 1), "550e8400-e29b-41d4-a716-446655440000", false, false},
		{"no schema", strings.Replace(parameter, "schema: {type: string, format: uuid}", "content: {application/json: {schema: {type: string}}}", 1), `"x"`, false, true},
		{"two keys", parameter + "\n      security: [{key: [], other: []}]", "550e8400-e29b-41d4-a716-446655440000", true, false},
		{"either key", parameter + "\n      security: [{other: []}, {key: []}]", "550e8400-e29b-41d4-a716-446655440000", false, true},
		{"a key in the query", parameter + "\n      security: [{query: []}]", "550e8400-e29b-41d4-a716-446655440000", false, false},
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
    other: {type: apiKey, in: header, name: x-other}
    query: {type: apiKey, in: query, name: key}
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
				"/things": "", "/things/a": "/things/{id}", "/things/a/parts": "/things/{id}/parts", "/things/a b~": "/things/{id}",
				"/Things/a": "", "/things/": "", "/things/a/": "", "/things/a/other": "", "/things//parts": "", "things": "", "": "", "/": "", "//": "", "/other/a": "",
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
			"paths that are more than texts and parameters",
			map[string]string{"/": "", "/things:batch": "", "/things/{id}x": id, "/a/{id}": id},
			map[string]string{"/": "", "/things:batch": "", "/things/ax": "", "/a/x": "", "": ""},
		},
		{
			"a parameter that may be missing", map[string]string{"/{id}": id, "/a/{id}": id, "/b": ""},
			map[string]string{"/a": "", "/c": "/{id}", "/a/x": "/a/{id}", "/b": "", "/c/x": ""},
		},
		{
			"a slash at the end", map[string]string{"/things/": ""},
			map[string]string{"/things/": "", "/things": ""},
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

// TestParametersOfAPathCountToo has the same parameter for a path and, stricter, for one of its operations.
func TestParametersOfAPathCountToo(t *testing.T) {
	t.Parallel()
	c, err := parseContract([]byte(`openapi: 3.0.3
info: {title: test, version: "1"}
paths:
  /things/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string, enum: [a, 550e8400-e29b-41d4-a716-446655440000]}}]
    get:
      responses: {"200": {description: found}}
    put:
      parameters: [{name: id, in: path, required: true, schema: {type: string, format: uuid}}]
      requestBody: {required: true, content: {application/json: {schema: {type: object}}}}
      responses: {"200": {description: stored}}
    post:
      requestBody: {content: {application/json: {schema: {type: object, minProperties: 1}}}}
      responses: {"200": {description: stored}}
`))
	if err != nil {
		t.Fatal(err)
	}
	const known = "/things/550e8400-e29b-41d4-a716-446655440000"
	header := http.Header{"Content-Type": {"application/json"}}
	for _, test := range []struct {
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
		{http.MethodPost, "/things/a", ``, true},
		{http.MethodPost, "/things/a", `{}`, false}, // whose schema no acceptor knows
		{http.MethodPost, "/things/a", `{"a":1}`, false},
	} {
		if got := c.shortcut(test.method, test.path).acceptsRequest(test.path, header, []byte(test.body)); got != test.want {
			t.Errorf("%s %s with %q: accepted is %t", test.method, test.path, test.body, got)
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
	deep := `{"x":` + strings.Repeat("[", accept.MaxDepth) + strings.Repeat("]", accept.MaxDepth) + `}`
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
