package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/uuid"

	kodexa "github.com/kodexa-community/kodexa-go"
	"github.com/kodexa-community/kodexa-go/kodexatest"
)

const canary = "kanarienvogel"

var sessionID = uuid.MustParse("8675309e-29b4-41d4-a716-446655440000")

// canaries is a session with a canary at every place: text, number 8675309, day 1987-06-05.
// Each is too long to come out of the replacement by chance: four digits did.
const canaries = `{
  "changeSequence": 8675309, "createdOn": "1987-06-05T04:03:02.100Z", "id": "8675309e-29b4-41d4-a716-446655440000",
  "organization": {
    "authGroupLink": {"authGroup": "kanarienvogel-members", "link": "https://bob:kanarienvogel@kanarienvogel.example:8675309/kanarienvogel?kanarienvogel=8675309#kanarienvogel"},
    "changeSequence": 8675309, "createdOn": "1987-06-05T04:03:02+00:00", "description": "Kanarienvogel & Söhne – KANARIENVOGEL",
    "features": {"kanarienvogel": true, "8675309": 8675309, "a": {"kanarienvogel": ["kanarienvogel"]}},
    "id": "8675309e-29b4-41d4-a716-446655440000", "memory": {"orderedDashboards": ["kanarienvogel", "kanarienvogel", ""]},
    "name": "bob.kanarienvogel@kanarienvogel.example", "organizationStatus": "KANARIENVOGEL",
    "properties": {"kanarienvogel@kanarienvogel.example": "kanarienvogel", "apiKey": "kanarienvogel!?", "day": "1987-06-05", "n": -8675309.8675309e2},
    "searchText": "it has !!kanarienvogel!! and !!-!! in it", "slug": "kanarienvogel-inc", "stripeCustomerId": "cus_Kanarienvogel8675309",
    "supportAccessExpiresAt": "1987-06-05T04:03:02.000000-00:00", "updatedOn": "1987-06-05T04:03:02Z", "uuid": "8675309E29B441D4A716446655440000"
  },
  "organizationId": null, "state": "KANARIENVOGEL", "token": "!!-!!", "updatedOn": "1987-06-05T04:03:02.001+02:00",
  "uuid": "8675309e29b441d4a716446655440000",
  "lastSeen": "1987-06-05T04:03:02", "users": {"kanarienvogel": {"password": "kanarienvogel", "tokens": ["kanarienvogel", 8675309]}}, "kanarienvogel@home": 8675309
}`

// wantNoCanary fails if a text has a value of canaries, in letters of either case.
func wantNoCanary(t *testing.T, what, text string) {
	t.Helper()
	for _, value := range []string{canary, "8675309", "1987-06-05", "1987309e", "!!-!!", "29b4-41d4"} {
		if strings.Contains(strings.ToLower(text), value) {
			t.Errorf("%s has %q: %s", what, value, text)
		}
	}
}

// platform is a server that answers with a body, and a function that records from it.
func platform(t *testing.T, h http.HandlerFunc) func(id string, opts ...kodexa.Option) (status int, stdout, stderr, dir string) {
	t.Helper()
	server := kodexatest.NewServer()
	t.Cleanup(server.Close)
	if h != nil {
		server.Enqueue(h)
	}
	dir := t.TempDir()
	return func(id string, opts ...kodexa.Option) (int, string, string, string) {
		var stdout, stderr bytes.Buffer
		own := []kodexa.Option{
			kodexa.WithBaseURL(server.URL), kodexa.WithAPIKey(server.APIKey), kodexa.WithRetry(kodexa.RetryPolicy{BaseDelay: time.Microsecond}),
		}
		status := command(t.Context(), dir, []string{id}, &stdout, &stderr, append(own, opts...)...)
		wantNoCanary(t, "stdout", stdout.String())
		wantNoCanary(t, "stderr", stderr.String())
		return status, stdout.String(), stderr.String(), dir
	}
}

func answer(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

func filesIn(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestRecord(t *testing.T) {
	t.Parallel()
	record := platform(t, answer(http.StatusOK, "application/json", canaries))
	status, stdout, stderr, dir := record(sessionID.String())
	file := filepath.Join(dir, "recorded.json")
	want := "record: stored " + file + `, with other values in the place of the platform's
  at "/organization/authGroupLink/link": the contract does not name this member
  at "/lastSeen": the contract does not name this member
  at "/users": the contract does not name this member
`
	if status != exitStored || stdout != want || stderr != "" {
		t.Fatalf("status %d, %s%s", status, stdout, stderr)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	wantNoCanary(t, "the file", string(text))

	session, err := kodexa.ParseSession(text)
	if err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(session)
	if err != nil {
		t.Fatal(err)
	}
	var was, is any
	if err := json.Unmarshal(text, &was); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(again, &is); err != nil || fmt.Sprint(was) != fmt.Sprint(is) {
		t.Errorf("as an example it does not come back as it is: %s, %v", again, err)
	}
	if plain := strings.ReplaceAll(*session.ID, "-", ""); *session.UUID != plain || *session.Organization.UUID != strings.ToUpper(plain) || *session.Organization.ID != *session.ID {
		t.Errorf("what was the same is not any more: %s", text)
	}
	if boards := *session.Organization.Memory.OrderedDashboards; boards[0] != boards[1] || boards[2] != "" {
		t.Errorf("what was the same is not any more: %q", boards)
	}
	if *session.Token != Secret || *session.Organization.SearchText != Secret {
		t.Errorf("the token is %s", text)
	}
	if !session.OrganizationID.IsNull() || !bytes.HasSuffix(text, []byte("}\n")) || !bytes.HasPrefix(text, []byte("{\n  \"changeSequence\": ")) {
		t.Errorf("%s", text)
	}
}

func TestRecordsStandSideBySide(t *testing.T) {
	t.Parallel()
	server := kodexatest.NewServer()
	defer server.Close()
	server.SetSession(kodexa.Session{ID: new(sessionID.String()), ChangeSequence: new(int32(7))})
	dir := t.TempDir()
	for range 3 {
		var out bytes.Buffer
		status := command(t.Context(), dir, []string{sessionID.String()}, &out, &out, kodexa.WithBaseURL(server.URL), kodexa.WithAPIKey(server.APIKey))
		if status != exitStored {
			t.Fatalf("status %d, %s", status, &out)
		}
	}
	want := []string{filepath.Join(dir, "recorded-2.json"), filepath.Join(dir, "recorded-3.json"), filepath.Join(dir, "recorded.json")}
	if got := filesIn(t, dir); !slices.Equal(got, want) {
		t.Errorf("stored %q", got)
	}
}

// TestAnswerThatBreaksTheContractIsNotStored has canaries in what is wrong.
func TestAnswerThatBreaksTheContractIsNotStored(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		h    http.HandlerFunc
		want string
	}{
		"a date-time without a zone": {
			answer(200, "application/json", `{"createdOn": "1987-06-05T04:03:02", "organization": {"name": 8675309}}`),
			"  at \"/createdOn\": string doesn't match the format \"date-time\" (value must be a date-time, such as 2023-11-07T05:31:56Z)\n  at \"/organization/name\": value must be a string\n",
		},
		"an item":         {answer(200, "application/json", `{"organization": {"memory": {"orderedDashboards": ["kanarienvogel", 8675309]}}}`), "  at \"/organization/memory/orderedDashboards/1\": value must be a string\n"},
		"another case":    {answer(200, "application/json", `{"State": "kanarienvogel"}`), "  at \"/State\": the contract spells this member \"state\"\n"},
		"a name twice":    {answer(200, "application/json", `{"organization": {"features": {"kanarienvogel@8675309": 1, "kanarienvogel@8675309": 1}}}`), "  at \"/organization/features/…\": the member name is repeated\n"},
		"another session": {answer(200, "application/json", `{"id": "1987309e-29b4-41d4-a716-446655440000"}`), "  at \"/id\": value must be the id in the path\n"},
		"HTML":            {answer(200, "text/html; charset=kanarienvogel", `<title>kanarienvogel</title>`), "  at \"\": Content-Type must be application/json, not text/html\n"},
		"no JSON":         {answer(200, "application/json", `kanarienvogel`), "  at \"\": the body is not JSON in UTF-8, at byte 0\n"},
		"a list":          {answer(200, "application/json", `["kanarienvogel"]`), "  at \"\": value must be an object\n"},
		"a status":        {answer(201, "application/json", `{"state": "kanarienvogel"}`), "  at \"\": status is not supported\n"},
	} {
		status, stdout, stderr, dir := platform(t, tt.h)(sessionID.String())
		const first = "record: the answer breaks the contract; nothing is stored\n"
		if status != exitBreaks || !strings.HasPrefix(stdout, first) || strings.TrimPrefix(stdout, first) != tt.want || stderr != "" {
			t.Errorf("%s: status %d, %s%s", name, status, stdout, stderr)
		}
		if files := filesIn(t, dir); len(files) > 0 {
			t.Errorf("%s: stored %q", name, files)
		}
	}
}

func TestNoAnswer(t *testing.T) {
	t.Parallel()
	const message = `{"message": "kanarienvogel 8675309"}`
	for name, tt := range map[string]struct {
		h    http.HandlerFunc
		id   string
		opts []kodexa.Option
		want string
	}{
		"no such session":   {want: "record: the platform answers 404 Not Found: check ID and KODEXA_URL\n"},
		"another key":       {opts: []kodexa.Option{kodexa.WithAPIKey(canary)}, want: "record: the platform answers 401 Unauthorized: check KODEXA_API_KEY and KODEXA_URL\n"},
		"forbidden":         {h: answer(403, "application/json", message), want: "record: the platform answers 403 Forbidden: use a key that may read the session\n"},
		"a redirect":        {h: answer(307, "application/json", message), want: "record: the platform answers 307 Temporary Redirect\n"},
		"an error":          {h: answer(500, "text/plain", canary), want: "record: the platform answers 500 Internal Server Error\n"},
		"nobody there":      {opts: []kodexa.Option{kodexa.WithBaseURL("http://127.0.0.1:1")}, want: "record: dial tcp 127.0.0.1:1: connect: "},
		"no key":            {opts: []kodexa.Option{kodexa.WithAPIKey("")}, want: "record: kodexa: API key is empty"},
		"no UUID":           {id: canary, want: "record: ID is not a UUID\n"},
		"no id":             {id: " ", want: "record: ID is not a UUID\n"},
		"an answer too big": {h: answer(200, "application/json", canaries), opts: []kodexa.Option{kodexa.WithMaxResponseBytes(64)}, want: "record: 200 OK: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tt.id == "" {
				tt.id = sessionID.String()
			}
			status, stdout, stderr, dir := platform(t, tt.h)(tt.id, tt.opts...)
			if status != exitError || stdout != "" || !strings.HasPrefix(stderr, tt.want) {
				t.Errorf("status %d, %s%s", status, stdout, stderr)
			}
			if files := filesIn(t, dir); len(files) > 0 {
				t.Errorf("stored %q", files)
			}
		})
	}
}

func TestCommandReadsTheEnvironment(t *testing.T) {
	server := kodexatest.NewServer()
	defer server.Close()
	server.SetSession(kodexa.Session{ID: new(sessionID.String()), ChangeSequence: new(int32(7))})
	realistic, err := os.ReadFile("../../../api/examples/realistic.json")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	t.Setenv("KODEXA_URL", server.URL)
	t.Setenv("KODEXA_API_KEY", server.APIKey)
	run := func(wantStatus int, want string, args ...string) {
		t.Helper()
		var out bytes.Buffer
		if status := Command(t.Context(), args, &out, &out); status != wantStatus || !strings.HasPrefix(out.String(), want) {
			t.Errorf("%q: status %d, %s", args, status, &out)
		}
	}
	run(exitError, "record: usage: KODEXA_URL=")
	run(exitError, "record: usage: KODEXA_URL=", "")
	run(exitError, "record: open api/examples/recorded.json: ", sessionID.String())
	run(exitError, "record: open api/examples/realistic.json: ", "demo")
	if err := errors.Join(os.MkdirAll("api/examples", 0o750), os.WriteFile("api/examples/realistic.json", realistic, 0o600)); err != nil {
		t.Fatal(err)
	}
	run(exitStored, "record: stored api/examples/recorded.json, ", sessionID.String())
	t.Setenv("KODEXA_API_KEY", "")
	t.Setenv("KODEXA_URL", "")
	run(exitStored, "record: stored api/examples/recorded-2.json, ", "demo")
	run(exitError, "record: kodexa: no API key", sessionID.String())
}

func TestValuesOfTheSameKind(t *testing.T) {
	t.Parallel()
	for was, pattern := range map[string]string{
		`null`: `null`, `true`: `true|false`, `""`: `""`, `0`: `0`, `-0`: `0`, `7`: `[1-6]`, `1`: `2`, `10`: `1[1-9]`, `-2147483648`: `-1\d{9}`, `9.5e10`: `[1-8]\.[0-46-9]e10`,
		`0.10`: `0\.1[1-9]`, `"OPEN"`: `"[A-Z]{4}"`, `"eu-central-1"`: `"[a-z]{2}-[a-z]{7}-[02-9]"`, `"cus_N9"`: `"[a-z]{3}_[A-Z][0-8]"`,
		`"3F2B8C1E-6D4A-4F0B-9A57-1C8E2D7B6A90"`: `"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}"`, `"3f2b8c1e6d4a4f0b9a571c8e2d7b6a90"`: `"[0-9a-f]{32}"`,
		`"2023-11-07"`: `"201\d-\d\d-\d\d"`, `"2023-11-07T05:31:56Z"`: `"201\d-\d\d-\d\dT\d\d:\d\d:\d\dZ"`, `"2023-11-07T05:31:56.000"`: `"201\d-\d\d-\d\dT\d\d:\d\d:\d\d\.[1-9]{3}"`,
		`"2023-11-07 05:31+0000"`: `"201\d-\d\d-\d\d \d\d:\d\d[+-]\d{4}"`, `"2023-11-07t05:31:56,1z"`: `"201\d-\d\d-\d\dt\d\d:\d\d:\d\d,[1-9]z"`,
		`"ann@acme.com"`: `"[a-z]{3}@example\.com"`, `"https://acme.com:80/a?b=1"`: `"https://example\.com/[b-z]\?[ac-z]=[02-9]"`, `"Öl ä •"`: `"Ä[a-km-z] ö ◦"`,
		`[1,[]]`: `\[\n  2,\n  \[\]\n\]`, `{"a":{}}`: `\{\n  "[b-z]": \{\}\n\}`, `{"token":"a","x":"a pear"}`: `\{\n  "[a-z]{5}": "a-secret-was-here",\n  "[a-wyz]": "[b-z] [a-z]{4}"\n\}`, `{"secret":["a",5,true]}`: `\{\n  "[a-z]{6}": \[\n    "a-secret-was-here",\n    0,\n    (true|false)\n  \]\n\}`,
	} {
		var r replacer
		got, err := r.replace([]byte(was), nil)
		if err != nil || !regexp.MustCompile(`^(?:`+pattern+`)\n$`).Match(got) {
			t.Errorf("%s becomes %s, %v, want %s", was, got, err, pattern)
		}
	}
}

func TestNamesAndEnumsOfTheContractStay(t *testing.T) {
	t.Parallel()
	schema := openapi3.NewObjectSchema()
	state := openapi3.NewStringSchema().WithEnum("OPEN", "CLOSED")
	list := openapi3.NewArraySchema()
	list.Items = &openapi3.SchemaRef{Value: &openapi3.Schema{OneOf: openapi3.SchemaRefs{openapi3.NewObjectSchema().WithProperty("inner", state).NewRef()}}}
	values := openapi3.NewObjectSchema()
	values.AdditionalProperties.Schema = openapi3.NewObjectSchema().WithProperty("known", state).NewRef()
	schema.WithProperty("state", state).WithProperty("list", list).WithProperty("map", values)
	all := &openapi3.Schema{AllOf: openapi3.SchemaRefs{schema.NewRef()}}
	const text = `{"state":"OPEN","list":[{"inner":"CLOSED"}],"map":{"ann":{"known":"OPEN"},"bob":{"known":"SECRET"}}}`
	var r replacer
	got, err := r.replace([]byte(text), all)
	want := regexp.MustCompile(`^{"state":"OPEN","list":\[{"inner":"CLOSED"}\],"map":{"(\w{3})":{"known":"OPEN"},"(\w{3,4})":{"known":"[A-Z]{6}"}}}$`)
	var compact bytes.Buffer
	if err := json.Compact(&compact, got); err != nil {
		t.Fatal(err)
	}
	if names := want.FindStringSubmatch(compact.String()); err != nil || names == nil || names[1] == "ann" || names[2] == "bob" {
		t.Errorf("%s, %v", &compact, err)
	}
}

func TestManyShortNamesStayApart(t *testing.T) {
	t.Parallel()
	object := map[string]int{}
	for i := range 200 {
		object[fmt.Sprint(i)] = i
	}
	text, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	var r replacer
	got, err := r.replace(text, nil)
	if err != nil {
		t.Fatal(err)
	}
	clear(object)
	if err := json.Unmarshal(got, &object); err != nil || len(object) != 200 {
		t.Errorf("%d, %v", len(object), err)
	}
}

// FuzzReplace looks for a text that is not JSON afterwards, or in which a long value is left.
func FuzzReplace(f *testing.F) {
	schema, err := sessionSchema()
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(canaries))
	f.Add([]byte(`{"token":"abcd","a":"xabcdx","é/~":[1e5,"2023-11-07T05:31:56.1Z"]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var r replacer
		got, err := r.replace(text, schema)
		if err != nil {
			return
		}
		if !json.Valid(got) {
			t.Fatalf("%q becomes %q", text, got)
		}
		for was := range r.texts {
			isName := bytes.Contains(kodexa.Spec(), []byte(was)) || strings.Contains(strings.Join(r.unnamed, ""), was)
			if isLong := regexp.MustCompile(`[A-Za-z]{8}`).MatchString(was); isLong && !isName && bytes.Contains(got, []byte(was)) {
				t.Fatalf("%q is left in %q", was, got)
			}
		}
		for _, secret := range r.secrets {
			if len(secret) > 8 && bytes.Contains(got, []byte(secret)) && !strings.Contains(Secret, secret) {
				t.Fatalf("the secret %q is left in %q", secret, got)
			}
		}
	})
}
