package drift

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	kodexa "github.com/kodexa-community/kodexa-go"
)

// serve answers each path with a document.
func serve(t *testing.T, documents map[string][]byte) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		document, found := documents[r.URL.Path]
		if !found {
			// With a body: another test that closes its server closes the idle connections of http.DefaultClient, and one is
			// called idle a moment before an answer without a body is handed out.
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(document)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func store(t *testing.T, data []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "spec")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestCommand has documents in each form, from a file and from a URL.
func TestCommand(t *testing.T) {
	t.Parallel()
	for form, write := range forms {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			same, drifted := shipped(t), shipped(t)
			surround(same, 100)
			surround(drifted, 100)
			apply(t, drifted, []edit{{members + "state.maxLength", 64}, {"paths./api/sessions/{id}.get", nil}})
			documents := map[string][]byte{"/same": write(t, same), "/drifted": write(t, drifted)}
			url := serve(t, documents)
			for name, sources := range map[string][]string{
				"/same":    {url + "/same", store(t, documents["/same"])},
				"/drifted": {url + "/drifted", store(t, documents["/drifted"])},
			} {
				for _, source := range sources {
					var stdout, stderr bytes.Buffer
					status := Command(t.Context(), []string{source}, &stdout, &stderr)
					wantStatus, want := ExitSame, "drift: none: "+source+" describes our operations as openapi.yaml does\n"
					if name == "/drifted" {
						wantStatus, want = ExitDrift, "openapi.yaml -> "+source+`
GET /api/sessions/{id}: narrower: operation: documented -> none
PUT /api/sessions/{id}, request, /state: narrower: maxLength: none -> 64
PUT /api/sessions/{id}, response 200, /state: narrower: maxLength: none -> 64
drift: 3 differences; narrower or wider is what the platform documents
`
					}
					if status != wantStatus || stdout.String() != want || stderr.Len() > 0 {
						t.Errorf("%s: status %d, %s%s", source, status, &stdout, &stderr)
					}
				}
			}
		})
	}
}

// TestCommandCanNotTell has what keeps a document from being compared; edits change a good one.
func TestCommandCanNotTell(t *testing.T) {
	t.Parallel()
	url := serve(t, nil)
	for name, tt := range map[string]struct {
		args  []string
		text  string
		edits []edit
		want  string
	}{
		"no document":                      {args: []string{}, want: "usage: make drift SPEC="},
		"an empty name":                    {args: []string{""}, want: "usage: make drift SPEC="},
		"no such file":                     {args: []string{"no/such/file"}, want: "drift: can't tell: open no/such/file: no such file or directory"},
		"a directory":                      {args: []string{"."}, want: "drift: can't tell: read .: is a directory"},
		"404":                              {args: []string{url + "/gone"}, want: "drift: can't tell: " + url + "/gone answers 404 Not Found"},
		"nobody listens":                   {args: []string{"http://127.0.0.1:1/"}, want: `drift: can't tell: Get "http://127.0.0.1:1/": dial tcp 127.0.0.1:1: `},
		"a URL that is none":               {args: []string{"http://%/"}, want: `drift: can't tell: parse "http://%/": `},
		"empty":                            {text: "\n", want: "neither JSON nor YAML: "},
		"HTML":                             {text: "<!DOCTYPE html><title>Docs</title>", want: "not OpenAPI: the document is no object"},
		"neither JSON nor YAML":            {text: "{\"openapi\": [", want: "neither JSON nor YAML: "},
		"another document":                 {text: "{}", want: `not OpenAPI: the document has no member "openapi"`},
		"Swagger":                          {text: "swagger: '2.0'", want: "the document is of Swagger 2.0: convert it to OpenAPI 3"},
		"OpenAPI 4":                        {text: "openapi: 4.0.0", want: "the document is of OpenAPI 4.0.0: only 3.x can be compared"},
		"a version that is a number":       {text: "openapi: 3", want: "the document is of OpenAPI 3: only 3.x can be compared"},
		"a $ref that leads nowhere":        {edits: []edit{{members + "organization", ref("Gone")}}, want: `GET /api/sessions/{id}: $ref "#/components/schemas/Gone" leads nowhere`},
		"a $ref to another file":           {edits: []edit{{members + "organization", object{"$ref": "org.yaml#/Organization"}}}, want: `$ref "org.yaml#/Organization" leads out of the document: bundle it into one first`},
		"a $ref to an anchor":              {edits: []edit{{members + "organization", object{"$ref": "#Organization"}}}, want: `$ref "#Organization" leads out of the document`},
		"a $ref into a list":               {edits: []edit{{members + "organization", object{"$ref": "#/tags/0/name"}}}, want: `$ref "#/tags/0/name" leads into a list`},
		"a $ref to itself":                 {edits: []edit{{schemas + "Organization", ref("Organization")}}, want: `$ref "#/components/schemas/Organization" leads to itself`},
		"a path that leads nowhere":        {edits: []edit{{"paths./api/sessions/{id}", object{"$ref": "#/components/pathItems/Gone"}}}, want: `/api/sessions/{id}: $ref "#/components/pathItems/Gone" leads nowhere`},
		"a schema that is none":            {edits: []edit{{members + "state", "string"}}, want: "into openapi3.Schema in /components/schemas/Session/properties/state"},
		"a schema that is broken":          {edits: []edit{{members + "state.required", true}}, want: "into []string in /components/schemas/Session/properties/state/required"},
		"an operation that is none":        {edits: []edit{{"paths./api/sessions/{id}.put", "gone"}}, want: "into openapi3.Operation in /paths/~1api~1sessions~1{id}/put"},
		"parameters that are none of ours": {edits: []edit{{putOp + "parameters", 1}}, want: "into openapi3.Parameters in /paths/~1api~1sessions~1{id}/put/parameters"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tt.edits != nil {
				doc := shipped(t)
				apply(t, doc, tt.edits)
				tt.text = string(encode(t, json.Marshal, doc))
			}
			if tt.text != "" {
				tt.args = []string{store(t, []byte(tt.text))}
			}
			var stdout, stderr bytes.Buffer
			status := Command(t.Context(), tt.args, &stdout, &stderr)
			if status != ExitError || stdout.Len() > 0 || !strings.Contains(stderr.String(), tt.want) {
				t.Errorf("status %d, %s%s", status, &stdout, &stderr)
			}
		})
	}
}

func TestOneDifference(t *testing.T) {
	t.Parallel()
	doc := shipped(t)
	apply(t, doc, []edit{{"paths./api/sessions/{id}.get", nil}})
	var out bytes.Buffer
	status := Command(t.Context(), []string{store(t, encode(t, json.Marshal, doc))}, &out, &out)
	if status != ExitDrift || !strings.HasSuffix(out.String(), "\ndrift: 1 difference; narrower or wider is what the platform documents\n") {
		t.Errorf("status %d, %s", status, &out)
	}
}

func TestNamesMayBeRepeatedElsewhere(t *testing.T) {
	t.Parallel()
	text := strings.Replace(string(kodexa.Spec()), "\npaths:\n", "\npaths:\n  /api/other:\n    get: {responses: {}}\n    get: {responses: {}}\n", 1)
	var out bytes.Buffer
	if status := Command(t.Context(), []string{store(t, []byte(text))}, &out, &out); status != ExitSame || text == string(kodexa.Spec()) {
		t.Errorf("status %d, %s", status, &out)
	}
}

// FuzzLoad looks for a document that Load or Compare do not come back from.
func FuzzLoad(f *testing.F) {
	ours, err := openapi3.NewLoader().LoadFromData(kodexa.Spec())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(kodexa.Spec())
	f.Add([]byte(`{"openapi":"3.1.0","paths":{"/api/sessions/{id}":{"get":{"responses":{"200":{"content":{"application/json":{"schema":{"allOf":[{"$ref":"#/components/schemas/A"}]}}}}}}}},"components":{"schemas":{"A":{"oneOf":[{"$ref":"#/components/schemas/A"},{"type":"null"}]}}}}`))
	f.Fuzz(func(_ *testing.T, data []byte) {
		if theirs, err := Load(data, ours); err == nil {
			Compare(ours, theirs)
		}
	})
}
