package kodexa_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	kodexa "github.com/kodexa-community/kodexa-go"
	"github.com/kodexa-community/kodexa-go/gen"
	"github.com/kodexa-community/kodexa-go/kodexatest"
)

const (
	operation = "PUT /api/sessions/{id}"
	jsonMedia = "application/json"
)

var (
	sessionID = uuid.MustParse("3f2b8c1e-6d4a-4f0b-9a57-1c8e2d7b6a90")
	checkout  = os.DirFS(".")
	oneTry    = kodexa.WithRetry(kodexa.RetryPolicy{MaxAttempts: 1})
)

// doors are the ways to the operation: what holds for one holds for the other.
var doors = map[string]func(context.Context, *kodexa.Client, kodexa.Session) (*kodexa.Session, error){
	"UpdateSession": func(ctx context.Context, c *kodexa.Client, s kodexa.Session) (*kodexa.Session, error) {
		return c.UpdateSession(ctx, sessionID, s)
	},
	"API": func(ctx context.Context, c *kodexa.Client, s kodexa.Session) (*kodexa.Session, error) {
		res, err := c.API().UpdateSessionWithResponse(ctx, sessionID, s)
		if res == nil {
			return nil, err
		}
		return res.JSON200, err
	},
}

func TestAcceptedBodyIsReadAndSentWithoutLoss(t *testing.T) {
	t.Parallel()
	for _, file := range matches(t, "api/examples/*.json") {
		for door, update := range doors {
			t.Run(filepath.Base(file)+"/"+door, func(t *testing.T) {
				t.Parallel()
				body := contentOf(t, checkout, file)
				var sent kodexa.Session
				if err := json.Unmarshal(body, &sent); err != nil {
					t.Fatalf("%s: %v", file, err)
				}
				server := startServer(t)
				server.Enqueue(answerWith(http.StatusOK, jsonMedia, body))
				got, err := update(t.Context(), server.Client(), sent)
				if err != nil || got == nil {
					t.Fatalf("%s: %v, %v", file, got, err)
				}
				wantSameJSON(t, file+": as it was read", encode(t, got), body)
				wantSameJSON(t, file+": as it was sent", server.Requests()[0].Body, body)
			})
		}
	}
}

func TestKinOpenAPIAcceptsWhatTheClientAccepts(t *testing.T) {
	t.Parallel()
	doc, err := openapi3.NewLoader().LoadFromData(kodexa.Spec())
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range matches(t, "api/examples/*.json") {
		err := doc.Components.Schemas["Session"].Value.VisitJSON(decodeExactly(t, file, contentOf(t, checkout, file)))
		if err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestDateTimeKeepsItsInstant(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	for _, text := range []string{
		"2024-03-15T10:20:30Z", "2024-03-15T10:20:30+00:00", "2024-03-15T10:20:30-00:00", "2024-03-15T10:20:30.000Z",
		"2024-03-15T10:20:30.120+01:00", "2024-12-31T23:59:59.999999999-23:59",
	} {
		server.Enqueue(answerWith(http.StatusOK, jsonMedia, fmt.Appendf(nil, `{"createdOn":%q}`, text)))
		got, err := server.Client().UpdateSession(t.Context(), sessionID, kodexa.Session{})
		want, parseErr := time.Parse(time.RFC3339, text)
		if err != nil || parseErr != nil || got.CreatedOn == nil || !got.CreatedOn.Equal(want) {
			t.Errorf("%s: %v, %v, %v", text, got, err, parseErr)
		}
	}
}

func TestNegativeZeroIsAnInteger(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	server.Enqueue(answerWith(http.StatusOK, jsonMedia, []byte(`{"changeSequence":-0}`)))
	got, err := server.Client().UpdateSession(t.Context(), sessionID, kodexa.Session{})
	if err != nil || got.ChangeSequence == nil || *got.ChangeSequence != 0 {
		t.Errorf("%v, %v", got, err)
	}
}

func TestAbsentNullAndValueStayApart(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	for body, want := range map[string]string{
		`{}`:                             "absent",
		`{"organizationId":null}`:        "null",
		`{"organizationId":"acme-corp"}`: "acme-corp",
		`{"organizationId":""}`:          "",
	} {
		server.Enqueue(answerWith(http.StatusOK, jsonMedia, []byte(body)))
		got, err := server.Client().UpdateSession(t.Context(), sessionID, kodexa.Session{})
		if err != nil {
			t.Errorf("%s: %v", body, err)
			continue
		}
		state := "absent"
		if got.OrganizationID.IsNull() {
			state = "null"
		} else if value, err := got.OrganizationID.Get(); err == nil {
			state = value
		}
		if state != want {
			t.Errorf("%s: got %q, want %q", body, state, want)
		}
	}
}

// violation is a body that the contract refuses, a row of a file in api/violations.
type violation struct {
	place string

	Name    string `json:"name"`
	Body    string `json:"body"`
	Base64  []byte `json:"base64"` // in place of Body, for one that is not UTF-8
	Pointer string `json:"pointer"`
	Reason  string `json:"reason"`
}

func (v violation) bytes() []byte {
	if v.Base64 != nil {
		return v.Base64
	}
	return []byte(v.Body)
}

func violations(t *testing.T) []violation {
	t.Helper()
	var rows []violation
	for _, file := range matches(t, "api/violations/*.json") {
		data := contentOf(t, checkout, file)
		dec := json.NewDecoder(bytes.NewReader(data))
		dec.DisallowUnknownFields()
		if _, err := dec.Token(); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for dec.More() {
			var row violation
			if err := dec.Decode(&row); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			row.place = fmt.Sprintf("%s:%d: %s", file, 1+bytes.Count(data[:dec.InputOffset()], []byte("\n")), row.Name)
			rows = append(rows, row)
		}
	}
	if len(rows) < 40 {
		t.Fatalf("api/violations has only %d rows", len(rows))
	}
	return rows
}

func TestResponseThatBreaksTheContractIsRefused(t *testing.T) {
	t.Parallel()
	for door, update := range doors {
		t.Run(door, func(t *testing.T) {
			t.Parallel()
			server := startServer(t)
			client := server.Client()
			for _, row := range violations(t) {
				server.Enqueue(answerWith(http.StatusOK, jsonMedia, row.bytes()))
				got, err := update(t.Context(), client, kodexa.Session{})
				wantRefusedResponse(t, row.place, got, err, refusal{
					status: http.StatusOK, body: row.bytes(), violation: kodexa.Violation{Pointer: row.Pointer, Reason: row.Reason},
				})
			}
		})
	}
}

func TestRequestThatBreaksTheContractIsNotSent(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	client := server.Client()
	for _, row := range violations(t) {
		body := row.bytes()
		if len(body) == 0 {
			continue // the contract does not require a request to have one
		}
		before := len(server.Requests())
		res, err := client.API().UpdateSessionWithBodyWithResponse(t.Context(), sessionID, jsonMedia, bytes.NewReader(body))
		if res != nil {
			t.Errorf("%s: got a result", row.place)
		}
		if n := len(server.Requests()) - before; n != 0 {
			t.Errorf("%s: %d requests arrived", row.place, n)
		}
		wantRefusedRequest(t, row.place, err, body, kodexa.Violation{Pointer: row.Pointer, Reason: row.Reason})
	}
}

func TestEveryViolationIsListedByPointer(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	server.Enqueue(answerWith(http.StatusOK, jsonMedia, []byte(
		`{"uuid":1,"State":"","organization":{"slug":null,"memory":{"orderedDashboards":["",2,null]},"changeSequence":1.0},"changeSequence":2147483648}`)))
	_, err := server.Client().UpdateSession(t.Context(), sessionID, kodexa.Session{})
	broken := contractError(t, "", err)
	var pointers []string
	for _, v := range broken.Violations {
		pointers = append(pointers, v.Pointer)
	}
	want := []string{
		"/State", "/changeSequence", "/organization/changeSequence", "/organization/memory/orderedDashboards/1",
		"/organization/memory/orderedDashboards/2", "/organization/slug", "/uuid",
	}
	if !slices.Equal(pointers, want) {
		t.Errorf("got %q, want %q", pointers, want)
	}
	if text := fmt.Sprint(err); !strings.HasSuffix(text, `at /State: the contract spells this member "state" (and in 6 more places)`) {
		t.Error(text)
	}
	if _, ok := errors.AsType[openapi3.MultiError](err); !ok {
		t.Errorf("%T does not unwrap to kin-openapi's error", err)
	}
}

func TestBodyTruncatedAtAnyByteIsRefused(t *testing.T) {
	t.Parallel()
	var compact bytes.Buffer
	if err := json.Compact(&compact, contentOf(t, checkout, "api/examples/realistic.json")); err != nil {
		t.Fatal(err)
	}
	body := compact.Bytes()
	ways := map[string]struct {
		handler func(n int) http.HandlerFunc
		reason  func(n int) string
		isCut   bool
	}{
		"the text ends": {
			handler: func(n int) http.HandlerFunc { return answerWith(http.StatusOK, jsonMedia, body[:n]) },
			reason: func(n int) string {
				if n == 0 {
					return "the body is empty"
				}
				return fmt.Sprintf("the JSON text is cut short after %d bytes", n)
			},
		},
		"the connection ends before Content-Length": {
			handler: func(n int) http.HandlerFunc {
				return func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Content-Length", fmt.Sprint(len(body)))
					answerWith(http.StatusOK, jsonMedia, body[:n])(w, r)
				}
			},
			reason: func(n int) string { return fmt.Sprintf("the body is cut short after %d bytes", n) },
			isCut:  true,
		},
		"the connection ends before the last chunk": {
			handler: func(n int) http.HandlerFunc {
				return func(w http.ResponseWriter, r *http.Request) {
					answerWith(http.StatusOK, jsonMedia, body[:n])(w, r)
					_ = http.NewResponseController(w).Flush()
					panic(http.ErrAbortHandler)
				}
			},
			reason: func(n int) string { return fmt.Sprintf("the body is cut short after %d bytes", n) },
			isCut:  true,
		},
	}
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := startServer(t)
			client := server.Client()
			for n := range body {
				place := fmt.Sprintf("after %d bytes", n)
				server.Enqueue(way.handler(n))
				got, err := client.UpdateSession(t.Context(), sessionID, kodexa.Session{})
				wantRefusedResponse(t, place, got, err, refusal{
					status: http.StatusOK, body: body[:n], violation: kodexa.Violation{Reason: way.reason(n)},
				})
				if errors.Is(err, io.ErrUnexpectedEOF) != way.isCut {
					t.Errorf("%s: %v", place, err)
				}
			}
		})
	}
}

func TestSuccessOfAnotherKindIsRefused(t *testing.T) {
	t.Parallel()
	const (
		mediaType = "Content-Type must be application/json"
		status    = "status is not supported"
		good      = `{"state":"OPEN"}`
	)
	tests := []struct {
		testCase
		status      int
		contentType string
		body        string
		reason      string
	}{
		{at("HTML"), 200, "text/html; charset=utf-8", "<!DOCTYPE html><title>canary</title>", mediaType},
		{at("HTML that claims to be JSON"), 200, jsonMedia, "<!DOCTYPE html><title>canary</title>", "the body is not JSON in UTF-8, at byte 0"},
		{at("no Content-Type"), 200, "", good, mediaType},
		{at("neither Content-Type nor body"), 200, "", "", mediaType},
		{at("no body"), 200, jsonMedia, "", "the body is empty"},
		{at("text/json"), 200, "text/json", good, mediaType},
		{at("text/plain"), 200, "text/plain", good, mediaType},
		{at("application/x-json"), 200, "application/x-json", good, mediaType},
		{at("application/jsonp"), 200, "application/jsonp", good, mediaType},
		{at("application/problem+json"), 200, "application/problem+json", good, mediaType},
		{at("application/json-patch+json"), 200, "application/json-patch+json", good, mediaType},
		{at("application/*"), 200, "application/*", good, mediaType},
		{at("*/*"), 200, "*/*", good, mediaType},
		{at("json"), 200, "json", good, mediaType},
		{at("a list of media types"), 200, "application/json, text/html", good, mediaType},
		{at("the media type as a parameter"), 200, "text/html; type=application/json", good, mediaType},
		{at("201"), 201, jsonMedia, good, status},
		{at("202"), 202, jsonMedia, good, status},
		{at("203"), 203, jsonMedia, good, status},
		{at("204"), 204, "", "", status},
		{at("205"), 205, "", "", status},
		{at("206"), 206, jsonMedia, good, status},
		{at("299"), 299, jsonMedia, good, status},
		{at("201 with HTML"), 201, "text/html", "<html>canary</html>", status},
		{at("201 without a body"), 201, "", "", status},
	}
	for door, update := range doors {
		t.Run(door, func(t *testing.T) {
			t.Parallel()
			server := startServer(t)
			for _, tt := range tests {
				server.Enqueue(answerWith(tt.status, tt.contentType, []byte(tt.body)))
				got, err := update(t.Context(), server.Client(), kodexa.Session{})
				wantRefusedResponse(t, tt.place, got, err, refusal{
					status: tt.status, body: []byte(tt.body), violation: kodexa.Violation{Reason: tt.reason},
				})
			}
		})
	}
}

func TestMediaTypeIsComparedWithoutCaseAndParameters(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	for _, contentType := range []string{
		"application/json", "application/json; charset=utf-8", "application/json;charset=utf-8", "Application/JSON; charset=UTF-8",
		"APPLICATION/JSON", "application/json ; charset=utf-8", "application/json;", `application/json; profile="a;b"`,
	} {
		for door, update := range doors {
			server.Enqueue(answerWith(http.StatusOK, contentType, []byte(`{"state":"OPEN"}`)))
			got, err := update(t.Context(), server.Client(), kodexa.Session{})
			if err != nil || got == nil || got.State == nil || *got.State != "OPEN" {
				t.Errorf("%s: %s: %v, %v", contentType, door, got, err)
			}
		}
	}
}

func TestGeneratedClientWithoutDecodingHandsOutTheCheckedBytes(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	const body = ` {"state" : "OPEN"} `
	server.Enqueue(answerWith(http.StatusOK, jsonMedia, []byte(body)), answerWith(http.StatusOK, jsonMedia, []byte(`{"state":1}`)))
	res, err := server.Client().API().UpdateSession(t.Context(), sessionID, kodexa.Session{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err != nil || string(got) != body {
		t.Errorf("%q, %v", got, err)
	}
	if _, err = server.Client().API().UpdateSession(t.Context(), sessionID, kodexa.Session{}); err == nil {
		t.Error("a body that breaks the contract was handed out")
	}
}

var statusSentinels = map[int]error{
	401: kodexa.ErrUnauthorized, 403: kodexa.ErrForbidden, 404: kodexa.ErrNotFound,
	409: kodexa.ErrConflict, 412: kodexa.ErrConflict, 429: kodexa.ErrRateLimited,
}

func TestStatusBeyond2xxIsAnAPIErrorWhateverItsBody(t *testing.T) {
	t.Parallel()
	mayBeApplied := []int{303, 500, 502, 504, 505, 511, 599, 600, 999}
	bodies := map[string]struct{ contentType, body string }{
		"JSON":            {jsonMedia, `{"message":"canary"}`},
		"a good session":  {jsonMedia, `{"state":"canary"}`},
		"HTML":            {"text/html", "<html><body>canary</body></html>"},
		"nothing":         {"", ""},
		"truncated JSON":  {jsonMedia, `{"message":"canary`},
		"broken UTF-8":    {jsonMedia, "{\"message\":\"canary\xff\"}"},
		"gibberish media": {";;;", "canary"},
	}
	for _, status := range []int{
		300, 301, 302, 303, 304, 305, 307, 308, 399, 400, 401, 402, 403, 404, 405, 406, 408, 409, 410, 411, 412, 413, 415, 418, 422, 423,
		425, 428, 429, 431, 451, 499, 500, 501, 502, 503, 504, 505, 511, 599, 600, 999,
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			server := startServer(t)
			client := server.Client(oneTry)
			for name, b := range bodies {
				for door, update := range doors {
					place := fmt.Sprintf("%d: %s: %s", status, name, door)
					server.Enqueue(answerWith(status, b.contentType, []byte(b.body)))
					got, err := update(t.Context(), client, kodexa.Session{})
					answer := apiError(t, place, err)
					if got != nil || answer.StatusCode != status || answer.Method+" "+answer.Path != operation || answer.Attempts != 1 {
						t.Errorf("%s: %v, %d %s %s %d", place, got, answer.StatusCode, answer.Method, answer.Path, answer.Attempts)
					}
					if status != http.StatusNotModified && string(answer.Body) != b.body {
						t.Errorf("%s: Body is %q", place, answer.Body)
					}
					for _, sentinel := range []error{
						kodexa.ErrUnauthorized, kodexa.ErrForbidden, kodexa.ErrNotFound, kodexa.ErrConflict, kodexa.ErrRateLimited,
					} {
						if errors.Is(err, sentinel) != (sentinel == statusSentinels[status]) {
							t.Errorf("%s: errors.Is(err, %v) is %v", place, sentinel, errors.Is(err, sentinel))
						}
					}
					if errors.Is(err, kodexa.ErrOutcomeUnknown) != slices.Contains(mayBeApplied, status) {
						t.Errorf("%s: errors.Is(err, ErrOutcomeUnknown) is %v", place, errors.Is(err, kodexa.ErrOutcomeUnknown))
					}
					prefix := strings.TrimSpace(fmt.Sprintf("kodexa: %s: %d %s", operation, status, http.StatusText(status)))
					if text := fmt.Sprint(err); !strings.HasPrefix(text, prefix) || strings.Contains(text, "canary") {
						t.Errorf("%s: the text is %q", place, text)
					}
				}
			}
		})
	}
}

func TestSwitchingProtocolsDoesNotHoldUpTheCall(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	held := make(chan net.Conn, 1)
	server.Enqueue(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: canary\r\n\r\n")
		held <- conn
	})
	done := make(chan error, 1)
	go func() {
		_, err := server.Client(oneTry, kodexa.WithTimeout(time.Second)).UpdateSession(t.Context(), sessionID, kodexa.Session{})
		done <- err
	}()
	defer func() { _ = (<-held).Close() }()
	select {
	case err := <-done:
		if answer := apiError(t, "101", err); answer.StatusCode != http.StatusSwitchingProtocols {
			t.Error(err)
		}
	case <-time.After(5 * time.Second):
		t.Error("the call outlives its timeout for as long as the connection is open")
	}
}

func TestAPIErrorMessageIsFoundInTheUsualShapes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		testCase
		body, message string
	}{
		{at("message"), `{"message":"stale"}`, "stale"},
		{at("error"), `{"error":"stale"}`, "stale"},
		{at("detail"), `{"type":"about:blank","detail":"stale"}`, "stale"},
		{at("title"), `{"title":"stale","status":409}`, "stale"},
		{at("message before error"), `{"error":"Conflict","message":"stale"}`, "stale"},
		{at("detail before title"), `{"title":"Conflict","detail":"stale"}`, "stale"},
		{at("error before errors"), `{"errors":["taken"],"error":"stale"}`, "stale"},
		{at("empty message"), `{"message":"","error":"stale"}`, "stale"},
		{at("null message"), `{"message":null,"error":"stale"}`, "stale"},
		{at("message within error"), `{"error":{"code":409,"message":"stale"}}`, "stale"},
		{at("deeply nested"), `{"error":{"error":{"detail":"stale"}}}`, "stale"},
		{at("errors object"), `{"errors":{"slug":"too short","name":"is taken"}}`, "name: is taken; slug: too short"},
		{at("errors object of arrays"), `{"errors":{"slug":["too short","is taken"]}}`, "slug: too short; is taken"},
		{at("errors object of objects"), `{"errors":{"slug":{"message":"too short"}}}`, "slug: too short"},
		{at("errors array"), `{"errors":["too short","is taken"]}`, "too short; is taken"},
		{at("errors array of objects"), `{"errors":[{"message":"too short"},{"code":7},{"detail":"is taken"}]}`, "too short; is taken"},
		{at("errors text"), `{"errors":"stale"}`, "stale"},
		{at("array"), `[{"message":"too short"},{"message":"is taken"}]`, "too short; is taken"},
		{at("string"), `"stale"`, "stale"},
		{at("beyond ASCII"), `{"message":"zu kurz: Gr\u00f6\u00dfe \ud83d\udd11"}`, "zu kurz: Größe 🔑"},
		{at("no usual member"), `{"reason":"stale","code":409}`, ""},
		{at("numbers"), `{"message":409,"errors":[1,2]}`, ""},
		{at("empty object"), `{}`, ""},
		{at("null"), `null`, ""},
		{at("empty"), ``, ""},
		{at("truncated"), `{"message":"stale"`, ""},
		{at("trailing data"), `{"message":"stale"} x`, ""},
		{at("plain text"), `stale`, ""},
		{at("HTML"), `<html><head><title>502 Bad Gateway</title></head></html>`, ""},
	}
	server := startServer(t)
	for _, tt := range tests {
		server.Enqueue(answerWith(http.StatusBadRequest, jsonMedia, []byte(tt.body)))
		_, err := server.Client().UpdateSession(t.Context(), sessionID, kodexa.Session{})
		if answer := apiError(t, tt.place, err); answer.Message != tt.message {
			t.Errorf("%s: got %q, want %q", tt.place, answer.Message, tt.message)
		}
		if tt.message != "" && strings.Contains(fmt.Sprint(err), tt.message) {
			t.Errorf("%s: the error text repeats the message: %v", tt.place, err)
		}
	}
}

func TestRedirectIsNeverFollowed(t *testing.T) {
	t.Parallel()
	var followed atomic.Int64
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed.Add(1) }))
	t.Cleanup(elsewhere.Close)
	var asked atomic.Int64
	clients := map[string][]kodexa.Option{
		"the module's http.Client": {oneTry},
		"a caller's http.Client":   {oneTry, kodexa.WithHTTPClient(&http.Client{})},
		"a caller's http.Client that follows redirects": {oneTry, kodexa.WithHTTPClient(&http.Client{
			CheckRedirect: func(*http.Request, []*http.Request) error { asked.Add(1); return nil },
		})},
	}
	locations := map[string][]string{
		"missing":          nil,
		"another host":     {elsewhere.URL + "/api/sessions/" + sessionID.String()},
		"the same host":    {"/kodexatest/api/sessions/" + uuid.NewString()},
		"without a scheme": {strings.TrimPrefix(elsewhere.URL, "http:")},
		"empty":            {""},
		"malformed":        {"http://[::1"},
		"malformed escape": {"http://127.0.0.1/%zz"},
		"another scheme":   {"ftp://127.0.0.1/"},
		"given twice":      {elsewhere.URL + "/a", elsewhere.URL + "/b"},
	}
	for client, options := range clients {
		t.Run(client, func(t *testing.T) {
			t.Parallel()
			server := startServer(t)
			for _, status := range []int{300, 301, 302, 303, 304, 305, 307, 308} {
				for location, values := range locations {
					place := fmt.Sprintf("%d: Location: %s", status, location)
					before := len(server.Requests())
					server.Enqueue(func(w http.ResponseWriter, r *http.Request) {
						w.Header()["Location"] = values
						answerWith(status, jsonMedia, nil)(w, r)
					})
					got, err := server.Client(options...).UpdateSession(t.Context(), sessionID, kodexa.Session{})
					answer := apiError(t, place, err)
					if got != nil || answer.StatusCode != status || !slices.Equal(answer.Header["Location"], values) {
						t.Errorf("%s: %v, %d, Location %q", place, got, answer.StatusCode, answer.Header["Location"])
					}
					if n := len(server.Requests()) - before; n != 1 {
						t.Errorf("%s: %d requests", place, n)
					}
				}
			}
		})
	}
	t.Cleanup(func() {
		if followed.Load() != 0 || asked.Load() != 0 {
			t.Errorf("%d redirects were followed, CheckRedirect was asked %d times", followed.Load(), asked.Load())
		}
	})
}

func TestKeyIsSentOnceAsXAPIKeyAlone(t *testing.T) {
	t.Parallel()
	for door, update := range doors {
		server := startServer(t)
		server.SetSession(kodexa.Session{ID: new(sessionID.String())})
		if _, err := update(t.Context(), server.Client(), kodexa.Session{}); err != nil {
			t.Fatalf("%s: %v", door, err)
		}
		sent := server.Requests()[0]
		if got := sent.Header["X-Api-Key"]; !slices.Equal(got, []string{server.APIKey}) {
			t.Errorf("%s: x-api-key has %d values", door, len(got))
		}
		for name, values := range sent.Header {
			if name != "X-Api-Key" && strings.Contains(strings.Join(values, "\n"), server.APIKey) {
				t.Errorf("%s: the key is also in %s", door, name)
			}
		}
		for _, name := range []string{"X-Access-Token", "Authorization", "Cookie"} {
			if sent.Header[name] != nil {
				t.Errorf("%s: %s was sent", door, name)
			}
		}
		if strings.Contains(sent.Path+string(sent.Body), server.APIKey) {
			t.Errorf("%s: the key is in the path or the body", door)
		}
	}
}

func TestRequestIsWhatThePageShows(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	server.SetSession(kodexa.Session{ID: new(sessionID.String())})
	if _, err := server.Client().UpdateSession(t.Context(), sessionID, kodexa.Session{State: new("OPEN")}); err != nil {
		t.Fatal(err)
	}
	sent := server.Requests()[0]
	if sent.Method != http.MethodPut || sent.Path != "/api/sessions/"+sessionID.String() {
		t.Errorf("%s %s", sent.Method, sent.Path)
	}
	if got := sent.Header["Content-Type"]; !slices.Equal(got, []string{jsonMedia}) {
		t.Errorf("Content-Type %q", got)
	}
	if string(sent.Body) != `{"state":"OPEN"}` {
		t.Errorf("body %s", sent.Body)
	}
}

func TestBaseURLMayEndInSlashOrAPI(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	server.SetSession(kodexa.Session{ID: new(sessionID.String())})
	for _, end := range []string{"", "/", "//", "/api", "/api/", "/./", "/x/../api"} {
		client := server.Client(kodexa.WithBaseURL(server.URL + end))
		if _, err := client.UpdateSession(t.Context(), sessionID, kodexa.Session{}); err != nil {
			t.Errorf("%q: %v", end, err)
		}
	}
}

func TestBaseURLLeadsToTheOperation(t *testing.T) {
	t.Parallel()
	path := "/api/sessions/" + sessionID.String()
	for _, tt := range []struct{ base, want string }{
		{"", "https://platform.kodexa.ai" + path},
		{"https://kodexa.example", "https://kodexa.example" + path},
		{"https://kodexa.example/", "https://kodexa.example" + path},
		{"https://kodexa.example/api", "https://kodexa.example" + path},
		{"https://kodexa.example/api/", "https://kodexa.example" + path},
		{"https://kodexa.example/tenants/acme", "https://kodexa.example/tenants/acme" + path},
		{"https://kodexa.example/tenants/acme/api/", "https://kodexa.example/tenants/acme" + path},
		{"https://kodexa.example/kodexa-api", "https://kodexa.example/kodexa-api" + path},
		{"https://kodexa.example/api/v2", "https://kodexa.example/api/v2" + path},
		{"https://kodexa.example:8443", "https://kodexa.example:8443" + path},
		{"HTTPS://kodexa.example", "https://kodexa.example" + path},
		{"http://localhost:8080", "http://localhost:8080" + path},
		{"http://LocalHost:8080/api", "http://LocalHost:8080" + path},
		{"http://127.0.0.1", "http://127.0.0.1" + path},
		{"http://127.8.9.10:1", "http://127.8.9.10:1" + path},
		{"http://[::1]:8080", "http://[::1]:8080" + path},
	} {
		var got string
		transport := roundTrip(func(req *http.Request) (*http.Response, error) {
			got = req.URL.String()
			return nil, errors.New("enough was seen")
		})
		options := []kodexa.Option{kodexa.WithAPIKey("key"), kodexa.WithHTTPClient(&http.Client{Transport: transport}), oneTry}
		if tt.base != "" {
			options = append(options, kodexa.WithBaseURL(tt.base))
		}
		client, err := kodexa.New(options...)
		if err != nil {
			t.Errorf("%s: %v", tt.base, err)
			continue
		}
		if _, err = client.UpdateSession(t.Context(), sessionID, kodexa.Session{}); err == nil || got != tt.want {
			t.Errorf("%s: got %s, want %s (%v)", tt.base, got, tt.want, err)
		}
	}
}

func TestPlaintextHTTPBeyondLoopbackMustBeAskedFor(t *testing.T) {
	t.Parallel()
	for _, host := range []string{
		"kodexa.example", "localhost.kodexa.example", "127.0.0.1.kodexa.example", "0.0.0.0", "10.0.0.1", "[::]", "[::ffff:10.0.0.1]", "2130706433",
	} {
		options := []kodexa.Option{kodexa.WithAPIKey("key"), kodexa.WithBaseURL("http://" + host)}
		if _, err := kodexa.New(options...); err == nil {
			t.Errorf("%s is accepted", host)
		}
		if _, err := kodexa.New(append(options, kodexa.WithPlaintextHTTP())...); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
}

func TestNewReportsWhatIsWrongWithItsOptions(t *testing.T) {
	t.Parallel()
	const (
		key     = "canary-key"
		baseURL = "https://kodexa.example/canary"
	)
	withURL := func(rawURL string) []kodexa.Option {
		return []kodexa.Option{kodexa.WithAPIKey(key), kodexa.WithBaseURL(rawURL)}
	}
	with := func(option kodexa.Option) []kodexa.Option { return append(withURL(baseURL), option) }
	tests := []struct {
		testCase
		options []kodexa.Option
		want    string
	}{
		{at("no option"), nil, "no API key"},
		{at("no key"), []kodexa.Option{kodexa.WithBaseURL(baseURL)}, "no API key"},
		{at("nil option"), with(nil), "option 3 is nil"},
		{at("empty key"), with(kodexa.WithAPIKey("")), "API key is empty"},
		{at("blank key"), with(kodexa.WithAPIKey(" ")), "API key has space around it"},
		{at("space before the key"), with(kodexa.WithAPIKey(" " + key)), "API key has space around it"},
		{at("line feed after the key"), with(kodexa.WithAPIKey(key + "\n")), "API key has space around it"},
		{at("no-break space after the key"), with(kodexa.WithAPIKey(key + "\u00a0")), "API key has space around it"},
		{at("header in the key"), with(kodexa.WithAPIKey(key + "\r\nX-Other: " + key)), "API key has a character other than printable ASCII at byte 10"},
		{at("tab in the key"), with(kodexa.WithAPIKey("canary\tkey")), "API key has a character other than printable ASCII at byte 6"},
		{at("NUL in the key"), with(kodexa.WithAPIKey("canary\x00key")), "API key has a character other than printable ASCII at byte 6"},
		{at("DEL in the key"), with(kodexa.WithAPIKey("canary\x7fkey")), "API key has a character other than printable ASCII at byte 6"},
		{at("key beyond ASCII"), with(kodexa.WithAPIKey("canary-schlüssel")), "API key has a character other than printable ASCII at byte 11"},
		{at("key that is not UTF-8"), with(kodexa.WithAPIKey("canary\xff")), "API key has a character other than printable ASCII at byte 6"},
		{at("nil http.Client"), with(kodexa.WithHTTPClient(nil)), "HTTP client is nil"},
		{at("nil logger"), with(kodexa.WithLogger(nil)), "logger is nil"},
		{at("nil editor"), with(kodexa.WithRequestEditor(nil)), "request editor is nil"},
		{at("nil handler"), with(kodexa.WithViolationHandler(nil)), "violation handler is nil"},
		{at("zero timeout"), with(kodexa.WithTimeout(0)), "timeout 0s is not positive"},
		{at("negative timeout"), with(kodexa.WithTimeout(-time.Second)), "timeout -1s is not positive"},
		{at("zero response limit"), with(kodexa.WithMaxResponseBytes(0)), "response limit of 0 bytes is not positive"},
		{at("negative response limit"), with(kodexa.WithMaxResponseBytes(math.MinInt64)), "is not positive"},
		{at("negative attempts"), with(kodexa.WithRetry(kodexa.RetryPolicy{MaxAttempts: -1})), "negative"},
		{at("negative base delay"), with(kodexa.WithRetry(kodexa.RetryPolicy{BaseDelay: -1})), "negative"},
		{at("negative longest delay"), with(kodexa.WithRetry(kodexa.RetryPolicy{MaxDelay: -1})), "negative"},
		{at("base delay beyond the longest"), with(kodexa.WithRetry(kodexa.RetryPolicy{BaseDelay: 2, MaxDelay: 1})), "beyond"},
		{at("empty user agent"), with(kodexa.WithUserAgent("")), "user agent is empty"},
		{at("header in the user agent"), with(kodexa.WithUserAgent("acme\r\nX-Other: 1")), "user agent has a character other than printable ASCII at byte 4"},
		{at("space around the user agent"), with(kodexa.WithUserAgent("acme ")), "user agent has space around it"},
		{at("empty URL"), withURL(""), "base URL is empty"},
		{at("blank URL"), withURL(" "), "base URL"},
		{at("host alone"), withURL("kodexa.example"), "base URL has neither scheme https nor http"},
		{at("host and port alone"), withURL("kodexa.example:8443"), "base URL has neither scheme https nor http"},
		{at("path alone"), withURL("/canary"), "base URL has neither scheme https nor http"},
		{at("no scheme"), withURL("//kodexa.example"), "base URL has neither scheme https nor http"},
		{at("another scheme"), withURL("ftp://kodexa.example"), "base URL has neither scheme https nor http"},
		{at("a web socket's scheme"), withURL("wss://kodexa.example"), "base URL has neither scheme https nor http"},
		{at("no host"), withURL("https:///canary"), "base URL has no host"},
		{at("scheme alone"), withURL("https://"), "base URL has no host"},
		{at("no slashes"), withURL("https:kodexa.example"), "base URL has no host"},
		{at("port alone"), withURL("https://:8443"), "base URL has no host"},
		{at("password"), withURL("https://user:canary-password@kodexa.example"), "base URL has userinfo"},
		{at("user"), withURL("https://canary-user@kodexa.example"), "base URL has userinfo"},
		{at("empty user"), withURL("https://@kodexa.example"), "base URL has userinfo"},
		{at("query"), withURL("https://kodexa.example/?canary=1"), "base URL has a query"},
		{at("empty query"), withURL("https://kodexa.example/?"), "base URL has a query"},
		{at("fragment"), withURL("https://kodexa.example/#canary"), "base URL has a fragment"},
		{at("empty fragment"), withURL("https://kodexa.example/#"), "base URL has a fragment"},
		{at("escaped slash"), withURL("https://kodexa.example/canary%2fb"), "base URL has an escaped character in its path"},
		{at("plaintext"), withURL("http://kodexa.example/canary"), "base URL is plaintext http beyond loopback"},
		{at("broken escape"), withURL("https://kodexa.example/canary%zz"), "base URL can't be parsed"},
		{at("broken IPv6 address"), withURL("https://[::1"), "base URL can't be parsed"},
		{at("word for a port"), withURL("https://kodexa.example:canary"), "base URL can't be parsed"},
		{at("control character"), withURL("https://kodexa.example/canary\n"), "base URL can't be parsed"},
		{at("space in the host"), withURL("https://kodexa example"), "base URL can't be parsed"},
		{at("space before"), withURL(" https://kodexa.example"), "base URL can't be parsed"},
		{at("port out of range"), withURL("https://kodexa.example:65536"), "base URL"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			client, err := kodexa.New(tt.options...)
			if err == nil || client != nil {
				t.Fatalf("%s: accepted", tt.place)
			}
			text := err.Error()
			if !strings.HasPrefix(text, "kodexa: ") || !strings.Contains(text, tt.want) {
				t.Errorf("%s: got %q, want %q", tt.place, text, tt.want)
			}
			if strings.Contains(text, "canary") || strings.Contains(text, "kodexa.example") {
				t.Errorf("%s: the text repeats the key or the URL: %q", tt.place, text)
			}
		})
	}
}

func TestNewReportsEveryRefusedOption(t *testing.T) {
	t.Parallel()
	_, err := kodexa.New(kodexa.WithAPIKey(""), nil, kodexa.WithTimeout(0), kodexa.WithMaxResponseBytes(-1))
	for _, want := range []string{"API key is empty", "option 2 is nil", "timeout 0s", "limit of -1 bytes"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}

func TestLaterOptionWins(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	server.SetSession(kodexa.Session{ID: new(sessionID.String())})
	client, err := kodexa.New(kodexa.WithBaseURL("https://kodexa.example"), kodexa.WithAPIKey("another"),
		kodexa.WithBaseURL(server.URL), kodexa.WithAPIKey(server.APIKey))
	if err != nil {
		t.Fatal(err)
	}
	if _, err = client.UpdateSession(t.Context(), sessionID, kodexa.Session{}); err != nil {
		t.Error(err)
	}
}

func TestFromEnv(t *testing.T) {
	server := startServer(t)
	server.SetSession(kodexa.Session{ID: new(sessionID.String())})
	const unset = "\x00"
	for _, tt := range []struct {
		testCase
		url, key, oldKey string
		before, after    []kodexa.Option
		want             string // of the error; "" if the server is reached with its key
	}{
		{testCase: at("both variables"), url: server.URL, key: server.APIKey, oldKey: unset},
		{testCase: at("the key before the older one"), url: server.URL, key: server.APIKey, oldKey: "old"},
		{testCase: at("the older key alone"), url: server.URL, key: unset, oldKey: server.APIKey},
		{testCase: at("the older key beside an empty one"), url: server.URL, key: "", oldKey: server.APIKey},
		{testCase: at("the older key is not looked at"), url: server.URL, key: server.APIKey, oldKey: "with\nline feed"},
		{testCase: at("URL with /api"), url: server.URL + "/api", key: server.APIKey, oldKey: unset},
		{testCase: at("nothing set keeps earlier options"), url: unset, key: unset, oldKey: unset,
			before: []kodexa.Option{kodexa.WithBaseURL(server.URL), kodexa.WithAPIKey(server.APIKey)}},
		{testCase: at("nothing but empty variables keeps earlier options"), url: "", key: "", oldKey: "",
			before: []kodexa.Option{kodexa.WithBaseURL(server.URL), kodexa.WithAPIKey(server.APIKey)}},
		{testCase: at("the environment before earlier options"), url: server.URL, key: server.APIKey, oldKey: unset,
			before: []kodexa.Option{kodexa.WithBaseURL("https://kodexa.example"), kodexa.WithAPIKey("another")}},
		{testCase: at("later options before the environment"), url: "https://kodexa.example", key: "another", oldKey: unset,
			after: []kodexa.Option{kodexa.WithBaseURL(server.URL), kodexa.WithAPIKey(server.APIKey)}},
		{testCase: at("no key"), url: server.URL, key: unset, oldKey: unset, want: "no API key"},
		{testCase: at("bad key"), url: server.URL, key: "canary\n", oldKey: server.APIKey, want: "KODEXA_API_KEY: API key has space around it"},
		{testCase: at("bad older key"), url: server.URL, key: unset, oldKey: "canary\n", want: "KODEXA_ACCESS_TOKEN: API key has space around it"},
		{testCase: at("bad URL"), url: "https://canary:password@kodexa.example", key: server.APIKey, oldKey: unset, want: "base URL has userinfo"},
		{testCase: at("plaintext URL"), url: "http://kodexa.example", key: server.APIKey, oldKey: unset, want: "base URL is plaintext http"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for name, value := range map[string]string{"KODEXA_URL": tt.url, "KODEXA_API_KEY": tt.key, "KODEXA_ACCESS_TOKEN": tt.oldKey} {
				if value == unset {
					t.Setenv(name, "") // restores it
					if err := os.Unsetenv(name); err != nil {
						t.Fatal(err)
					}
				} else {
					t.Setenv(name, value)
				}
			}
			client, err := kodexa.New(slices.Concat(tt.before, []kodexa.Option{kodexa.FromEnv()}, tt.after)...)
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "canary") {
					t.Errorf("%s: got %v, want %q", tt.place, err, tt.want)
				}
				return
			}
			if err != nil {
				t.Fatalf("%s: %v", tt.place, err)
			}
			if _, err = client.UpdateSession(t.Context(), sessionID, kodexa.Session{}); err != nil {
				t.Errorf("%s: %v", tt.place, err)
			}
		})
	}
}

func TestFromEnvIsReadWhenTheClientIsMade(t *testing.T) {
	option := kodexa.FromEnv()
	t.Setenv("KODEXA_API_KEY", "key")
	if _, err := kodexa.New(option); err != nil {
		t.Error(err)
	}
}

func TestViolationHandlersErrorIsReturned(t *testing.T) {
	t.Parallel()
	own := errors.New("own")
	server := startServer(t)
	for name, handler := range map[string]func(context.Context, *kodexa.ContractError) error{
		"another error": func(context.Context, *kodexa.ContractError) error { return own },
		"the violation": func(_ context.Context, err *kodexa.ContractError) error { return fmt.Errorf("%w: %w", own, err) },
	} {
		for door, update := range doors {
			server.Enqueue(answerWith(http.StatusOK, jsonMedia, []byte(`{"state":1}`)))
			got, err := update(t.Context(), server.Client(kodexa.WithViolationHandler(handler)), kodexa.Session{})
			if got != nil || !errors.Is(err, own) {
				t.Errorf("%s: %s: %v, %v", name, door, got, err)
			}
			if !errors.Is(err, kodexa.ErrOutcomeUnknown) {
				t.Errorf("%s: %s: %v is not ErrOutcomeUnknown", name, door, err)
			}
		}
	}
}

func TestReportedViolationFailsOnlyWhatCannotBeDecoded(t *testing.T) {
	t.Parallel()
	tests := []struct {
		testCase
		status      int
		contentType string
		body        string
		want        string // the result; "" if the call fails with the violation
		pointer     string
	}{
		{at("a null that is not allowed"), 200, jsonMedia, `{"state":null,"token":"t"}`, `{"token":"t"}`, "/state"},
		{at("a name in another case"), 200, jsonMedia, `{"State":"OPEN","token":"t"}`, `{"State":"OPEN","token":"t"}`, "/State"},
		{at("another media type"), 200, "text/json", `{"state":"OPEN"}`, `{"state":"OPEN"}`, ""},
		{at("another status"), 201, jsonMedia, `{"state":"OPEN"}`, `{"state":"OPEN"}`, ""},
		{at("null"), 200, jsonMedia, `null`, `{}`, ""},
		{at("a wrong type"), 200, jsonMedia, `{"state":1}`, "", "/state"},
		{at("a bad date-time"), 200, jsonMedia, `{"createdOn":"2024-02-30T10:20:30Z"}`, "", "/createdOn"},
		{at("an integer beyond int32"), 200, jsonMedia, `{"changeSequence":2147483648}`, "", "/changeSequence"},
		{at("a repeated name"), 200, jsonMedia, `{"state":"a","state":"b"}`, "", "/state"},
		{at("HTML"), 200, "text/html", `<html>`, "", ""},
		{at("HTML that claims to be JSON"), 200, jsonMedia, `<html>`, "", ""},
		{at("truncated"), 200, jsonMedia, `{"state":"a"`, "", ""},
		{at("empty"), 200, jsonMedia, ``, "", ""},
		{at("204"), 204, "", ``, "", ""},
	}
	type contextKey struct{}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := startServer(t)
			server.Enqueue(answerWith(tt.status, tt.contentType, []byte(tt.body)))
			var reported []error
			client := server.Client(kodexa.WithViolationHandler(func(ctx context.Context, err *kodexa.ContractError) error {
				if ctx.Value(contextKey{}) != "the caller's" {
					t.Errorf("%s: the handler got another context", tt.place)
				}
				reported = append(reported, err)
				return nil
			}))
			ctx := context.WithValue(t.Context(), contextKey{}, "the caller's")
			got, err := client.UpdateSession(ctx, sessionID, kodexa.Session{})
			if len(reported) != 1 || contractError(t, tt.place, reported[0]).Violations[0].Pointer != tt.pointer {
				t.Errorf("%s: reported %v", tt.place, reported)
			}
			switch {
			case tt.want == "" && (got != nil || contractError(t, tt.place, err).Violations[0].Pointer != tt.pointer):
				t.Errorf("%s: %v, %v", tt.place, got, err)
			case tt.want != "" && (err != nil || got == nil):
				t.Errorf("%s: %v, %v", tt.place, got, err)
			case tt.want != "":
				wantSameJSON(t, tt.place, encode(t, got), []byte(tt.want))
			}
		})
	}
}

func TestReportedViolationLeavesTheGeneratedClientToItself(t *testing.T) {
	t.Parallel()
	tests := []struct {
		testCase
		status      int
		contentType string
		body        string
		decoded     bool
		undecodable bool
	}{
		{testCase: at("a null that is not allowed"), status: 200, contentType: jsonMedia, body: `{"state":null}`, decoded: true},
		{testCase: at("a wrong type"), status: 200, contentType: jsonMedia, body: `{"state":"a","token":8675309}`, undecodable: true},
		{testCase: at("HTML that claims to be JSON"), status: 200, contentType: jsonMedia, body: `<html>`, undecodable: true},
		{testCase: at("HTML"), status: 200, contentType: "text/html", body: `<html>`},
		{testCase: at("201"), status: 201, contentType: jsonMedia, body: `{"state":"OPEN"}`},
	}
	server := startServer(t)
	for _, tt := range tests {
		server.Enqueue(answerWith(tt.status, tt.contentType, []byte(tt.body)))
		client := server.Client(kodexa.WithViolationHandler(func(context.Context, *kodexa.ContractError) error { return nil }))
		res, err := client.API().UpdateSessionWithResponse(t.Context(), sessionID, kodexa.Session{})
		switch {
		case (err != nil) != tt.undecodable || (res == nil) != tt.undecodable:
			t.Errorf("%s: %v, %v", tt.place, res, err)
		case err != nil && strings.Contains(err.Error(), "8675309"):
			t.Errorf("%s: the text repeats a value: %v", tt.place, err)
		case err == nil && ((res.JSON200 != nil) != tt.decoded || string(res.Body) != tt.body):
			t.Errorf("%s: %v, %s", tt.place, res.JSON200, res.Body)
		}
	}
}

func TestViolationHandlerSeesRequestsToo(t *testing.T) {
	t.Parallel()
	for name, result := range map[string]error{"report only": nil, "refuse": errors.New("own")} {
		server := startServer(t)
		server.Enqueue(answerWith(http.StatusOK, jsonMedia, []byte(`{"state":"OPEN"}`)))
		var seen []kodexa.Direction
		client := server.Client(kodexa.WithViolationHandler(func(_ context.Context, err *kodexa.ContractError) error {
			seen = append(seen, err.Direction)
			return result
		}))
		const body = `{"state":1}`
		res, err := client.API().UpdateSessionWithBodyWithResponse(t.Context(), sessionID, jsonMedia, strings.NewReader(body))
		if !errors.Is(err, result) || !slices.Equal(seen, []kodexa.Direction{kodexa.Request}) {
			t.Errorf("%s: %v, the handler saw %v", name, err, seen)
		}
		switch sent := server.Requests(); {
		case result != nil && len(sent) != 0:
			t.Errorf("%s: the request was sent", name)
		case result == nil && (len(sent) != 1 || string(sent[0].Body) != body || res.JSON200 == nil):
			t.Errorf("%s: %d requests, %v", name, len(sent), res)
		}
	}
}

func TestKeptContractDoesNotCallTheViolationHandler(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	server.SetSession(kodexa.Session{ID: new(sessionID.String())})
	client := server.Client(kodexa.WithViolationHandler(func(_ context.Context, err *kodexa.ContractError) error {
		t.Errorf("called with %v", err)
		return nil
	}))
	if _, err := client.UpdateSession(t.Context(), sessionID, kodexa.Session{}); err != nil {
		t.Error(err)
	}
	if _, err := client.UpdateSession(t.Context(), uuid.New(), kodexa.Session{}); !errors.Is(err, kodexa.ErrNotFound) {
		t.Error(err)
	}
}

func TestRequestEditorsRunInOrderAfterTheModulesOwn(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	server.SetSession(kodexa.Session{ID: new(sessionID.String())})
	var order []string
	editor := func(name string) gen.RequestEditorFn {
		return func(_ context.Context, req *http.Request) error {
			if req.Header.Get("X-Api-Key") == "" || req.Header.Get("User-Agent") == "" {
				t.Errorf("%s came before the module's own", name)
			}
			order = append(order, name)
			req.Header.Set("X-Last", name)
			return nil
		}
	}
	client := server.Client(kodexa.WithRequestEditor(editor("client 1")), kodexa.WithRequestEditor(editor("client 2")))
	_, err := client.UpdateSession(t.Context(), sessionID, kodexa.Session{}, editor("call 1"), editor("call 2"))
	if want := []string{"client 1", "client 2", "call 1", "call 2"}; err != nil || !slices.Equal(order, want) {
		t.Errorf("%v, %q", err, order)
	}
	if got := server.Requests()[0].Header.Get("X-Last"); got != "call 2" {
		t.Errorf("%q was sent", got)
	}
	order = nil
	if _, err = client.UpdateSession(t.Context(), sessionID, kodexa.Session{}); err != nil || len(order) != 2 {
		t.Errorf("the next call: %v, %q", err, order)
	}
}

func TestRequestEditorsErrorIsReturnedAndNothingIsSent(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	own := errors.New("own")
	got, err := server.Client().UpdateSession(t.Context(), sessionID, kodexa.Session{},
		func(context.Context, *http.Request) error { return own })
	if got != nil || !errors.Is(err, own) || errors.Is(err, kodexa.ErrOutcomeUnknown) || len(server.Requests()) != 0 {
		t.Errorf("%v, %v, %d requests", got, err, len(server.Requests()))
	}
}

func TestRequestThatAnEditorBrokeIsNotSent(t *testing.T) {
	t.Parallel()
	const (
		elsewhere = "the URL does not lie below the base URL"
		unknown   = "the contract has no such operation"
		noKey     = "security requirements failed: header x-api-key is missing"
	)
	tests := []struct {
		testCase
		edit            func(*http.Request)
		pointer, reason string
	}{
		{at("the key is removed"), func(r *http.Request) { r.Header.Del("X-Api-Key") }, "", noKey},
		{at("the key is emptied"), func(r *http.Request) { r.Header.Set("X-Api-Key", "") }, "", noKey},
		{at("the header is replaced"), func(r *http.Request) { r.Header = http.Header{"Content-Type": {jsonMedia}} }, "", noKey},
		{at("another host"), func(r *http.Request) { r.URL.Host = "kodexa.example" }, "", elsewhere},
		{at("another port"), func(r *http.Request) { r.URL.Host = "127.0.0.1:1" }, "", elsewhere},
		{at("another scheme"), func(r *http.Request) { r.URL.Scheme = "https" }, "", elsewhere},
		{at("a path beside the base URL's"), func(r *http.Request) { r.URL.Path = "/api/sessions/" + sessionID.String() }, "", elsewhere},
		{at("another path"), func(r *http.Request) { r.URL.Path = "/kodexatest/api/organizations/" + sessionID.String() }, "", unknown},
		{at("a longer path"), func(r *http.Request) { r.URL.Path += "/steps" }, "", unknown},
		{at("a shorter path"), func(r *http.Request) { r.URL.Path = "/kodexatest/api/sessions" }, "",
			`parameter "id" in path: value is required but missing`},
		{at("a path out of the operation"), func(r *http.Request) { r.URL.Path += "/../../organizations" }, "", unknown},
		{at("another method"), func(r *http.Request) { r.Method = http.MethodPost }, "", unknown},
		{at("a method without a body"), func(r *http.Request) { r.Method, r.Body = http.MethodDelete, nil }, "", unknown},
		{at("an id that is no UUID"), func(r *http.Request) { r.URL.Path = "/kodexatest/api/sessions/7" }, "",
			`parameter "id" in path: string doesn't match the format "uuid" (value must be a UUID with dashes)`},
		{at("an id without dashes"), func(r *http.Request) { r.URL.Path = strings.ReplaceAll(r.URL.Path, "-", "") }, "",
			`parameter "id" in path: string doesn't match the format "uuid" (value must be a UUID with dashes)`},
		{at("an id that leads upwards"), func(r *http.Request) { r.URL.Path = "/kodexatest/api/sessions/.." }, "",
			`parameter "id" in path: string doesn't match the format "uuid" (value must be a UUID with dashes)`},
		{at("no Content-Type"), func(r *http.Request) { r.Header.Del("Content-Type") }, "", "Content-Type must be application/json"},
		{at("another Content-Type"), func(r *http.Request) { r.Header.Set("Content-Type", "text/json") }, "", "Content-Type must be application/json"},
		{at("another body"), func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(`{"state":1}`)) }, "/state", "value must be a string"},
		{at("a body that is not JSON"), func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(`state=1`)) }, "",
			"the body is not JSON in UTF-8, at byte 0"},
	}
	server := startServer(t)
	for _, tt := range tests {
		before := len(server.Requests())
		editor := func(_ context.Context, req *http.Request) error { tt.edit(req); return nil }
		for name, call := range map[string]func() (*kodexa.Session, error){
			"of the client": func() (*kodexa.Session, error) {
				return server.Client(kodexa.WithRequestEditor(editor)).UpdateSession(t.Context(), sessionID, kodexa.Session{})
			},
			"of the call": func() (*kodexa.Session, error) {
				return server.Client().UpdateSession(t.Context(), sessionID, kodexa.Session{}, editor)
			},
		} {
			place := tt.place + ": " + name
			got, err := call()
			broken := contractError(t, place, err)
			if got != nil || broken.Direction != kodexa.Request || broken.StatusCode != 0 || errors.Is(err, kodexa.ErrOutcomeUnknown) {
				t.Errorf("%s: %v, %v %d", place, got, broken.Direction, broken.StatusCode)
			}
			if want := (kodexa.Violation{Pointer: tt.pointer, Reason: tt.reason}); broken.Violations[0] != want {
				t.Errorf("%s: got %+v, want %+v", place, broken.Violations[0], want)
			}
			if n := len(server.Requests()) - before; n != 0 {
				t.Errorf("%s: %d requests arrived", place, n)
			}
		}
	}
}

func TestSessionThatCannotBeEncodedIsNotSent(t *testing.T) {
	t.Parallel()
	tests := []struct {
		testCase
		session kodexa.Session
	}{
		{at("a named member among the unnamed"), kodexa.Session{AdditionalProperties: map[string]json.RawMessage{"state": json.RawMessage(`"canary"`)}}},
		{at("an unnamed member that is not JSON"), kodexa.Session{AdditionalProperties: map[string]json.RawMessage{"extra": json.RawMessage(`canary`)}}},
		{at("text that is not UTF-8"), kodexa.Session{State: new("canary\xff")}},
		{at("a year that RFC 3339 can't write"), kodexa.Session{CreatedOn: new(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC))}},
	}
	server := startServer(t)
	for _, tt := range tests {
		before := len(server.Requests())
		got, err := server.Client().UpdateSession(t.Context(), sessionID, tt.session)
		if got != nil || err == nil || errors.Is(err, kodexa.ErrOutcomeUnknown) || strings.Contains(fmt.Sprint(err), "canary") {
			t.Errorf("%s: %v, %v", tt.place, got, err)
		}
		if len(server.Requests()) != before {
			t.Errorf("%s: it was sent", tt.place)
		}
	}
}

func TestMemberSpelledInAnotherCaseIsNotSent(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	session := kodexa.Session{AdditionalProperties: map[string]json.RawMessage{"State": json.RawMessage(`"OPEN"`)}}
	_, err := server.Client().UpdateSession(t.Context(), sessionID, session)
	wantRefusedRequest(t, "State", err, []byte(`{"State":"OPEN"}`),
		kodexa.Violation{Pointer: "/State", Reason: `the contract spells this member "state"`})
	if n := len(server.Requests()); n != 0 {
		t.Errorf("%d requests arrived", n)
	}
}

func TestUserAgentNamesProductAndModule(t *testing.T) {
	t.Parallel()
	for want, options := range map[string][]kodexa.Option{
		"kodexa-go":               nil,
		"acme-sync/1.4 kodexa-go": {kodexa.WithUserAgent("acme-sync/1.4")},
	} {
		server := startServer(t)
		server.SetSession(kodexa.Session{ID: new(sessionID.String())})
		if _, err := server.Client(options...).UpdateSession(t.Context(), sessionID, kodexa.Session{}); err != nil {
			t.Fatal(err)
		}
		if got := server.Requests()[0].Header["User-Agent"]; len(got) != 1 || !strings.HasPrefix(got[0], want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestCallersHTTPClientIsUsedAndNotChanged(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	server.SetSession(kodexa.Session{ID: new(sessionID.String())})
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	serverURL, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	jar.SetCookies(serverURL, []*http.Cookie{{Name: "route", Value: "a"}}) //nolint:gosec // Secure ones are not sent to this server
	trips := 0
	transport := roundTrip(func(req *http.Request) (*http.Response, error) {
		trips++
		return http.DefaultTransport.RoundTrip(req)
	})
	given := &http.Client{Transport: transport, Jar: jar, Timeout: time.Hour}
	client := server.Client(kodexa.WithHTTPClient(given), kodexa.WithTimeout(time.Minute))
	if _, err := client.UpdateSession(t.Context(), sessionID, kodexa.Session{}); err != nil {
		t.Fatal(err)
	}
	if trips != 1 || server.Requests()[0].Header.Get("Cookie") != "route=a" {
		t.Errorf("%d round trips, header %v", trips, server.Requests()[0].Header["Cookie"])
	}
	_, isGiven := given.Transport.(roundTrip)
	if !isGiven || given.CheckRedirect != nil || given.Jar != http.CookieJar(jar) || given.Timeout != time.Hour {
		t.Errorf("the caller's client is changed: %+v", given)
	}
	given.Transport = roundTrip(func(*http.Request) (*http.Response, error) { return nil, errors.New("changed later") })
	if _, err := client.UpdateSession(t.Context(), sessionID, kodexa.Session{}); err != nil {
		t.Errorf("a later change of the caller's client reached the copy: %v", err)
	}
}

func TestNothingIsLoggedByDefault(t *testing.T) { //nolint:paralleltest // it changes slog's default
	var log bytes.Buffer
	previous := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	t.Cleanup(func() { slog.SetDefault(previous) })
	server := startServer(t)
	if _, err := server.Client().UpdateSession(t.Context(), sessionID, kodexa.Session{}); !errors.Is(err, kodexa.ErrNotFound) {
		t.Error(err)
	}
	if log.Len() != 0 {
		t.Errorf("logged %s", &log)
	}
}

// TestLivePlatform updates the session KODEXA_SESSION_ID, which must be one that is set aside for it: the first update sets
// no member, the second one sends back what the first one was answered with.
func TestLivePlatform(t *testing.T) {
	t.Parallel()
	id := os.Getenv("KODEXA_SESSION_ID")
	if id == "" || os.Getenv("KODEXA_URL") == "" || os.Getenv("KODEXA_API_KEY") == "" {
		t.Skip("KODEXA_URL, KODEXA_API_KEY and KODEXA_SESSION_ID are not set")
	}
	session, err := uuid.Parse(id)
	if err != nil {
		t.Fatal("KODEXA_SESSION_ID is not a UUID")
	}
	client, err := kodexa.New(kodexa.FromEnv(), kodexa.WithUserAgent("kodexa-go-contract-test"))
	if err != nil {
		t.Fatal(err)
	}
	first, err := client.UpdateSession(t.Context(), session, kodexa.Session{ID: new(session.String())})
	if err != nil {
		t.Fatal(err)
	}
	if first.ID == nil || !strings.EqualFold(*first.ID, session.String()) {
		t.Errorf("the answer is about another session")
	}
	second, err := client.UpdateSession(t.Context(), session, *first)
	if err != nil {
		t.Fatal(err)
	}
	second.ChangeSequence, second.UpdatedOn = first.ChangeSequence, first.UpdatedOn
	wantSameJSON(t, "the session that was sent back", encode(t, second), encode(t, first))
	stranger, err := kodexa.New(kodexa.FromEnv(), kodexa.WithAPIKey("not-a-key"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = stranger.UpdateSession(t.Context(), session, *second)
	if answer := apiError(t, "an unknown key", err); !errors.Is(err, kodexa.ErrUnauthorized) && !errors.Is(err, kodexa.ErrForbidden) {
		t.Errorf("an unknown key: %d", answer.StatusCode)
	}
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

// contractError never returns nil, so that the rows after a failing one are tested as well. Nor does apiError.
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

type refusal struct {
	direction kodexa.Direction
	status    int
	body      []byte
	violation kodexa.Violation
}

func wantRefusedResponse(t *testing.T, place string, got *kodexa.Session, err error, want refusal) {
	t.Helper()
	want.direction = kodexa.Response
	if got != nil {
		t.Errorf("%s: got a result", place)
	}
	wantRefusal(t, place, err, want)
	if !errors.Is(err, kodexa.ErrOutcomeUnknown) {
		t.Errorf("%s: the update happened, but the error is not ErrOutcomeUnknown", place)
	}
}

func wantRefusedRequest(t *testing.T, place string, err error, body []byte, v kodexa.Violation) {
	t.Helper()
	wantRefusal(t, place, err, refusal{direction: kodexa.Request, body: body, violation: v})
	if errors.Is(err, kodexa.ErrOutcomeUnknown) {
		t.Errorf("%s: nothing was sent, but the error is ErrOutcomeUnknown", place)
	}
}

func wantRefusal(t *testing.T, place string, err error, want refusal) {
	t.Helper()
	broken := contractError(t, place, err)
	if !slices.Equal(broken.Violations, []kodexa.Violation{want.violation}) {
		t.Errorf("%s: got %+v, want %+v", place, broken.Violations, want.violation)
	}
	if broken.Direction != want.direction || broken.StatusCode != want.status || broken.Method+" "+broken.Path != operation {
		t.Errorf("%s: got %v %d %s %s", place, broken.Direction, broken.StatusCode, broken.Method, broken.Path)
	}
	if !bytes.Equal(broken.Body, want.body) {
		t.Errorf("%s: Body is %q", place, broken.Body)
	}
	text := "kodexa: " + operation + ": "
	if want.status != 0 {
		text += strings.TrimSpace(fmt.Sprintf("%d %s", want.status, http.StatusText(want.status))) + ": "
	}
	text += want.direction.String() + " breaks the contract"
	if want.violation.Pointer != "" {
		text += " at " + want.violation.Pointer
	}
	if text += ": " + want.violation.Reason; fmt.Sprint(err) != text {
		t.Errorf("%s: got the text %q, want %q", place, err, text)
	}
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
