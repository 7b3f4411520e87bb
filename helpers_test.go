package kodexa_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	kodexa "github.com/kodexa-community/kodexa-go"
	"github.com/kodexa-community/kodexa-go/kodexatest"
)

const jsonMedia = "application/json"

var (
	sessionID   = uuid.MustParse("3f2b8c1e-6d4a-4f0b-9a57-1c8e2d7b6a90")
	sessionPath = "/api/sessions/" + sessionID.String()
	operation   = "PUT " + sessionPath
	checkout    = os.DirFS(".")
	oneTry      = kodexa.WithRetry(kodexa.RetryPolicy{MaxAttempts: 1})
)

// door is a way to an operation.
type door struct {
	operationID, method string
	changes             bool
	call                func(context.Context, *kodexa.Client, kodexa.Session) (*kodexa.Session, error)
}

// doors are the ways to update a session, readers those to read it, and every door is one of them: what holds for one
// holds for the others.
var (
	doors   = doorsOf(http.MethodPut)
	readers = doorsOf(http.MethodGet)
)

var everyDoor = map[string]door{
	"UpdateSession": {"updateSession", http.MethodPut, true,
		func(ctx context.Context, c *kodexa.Client, s kodexa.Session) (*kodexa.Session, error) {
			return c.UpdateSession(ctx, sessionID, s)
		}},
	"API": {"updateSession", http.MethodPut, true,
		func(ctx context.Context, c *kodexa.Client, s kodexa.Session) (*kodexa.Session, error) {
			res, err := c.API().UpdateSessionWithResponse(ctx, sessionID, s)
			if res == nil {
				return nil, err
			}
			return res.JSON200, err
		}},
	"GetSession": {"getSession", http.MethodGet, false,
		func(ctx context.Context, c *kodexa.Client, _ kodexa.Session) (*kodexa.Session, error) {
			return c.GetSession(ctx, sessionID)
		}},
	"API, reading": {"getSession", http.MethodGet, false,
		func(ctx context.Context, c *kodexa.Client, _ kodexa.Session) (*kodexa.Session, error) {
			res, err := c.API().GetSessionWithResponse(ctx, sessionID)
			if res == nil {
				return nil, err
			}
			return res.JSON200, err
		}},
}

func doorsOf(method string) map[string]func(context.Context, *kodexa.Client, kodexa.Session) (*kodexa.Session, error) {
	all := map[string]func(context.Context, *kodexa.Client, kodexa.Session) (*kodexa.Session, error){}
	for name, d := range everyDoor {
		if d.method == method {
			all[name] = d.call
		}
	}
	return all
}

// testCase knows where in this file it stands.
type testCase struct{ name, place string }

func at(name string) testCase {
	_, file, line, _ := runtime.Caller(1)
	return testCase{name, fmt.Sprintf("%s:%d: %s", filepath.Base(file), line, name)}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func startServer(t *testing.T) *kodexatest.Server {
	t.Helper()
	server := kodexatest.NewServer()
	t.Cleanup(server.Close)
	return server
}

// answerWith answers with contentType, or without Content-Type if it is empty.
func answerWith(status int, contentType string, body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = nil
		if contentType != "" {
			w.Header().Set("Content-Type", contentType)
		}
		w.WriteHeader(status)
		_, _ = w.Write(body)
	}
}

// callError never returns nil, so that the rows after a failing one are tested as well. Nor do contractError and apiError.
func callError(t *testing.T, place string, err error) *kodexa.CallError {
	t.Helper()
	failed, ok := err.(*kodexa.CallError)
	if !ok {
		t.Errorf("%s: got %T: %v, want an error of a call", place, err, err)
		return &kodexa.CallError{}
	}
	return failed
}

func contractError(t *testing.T, place string, err error) *kodexa.ContractError {
	t.Helper()
	broken, ok := errors.AsType[*kodexa.ContractError](err)
	if !ok || len(broken.Violations) == 0 {
		t.Errorf("%s: got %T: %v, want a violation of the contract", place, err, err)
		return &kodexa.ContractError{Violations: make([]kodexa.Violation, 1)}
	}
	return broken
}

func apiError(t *testing.T, place string, err error) *kodexa.APIError {
	t.Helper()
	answer, ok := errors.AsType[*kodexa.APIError](err)
	if !ok {
		t.Errorf("%s: got %T: %v, want an error of the platform", place, err, err)
		return &kodexa.APIError{}
	}
	return answer
}

// refusal is what is wanted of a ContractError, and of the CallError around it.
type refusal struct {
	door      door // the update by default
	in        kodexa.Part
	status    int
	body      []byte
	violation kodexa.Violation
}

func wantRefusedResponse(t *testing.T, place string, got *kodexa.Session, err error, want refusal) {
	t.Helper()
	want.in = kodexa.InResponse
	if got != nil {
		t.Errorf("%s: got a result", place)
	}
	wantRefusal(t, place, err, want)
	if isUpdate := want.door.call == nil || want.door.changes; errors.Is(err, kodexa.ErrOutcomeUnknown) != isUpdate {
		t.Errorf("%s: an answer is refused, and errors.Is(err, ErrOutcomeUnknown) is %t", place, !isUpdate)
	}
}

func wantRefusedRequest(t *testing.T, place string, err error, body []byte, v kodexa.Violation) {
	t.Helper()
	wantRefusal(t, place, err, refusal{in: kodexa.InRequest, body: body, violation: v})
	if errors.Is(err, kodexa.ErrOutcomeUnknown) {
		t.Errorf("%s: nothing was sent, but the error is ErrOutcomeUnknown", place)
	}
}

func wantRefusal(t *testing.T, place string, err error, want refusal) {
	t.Helper()
	if want.door.call == nil {
		want.door = everyDoor["UpdateSession"]
	}
	failed, broken := callError(t, place, err), contractError(t, place, err)
	if !slices.Equal(broken.Violations, []kodexa.Violation{want.violation}) {
		t.Errorf("%s: got %+v, want %+v", place, broken.Violations, want.violation)
	}
	if broken.In != want.in || broken.StatusCode != want.status || failed.Err != error(broken) {
		t.Errorf("%s: got %v %d, %T", place, broken.In, broken.StatusCode, failed.Err)
	}
	if failed.Operation != want.door.operationID || failed.Method != want.door.method || failed.Path != sessionPath {
		t.Errorf("%s: got %s %s %s", place, failed.Operation, failed.Method, failed.Path)
	}
	if sent := want.in == kodexa.InResponse; sent != (failed.Attempts > 0) {
		t.Errorf("%s: %d attempts", place, failed.Attempts)
	}
	if !bytes.Equal(broken.Body, want.body) {
		t.Errorf("%s: Body is %q", place, broken.Body)
	}
	text := "kodexa: " + want.door.method + " " + sessionPath + ": "
	if want.status != 0 {
		text += strings.TrimSpace(fmt.Sprintf("%d %s", want.status, http.StatusText(want.status))) + ": "
	}
	text += string(want.in) + " breaks the contract"
	if want.violation.Pointer != "" {
		text += " at " + want.violation.Pointer
	}
	text += ": " + want.violation.Reason
	if failed.Attempts > 1 {
		text += fmt.Sprintf(" (after %d attempts)", failed.Attempts)
	}
	if errors.Is(err, kodexa.ErrOutcomeUnknown) {
		text += ": the request may have been applied"
	}
	if fmt.Sprint(err) != text {
		t.Errorf("%s: got the text %q, want %q", place, err, text)
	}
	text = strings.ReplaceAll(text, sessionPath, "") // says the id, which is no secret
	for _, value := range valuesIn(want.body) {
		if regexp.MustCompile(`(^|[^-\w])` + regexp.QuoteMeta(value) + `($|\W)`).MatchString(text) {
			t.Errorf("%s: the text repeats the value %s: %q", place, value, text)
		}
	}
}

// valuesIn returns the strings and numbers that a JSON text has up to its first error, and canary in any case.
func valuesIn(body []byte) []string {
	values := []string{"canary"}
	dec := jsontext.NewDecoder(bytes.NewReader(body), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	for {
		token, err := dec.ReadToken()
		if err != nil {
			return values
		}
		parent, length := dec.StackIndex(dec.StackDepth())
		isName := parent == '{' && length%2 == 1
		if kind := token.Kind(); (kind == '"' || kind == '0') && !isName && token.String() != "" {
			values = append(values, token.String())
		}
	}
}

func wantSameJSON(t *testing.T, place string, got, want []byte) {
	t.Helper()
	if !reflect.DeepEqual(decodeExactly(t, place, got), decodeExactly(t, place, want)) {
		t.Errorf("%s: got %s, want %s", place, got, want)
	}
}

// decodeExactly keeps numbers as they are written.
func decodeExactly(t *testing.T, place string, body []byte) (value any) {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if err := dec.Decode(&value); err != nil {
		t.Fatalf("%s: %v", place, err)
	}
	return value
}

func encode(t *testing.T, session *kodexa.Session) []byte {
	t.Helper()
	body, err := json.Marshal(session)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func matches(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := fs.Glob(checkout, pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %v, %v", pattern, files, err)
	}
	return files
}

func contentOf(t *testing.T, dir fs.FS, file string) []byte {
	t.Helper()
	content, err := fs.ReadFile(dir, file)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// What must not be found. Half of one is too much, and long enough not to be found by chance.
const (
	canaryKey    = "kQ7canaryKEY-9f3Zd81bTq5m"
	canaryToken  = "tW4canaryTOKEN-x2Vc70rLs6"
	canaryText   = "vE8canaryTEXT-n5Jh93pGu1o"
	canaryNumber = "773194962051773409182658"
)

var canaries = []string{canaryKey, canaryToken, canaryText, canaryNumber}

// needles are the ways in which the halves of the canaries may be written, in lower case, and what each is.
var needles = sync.OnceValue(func() map[string]string {
	all := map[string]string{}
	for _, canary := range canaries {
		for _, half := range []string{canary[:len(canary)/2], canary[len(canary)/2:]} {
			forms := []string{
				half,
				hex.EncodeToString([]byte(half)),
				fmt.Sprintf("% x", half),
				strings.Trim(fmt.Sprintf("%d", []byte(half)), "[]"),
				strings.Trim(strings.TrimPrefix(fmt.Sprintf("%#v", []byte(half)), "[]byte"), "{}"),
			}
			for i := range 3 { // base64 has three ways to write a text, by where it begins
				encoded := base64.RawStdEncoding.EncodeToString([]byte("xyz"[:i] + half))
				forms = append(forms, encoded[(8*i+5)/6:8*(i+len(half))/6])
			}
			for _, form := range forms {
				all[strings.ToLower(form)] = canary
			}
		}
	}
	return all
})

// leaks returns what text has of the canaries.
func leaks(text string) (found []string) {
	text = strings.ToLower(text)
	for needle, canary := range needles() {
		if strings.Contains(text, needle) {
			found = append(found, canary)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

type planting struct{}

func (planting) Error() string { return canaryToken }

func mustJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// leaksOfError searches all levels of err that are the client's.
func leaksOfError(err error) (found []string) {
	if err == nil {
		return nil
	}
	for text := range strings.SplitSeq(err.Error(), "\n") {
		for _, leak := range leaks(text) {
			found = append(found, fmt.Sprintf("text of %T: %s in %s", err, leak, text))
		}
	}
	for by, marshal := range map[string]func(any) ([]byte, error){
		"encoding/json": json.Marshal, "encoding/json/v2": func(v any) ([]byte, error) { return jsonv2.Marshal(v) },
	} {
		text, jsonErr := marshal(err)
		if jsonErr != nil {
			text = []byte(jsonErr.Error())
		}
		for _, leak := range leaks(string(text)) {
			found = append(found, fmt.Sprintf("%s of %T: %s in %s", by, err, leak, text))
		}
	}
	found = append(found, leaksOfValue("", err)...)
	switch err := err.(type) {
	case *kodexa.CallError:
		found = append(found, leaksOfValue("", *err)...)
		found = append(found, leaks(err.RequestID)...)
	case *kodexa.APIError:
		found = append(found, leaks(err.Message)...)
		found = append(found, leaksOfValue("", err.Violations)...)
		found = append(found, leaksOfValue("", *err)...)
	case *kodexa.ContractError:
		found = append(found, leaksOfValue("", *err)...)
		found = append(found, leaksOfValue("", err.Violations)...)
	}
	if wrapsForeign(err) {
		return found
	}
	switch err := err.(type) {
	case interface{ Unwrap() error }:
		found = append(found, leaksOfError(err.Unwrap())...)
	case interface{ Unwrap() []error }:
		for _, inner := range err.Unwrap() {
			found = append(found, leaksOfError(inner)...)
		}
	}
	return found
}

// wrapsForeign reports whether what err wraps is somebody else's, with a text that is not shown. Whoever asks for it gets it.
func wrapsForeign(err error) bool { return fmt.Sprintf("%T", err) == "*kodexa.shownError" }

// leaksOfValue searches what formatting and logging make of v. Encoding a model is what models are for.
func leaksOfValue(name string, v any) (found []string) {
	nested := []any{v, []any{v}, map[string]any{"a": v}, struct{ V any }{v}, &struct{ V any }{v}}
	for i, verb := range []string{"%v", "%+v", "%#v", "%d", "%s", "%q", "%x", "% x", "%X", "%T", "%5.3v"} {
		if i > 3 {
			nested = nested[:1]
		}
		for _, v := range nested {
			text := fmt.Sprintf(verb, v)
			for _, leak := range leaks(text) {
				found = append(found, fmt.Sprintf("%s of %s %T: %s in %s", verb, name, v, leak, text))
			}
		}
	}
	var logged bytes.Buffer
	for _, log := range loggers(&logged) {
		log.Error("m", "v", v)
		log.With("w", v).WithGroup("g").Error("m", slog.Group("h", slog.Any("v", v)))
	}
	for line := range strings.Lines(logged.String()) {
		for _, leak := range leaks(line) {
			found = append(found, fmt.Sprintf("log of %s %T: %s in %s", name, v, leak, line))
		}
	}
	return found
}

func loggers(w io.Writer) []*slog.Logger {
	all := &slog.HandlerOptions{AddSource: true, Level: slog.Level(-100)}
	return []*slog.Logger{slog.New(slog.NewTextHandler(w, all)), slog.New(slog.NewJSONHandler(w, all))}
}

// logBuffer collects what a client logs, in each format.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) leaks() (found []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for line := range strings.Lines(b.text.String()) {
		for _, leak := range leaks(line) {
			found = append(found, fmt.Sprintf("record: %s in %s", leak, line))
		}
	}
	return found
}

// report fails a test once for each leak that differs.
func report(t *testing.T, found []string) {
	t.Helper()
	slices.Sort(found)
	for _, leak := range slices.Compact(found) {
		t.Errorf("%.400s", leak)
	}
}

func canarySession() kodexa.Session {
	return kodexa.Session{
		ID:             new(canaryText),
		Token:          new(canaryToken),
		State:          new(canaryText),
		UUID:           new(canaryText),
		OrganizationID: map[bool]string{true: canaryText},
		Organization: &kodexa.Organization{
			Name:          new(canaryText),
			AuthGroupLink: &kodexa.AuthGroupLink{AuthGroup: new(canaryText), AdditionalProperties: canaryMembers()},
			Features:      new(canaryMembers()),
			Properties:    new(canaryMembers()),
			Memory: &kodexa.OrganizationMemory{
				OrderedDashboards: &[]string{canaryText, canaryToken}, AdditionalProperties: canaryMembers(),
			},
			AdditionalProperties: canaryMembers(),
		},
		AdditionalProperties: canaryMembers(),
	}
}

func canaryMembers() map[string]json.RawMessage {
	return map[string]json.RawMessage{"a": []byte(`"` + canaryText + `"`), "b": []byte(`[` + canaryNumber + `]`)}
}

// echo is the body of a good answer that repeats all that is secret.
func echo(t *testing.T) string {
	t.Helper()
	s := canarySession()
	s.Set("key", json.RawMessage(`"`+canaryKey+`"`))
	body, err := jsonv2.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func withStatus(status, header, body string) string {
	return fmt.Sprintf("HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n%s", status, header, len(body), body)
}

const jsonHeader = "Content-Type: application/json\r\n"

func withJSON(body string) string { return withStatus("200 OK", jsonHeader, body) }

func parse(t *testing.T, text string) (value any) {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

// rawServer answers every request with the same bytes and closes the connection. It returns its URL.
func rawServer(t *testing.T, answer string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	t.Cleanup(func() {
		_ = listener.Close()
		serving.Wait()
	})
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer func() { _ = conn.Close() }()
				req, err := http.ReadRequest(bufio.NewReader(conn))
				if err != nil {
					return
				}
				_, _ = io.Copy(io.Discard, req.Body)
				_, _ = io.WriteString(conn, answer)
			})
		}
	})
	return "http://" + listener.Addr().String()
}
