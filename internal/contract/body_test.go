package contract

import (
	"bytes"
	"errors"
	"mime/multipart"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// TestConstraintsHold has constraints that the shipped contract lacks. They name their place.
func TestConstraintsHold(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ schema, good, bad, pointer, reason string }{
		{"{required: [a], type: object}", `{"a":1}`, `{}`, "/a", `property "a" is missing`},
		{"{required: [b], type: object, properties: {a: {}, b: {}}}", `{"b":1}`, `{"a":1}`, "/b", `property "b" is missing`},
		{"{additionalProperties: false, type: object}", `{}`, `{"a":"canary"}`, "/a", `property "a" is unsupported`},
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
		{"{allOf: [{type: object, properties: {a: {type: integer}}}, {properties: {A: {type: string}}}]}", `{"a":1,"A":""}`, `{"A":1}`, "/A", "value must be a string"},
		{"{oneOf: [{type: string}, {type: boolean}]}", `true`, `8675309`, "", `value doesn't match any schema from "oneOf"`},
		{"{oneOf: [{type: string}, {type: integer}]}", `1`, `8675309.0`, "", "value is not written as any schema of the union asks for"},
		{"{oneOf: [{type: number}, {type: integer, minimum: 9}]}", `1.0`, `null`, "", `value doesn't match any schema from "oneOf"`},
		{"{anyOf: [{type: string}, {type: boolean}]}", `""`, `8675309`, "", `doesn't match any schema from "anyOf"`},
		{"{type: object, properties: {a: {anyOf: [{type: object, properties: {b: {type: integer}}}]}}}", `{"a":{"b":1}}`, `{"a":{"b":1.0}}`, "/a",
			"value is not written as any schema of the union asks for"},
		{"{not: {type: string}}", `1`, `"canary"`, "", `the value does not match "not" of its schema`},
		{"{type: object, properties: {a/b~c: {type: string}}}", `{"a/b~c":""}`, `{"a/b~c":8675309}`, "/a~1b~0c", "value must be a string"},
		{"{type: object, properties: {a: {type: string, nullable: true, enum: [x, null]}}}", `{"a":null}`, `{"a":"canary"}`, "/a",
			`value is not one of the allowed values ["x",null]`},
		{"{type: object, properties: {a: {allOf: [{type: object}], nullable: true}}}", `{"a":null}`, `{"a":[]}`, "/a", "value must be an object"},
		{"{type: object, properties: {state: {type: string}}}", `{"state":"","x":{"STATE":1}}`, "{\"\u017ftate\":\"canary\"}", "/\u017ftate", `the contract spells this member "state"`},
	} {
		o := exchanging(t, tt.schema, "")
		if got := violations(t, o, tt.good); got != nil {
			t.Errorf("%s: %s: got %+v", tt.schema, tt.good, got)
		}
		if got, want := violations(t, o, tt.bad), []Violation{{tt.pointer, tt.reason}}; !slices.Equal(got, want) {
			t.Errorf("%s: %s: got %+v, want %+v", tt.schema, tt.bad, got, want)
		}
	}
}

func TestWhatGoesOneWayAloneIsRequiredOfNone(t *testing.T) {
	t.Parallel()
	const id, secret = "id: {type: string, readOnly: true}", "secret: {type: string, writeOnly: true}"
	for schema, wants := range map[string]map[string]bool{
		"{type: object, required: [id, secret, n], properties: {" + id + ", " + secret + ", n: {}}}": {
			`{"n":1}`: true, `{"n":1,"id":"x"}`: true, `{"n":1,"secret":"x"}`: true, `{"id":"x","secret":"y"}`: false,
		},
		"{allOf: [{type: object, properties: {" + id + "}}, {type: object, required: [id, n]}]}": {`{"n":1}`: true, `{}`: false},
		"{oneOf: [{type: object, required: [id, n], properties: {" + id + "}}]}":                 {`{"n":1}`: true, `{"id":"x"}`: false},
	} {
		o := exchanging(t, schema, "")
		for body, want := range wants {
			if got := violations(t, o, body); (got == nil) != want {
				t.Errorf("%s: %s: got %v", schema, body, got)
			}
		}
	}
}

func TestMediaTypes(t *testing.T) {
	t.Parallel()
	const wanted = "Content-Type must be application/json"
	o := shipped(t)
	for _, tt := range []struct {
		contentType []string
		encoding    string
		body, want  string
	}{
		{[]string{"application/json"}, "", `{}`, ""},
		{[]string{"application/json; charset=UTF-8"}, "", `{}`, ""},
		{[]string{" Application/JSON;charset=utf-8"}, "", `{}`, ""},
		{nil, "", `{}`, wanted},
		{[]string{}, "", `{}`, wanted},
		{[]string{""}, "", `{}`, wanted},
		{[]string{"text/html; charset=canary"}, "", `{}`, wanted + ", not text/html"},
		{[]string{"text/\x1b[31m\u00e9"}, "", `{}`, wanted + ", not text/?[31m?"},
		{[]string{strings.Repeat("x", 999)}, "", `{}`, wanted + ", not something long"},
		{[]string{"application/json", "text/html"}, "", `{}`, wanted + ", not application/json, text/html"},
		{[]string{"application/json"}, "br", "\x8b\x01\x80", "the body is encoded as br"},
		{[]string{"application/json"}, "gzip", "\x1f\x8b\x08", "the body is encoded as gzip"},
		{[]string{"application/json"}, "identity", "x", "the body is not JSON in UTF-8, at byte 0"},
		{[]string{"application/json"}, "gzip", `{}`, ""}, // whoever decoded it left the header
	} {
		h := http.Header{"X-Api-Key": {"key"}, "Content-Encoding": {tt.encoding}, "Content-Type": tt.contentType}
		answered, _ := o.CheckResponse(http.StatusOK, h, []byte(tt.body))
		sent, _ := o.CheckRequest(sessionPath, "", h, []byte(tt.body))
		for _, got := range [][]Violation{answered, sent} {
			if tt.want == "" && got != nil || tt.want != "" && !slices.Equal(got, []Violation{{"", tt.want}}) {
				t.Errorf("%q %q: got %v", tt.contentType, tt.encoding, got)
			}
		}
	}
	if got, _ := o.CheckResponse(http.StatusOK, nil, []byte(`{}`)); len(got) != 1 {
		t.Errorf("no header: %v", got)
	}
}

func TestBodiesOtherThanJSON(t *testing.T) {
	t.Parallel()
	var upload bytes.Buffer
	w := multipart.NewWriter(&upload)
	part, err := w.CreateFormFile("file", "a.pdf")
	if err == nil {
		_, err = part.Write([]byte("canary\x00"))
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	multi := "multipart/form-data; boundary=" + w.Boundary()
	const form = "application/x-www-form-urlencoded"
	const parts = "schema: {type: object, required: [file], properties: {file: {type: string, format: binary}, n: {type: integer}}}"
	for _, tt := range []struct{ content, contentType, body, want string }{
		{"text/plain: {schema: {type: string}}", "text/plain", "\xff", ""},
		{"text/plain: {schema: {type: string}}", "text/html", "", "Content-Type must be text/plain, not text/html"},
		{"application/octet-stream: {}", "application/octet-stream", "\xff", ""},
		{"'*/*': {schema: {type: object}}", "image/png", "\xff", ""},
		{"'*/*': {schema: {type: object}}", "", "\xff", ""},
		{"'*/*': {schema: {type: object}}", jsonType, "1", "value must be an object"},
		{"'application/*': {}", "text/plain", "", "Content-Type must be application/*, not text/plain"},
		{"application/problem+json: {schema: {type: object}}", "application/problem+json", "1", "value must be an object"},
		{"application/json: {}", jsonType, "{} x", "there is more after the value, at byte 2"},
		{"application/json: {}", jsonType, "null", ""},
		{"multipart/form-data: {" + parts + "}", multi, upload.String(), ""},
		{"multipart/form-data: {" + parts + "}", multi, strings.ReplaceAll(upload.String(), "file", "n"), `/file: property "file" is missing/n: value must be an integer`},
		{"multipart/form-data: {" + parts + "}", multi, "--" + w.Boundary() + "--", `/file: property "file" is missing`},
		{"multipart/form-data: {" + parts + "}", "multipart/form-data", "x", "the body can't be read as multipart/form-data"},
		{form + ": {" + parts + "}", form, "file=x&n=1", ""},
		{form + ": {" + parts + "}", form, "n=1", `/file: property "file" is missing`},
		{form + ": {" + parts + "}", form, "file=x&n=canary", "the body can't be read as " + form},
		{form + ": {}", form, "%", ""},
	} {
		o := thing(t, "requestBody: {content: {"+tt.content+`}}, responses: {"200": {description: ok, content: {`+tt.content+"}}}", "")
		h := http.Header{"Content-Type": {tt.contentType}}
		got, cause := o.CheckResponse(http.StatusOK, h, []byte(tt.body))
		checkCause(t, cause)
		if tt.body != "" {
			if sent, _ := o.CheckRequest("/thing/1", "", h, []byte(tt.body)); !slices.Equal(sent, got) {
				t.Errorf("%s: %s: as request %v, as answer %v", tt.content, tt.contentType, sent, got)
			}
		}
		text := ""
		for _, v := range got {
			text += strings.TrimPrefix(v.Pointer+": "+v.Reason, ": ")
		}
		if text != tt.want {
			t.Errorf("%s: %s: got %q, want %q", tt.content, tt.contentType, text, tt.want)
		}
	}
}

// TestAnUploadIsNotCopied is not parallel: it measures memory.
func TestAnUploadIsNotCopied(t *testing.T) { //nolint:paralleltest // see above
	const form = "multipart/form-data; boundary=b"
	o := thing(t, "requestBody: {content: {multipart/form-data: {schema: {type: object, required: [label], "+
		`properties: {label: {type: string}, file: {type: string, format: binary, minLength: 9}}}}}}, responses: {"204": {description: ok}}`, "")
	file := "--b\r\nContent-Disposition: form-data; name=file; filename=f\r\nContent-Type: image/png\r\n\r\n" + strings.Repeat("--bytes\r\n", 1<<20)
	label := "\r\n--b\r\nContent-Disposition: form-data; name=label\r\n\r\nx"
	for body, want := range map[string][]Violation{file + label: nil, file: {{"/label", `property "label" is missing`}}} {
		upload := []byte(body + "\r\n--b--\r\n")
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		got, _ := o.CheckRequest("/thing/1", "", header("Content-Type", form), upload)
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; !slices.Equal(got, want) || took > 2<<20 {
			t.Errorf("got %v, %d bytes allocated for %d", got, took, len(upload))
		}
	}
}

func TestDepth(t *testing.T) {
	t.Parallel()
	const list = "{$ref: '#/components/schemas/List'}"
	o := exchanging(t, list, "schemas: {List: {type: array, items: "+list+"}}")
	free := exchanging(t, "{}", "")
	for depth, want := range map[int]string{
		maxDepth:     "",
		maxDepth + 1: "the JSON text is nested more than 10000 levels deep",
		200_000:      "the JSON text is nested more than 10000 levels deep",
	} {
		body := strings.Repeat("[", depth) + strings.Repeat("]", depth)
		for _, o := range []*Operation{o, free} {
			if got := violations(t, o, body); want == "" && got != nil || want != "" && !slices.Equal(got, []Violation{{"", want}}) {
				t.Errorf("depth %d: got %v", depth, got)
			}
		}
		if got, ok := o.Decodable(http.StatusOK, header("Content-Type", jsonType), []byte(body)); ok != (want == "") || ok && string(got) != body {
			t.Errorf("depth %d can be decoded: %t", depth, ok)
		}
	}
	body := strings.Repeat("[", maxDepth-1) + "1" + strings.Repeat("]", maxDepth-1)
	if got := violations(t, o, body); len(got) != 1 || got[0].Reason != "value must be an array" || len(got[0].Pointer) != 2*(maxDepth-1) {
		t.Errorf("got %.300v", got)
	}
}

func TestManyViolations(t *testing.T) {
	t.Parallel()
	o := exchanging(t, "{type: array, items: {type: integer}}", "")
	for _, item := range []string{`"canary",`, `1.0,`} {
		body := "[" + strings.Repeat(item, 2*maxViolations) + "1]"
		got := violations(t, o, body)
		if len(got) != maxViolations || !slices.IsSortedFunc(got, func(a, b Violation) int { return strings.Compare(a.Pointer, b.Pointer) }) {
			t.Errorf("%d violations of %s: %v", len(got), item, got)
		}
	}
	body := "[" + strings.Repeat(`"canary",`, maxListed/9+1) + "1]"
	if got := violations(t, o, body); !slices.Equal(got, []Violation{{"/0", "value must be an integer"}}) {
		t.Errorf("of a large body: %v", got)
	}
}

func TestAPanicIsAViolation(t *testing.T) {
	t.Parallel()
	var f findings
	func() {
		defer func() { f.list, f.cause = f.result(recover() != nil) }()
		panic("x")
	}()
	if !slices.Equal(f.list, []Violation{{"", "kin-openapi can't check the message"}}) {
		t.Errorf("got %v", f.list)
	}
}
func TestDecodable(t *testing.T) {
	t.Parallel()
	const object = `{type: object, required: [r], properties: {
	  n: {type: integer, format: int32}, t: {type: string, format: date-time}, l: {type: array, items: {type: string}}, o: {$ref: "#/components/schemas/O"},
	  e: {type: string, enum: [A]}, u: {oneOf: [{type: string}, {type: integer}]}, z: {type: string, nullable: true}, b: {type: boolean},
	  w: {nullable: true, allOf: [{$ref: "#/components/schemas/O"}]}, ll: {type: array, items: {type: array, items: {type: integer}}},
	  os: {type: array, items: {$ref: "#/components/schemas/O"}}, m: {type: object, additionalProperties: {type: number}}, any: {}, r: {type: string}, c: {type: object, additionalProperties: false, properties: {a: {type: string}}}}}`
	const unchanged = "="
	o := exchanging(t, object, "schemas: {O: {type: object, additionalProperties: {type: integer}, properties: {a: {type: string}}}}")
	for body, want := range map[string]string{
		`{"n":1,"x":1.10e400}`:                              unchanged,
		` {"e":"B","u":true,"z":null,"w":null, "any":null}`: unchanged,
		`{"State":1,"R":"x"}`:                               unchanged,
		`{"n":1.0,"x":1.10,"y":[1E400]}`:                    `{"x":1.10,"y":[1E400]}`,
		`{"n":2147483648,"t":"2023-11-07T05:31:56"}`:        `{}`,
		`{"t":"2023-11-07T05:31:56Z","n":null,"b":1}`:       `{"t":"2023-11-07T05:31:56Z"}`,
		`{"l":["a",1],"b":true}`:                            `{"b":true}`,
		`{"l":["a",null],"b":true}`:                         `{"b":true}`,
		`{"l":{}}`:                                          `{}`,
		`{"ll":[[1],[1.5]],"any":[1.5]}`:                    `{"any":[1.5]}`,
		`{"o":{"a":1,"k":1,"j":"x"}}`:                       `{"o":{"k":1}}`,
		`{"w":{"a":1}}`:                                     `{"w":{}}`,
		`{"o":[],"os":[{"a":1},{"a":"x"}]}`:                 `{"os":[{},{"a":"x"}]}`,
		`{"os":[1]}`:                                        `{}`,
		`{"m":{"a":1e400,"b":12345678901234567890.10}}`:     `{"m":{"b":12345678901234567890.10}}`,
		`{"x":{"a":1,"a":2},"n":1}`:                         `{"n":1,"x":{"a":2}}`,
		`{"c":{"a":"x"}}`:                                   unchanged,
		`{"c":{"a":"x","b":1,"A":null},"x":1.10}`:           `{"c":{"a":"x"},"x":1.10}`,
		`null`:             "",
		`[]`:               "",
		`"x"`:              "",
		``:                 "",
		`{"n":1} x`:        "",
		`{"n":`:            "",
		"{\"r\":\"\xff\"}": "",
	} {
		if want == unchanged {
			want = body
		}
		got, ok := o.Decodable(http.StatusOK, header("Content-Type", jsonType), []byte(body))
		if string(got) != want || ok != (want != "") {
			t.Errorf("%s: got %s, %t; want %s", body, got, ok, want)
		}
	}
}

func TestDecodableKnowsStatusAndMediaType(t *testing.T) {
	t.Parallel()
	o := thing(t, `responses: {"200": {description: a, content: {application/json: {schema: {type: object}}, text/plain: {}}}, "204": {description: b}}`, "")
	for _, tt := range []struct {
		status      int
		contentType string
		want        bool
	}{
		{200, jsonType, true},
		{200, "text/plain", true},
		{200, "text/html", false},
		{201, jsonType, false},
		{204, "", true},
	} {
		if got, ok := o.Decodable(tt.status, header("Content-Type", tt.contentType), []byte(`{}`)); ok != tt.want || ok && string(got) != `{}` {
			t.Errorf("%d %s: got %s, %t", tt.status, tt.contentType, got, ok)
		}
	}
}

// FuzzDecodable shows that what is left of a body breaks the contract by nothing that Go types can't hold.
func FuzzDecodable(f *testing.F) {
	for _, row := range brokenBodies(f) {
		f.Add(append(row.Base64, row.Body...))
	}
	for _, file := range glob(f, "../../api/examples/*.json") {
		f.Add(readFile(f, file))
	}
	o := shipped(f)
	h := header("Content-Type", jsonType)
	f.Fuzz(func(t *testing.T, body []byte) {
		got, ok := o.Decodable(http.StatusOK, h, body)
		if found := violations(t, o, string(body)); found == nil && (!ok || string(got) != string(body)) {
			t.Fatalf("%q keeps the contract and becomes %q", body, got)
		}
		if !ok {
			return
		}
		for _, v := range violations(t, o, string(got)) {
			if !strings.HasPrefix(v.Reason, "the contract spells") {
				t.Errorf("%q becomes %q: %v", body, got, v)
			}
		}
	})
}
