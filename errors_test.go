package kodexa_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/google/uuid"

	kodexa "github.com/kodexa-community/kodexa-go"
)

// sentinels are what errors.Is says of a status; none of the others is.
var (
	statusSentinels = map[int]error{
		401: kodexa.ErrUnauthorized, 403: kodexa.ErrForbidden, 404: kodexa.ErrNotFound,
		409: kodexa.ErrConflict, 412: kodexa.ErrConflict, 429: kodexa.ErrRateLimited,
	}
	allSentinels = []error{
		kodexa.ErrUnauthorized, kodexa.ErrForbidden, kodexa.ErrNotFound, kodexa.ErrConflict, kodexa.ErrRateLimited, kodexa.ErrResponseTooLarge,
	}
	mayBeAppliedStatuses = []int{303, 408, 499, 500, 502, 503, 504, 505, 511, 520, 524, 599, 600, 999}
)

func TestStatusBeyond2xxIsAnAPIErrorWhateverItsBody(t *testing.T) {
	t.Parallel()
	bodies := map[string]struct{ contentType, body, message string }{
		"JSON":            {jsonMedia, `{"message":"stale"}`, "stale"},
		"a good session":  {jsonMedia, `{"state":"canary"}`, ""},
		"HTML":            {"text/html", "<html><body>canary</body></html>", ""},
		"nothing":         {"", "", ""},
		"truncated JSON":  {jsonMedia, `{"message":"canary`, ""},
		"broken UTF-8":    {jsonMedia, "{\"message\":\"canary\xff\"}", ""},
		"gibberish media": {";;;", "canary", ""},
	}
	for _, status := range []int{
		300, 301, 302, 303, 304, 305, 307, 308, 399, 400, 401, 402, 403, 404, 405, 406, 408, 409, 410, 411, 412, 413, 415, 418, 422, 423,
		421, 425, 428, 429, 431, 451, 499, 500, 501, 502, 503, 504, 505, 511, 520, 524, 599, 600, 999,
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			server := startServer(t)
			client := server.Client(oneTry)
			for name, b := range bodies {
				for doorName, door := range everyDoor {
					place := fmt.Sprintf("%d: %s: %s", status, name, doorName)
					server.Enqueue(answerWith(status, b.contentType, []byte(b.body)))
					got, err := door.call(t.Context(), client, kodexa.Session{})
					failed, answer := callError(t, place, err), apiError(t, place, err)
					if got != nil || answer.StatusCode != status || failed.Err != error(answer) || failed.Attempts != 1 {
						t.Errorf("%s: %v, %d after %d attempts", place, got, answer.StatusCode, failed.Attempts)
					}
					if failed.Operation != door.operationID || failed.Method != door.method || failed.Path != sessionPath {
						t.Errorf("%s: the call is %s %s %s", place, failed.Operation, failed.Method, failed.Path)
					}
					message := b.message
					if status == http.StatusNotModified {
						message = "" // it has no body
					} else if string(answer.Body) != b.body {
						t.Errorf("%s: Body is %q", place, answer.Body)
					}
					for _, sentinel := range allSentinels {
						if errors.Is(err, sentinel) != (sentinel == statusSentinels[status]) {
							t.Errorf("%s: errors.Is(err, %v) is %t", place, sentinel, errors.Is(err, sentinel))
						}
					}
					unknown := door.changes && slices.Contains(mayBeAppliedStatuses, status)
					if errors.Is(err, kodexa.ErrOutcomeUnknown) != unknown || failed.OutcomeUnknown != unknown {
						t.Errorf("%s: errors.Is(err, ErrOutcomeUnknown) is %t", place, !unknown)
					}
					want := strings.TrimSpace(fmt.Sprintf("kodexa: %s %s: %d %s", door.method, sessionPath, status, http.StatusText(status)))
					if message != "" {
						want += ": " + message
					}
					if unknown {
						want += ": the request may have been applied"
					}
					if fmt.Sprint(err) != want || answer.Message != message {
						t.Errorf("%s: the text is %q, want %q; the message %q", place, err, want, answer.Message)
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
		_, err := server.Client(oneTry, kodexa.WithTimeout(time.Minute)).UpdateSession(t.Context(), sessionID, kodexa.Session{})
		done <- err
	}()
	defer func() { _ = (<-held).Close() }()
	select {
	case err := <-done:
		if answer := apiError(t, "101", err); answer.StatusCode != http.StatusSwitchingProtocols {
			t.Error(err)
		}
	case <-time.After(2 * time.Minute):
		t.Error("the call outlives its timeout for as long as the connection is open")
	}
}

// Not parallel: http.DefaultTransport is everybody's. When another test closes its httptest.Server, that ends the idle connections
// of it, one of which may be about to hand out an answer without a body.
func TestRedirectIsNeverFollowed(t *testing.T) { //nolint:paralleltest // see above
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
	for client, options := range clients { //nolint:paralleltest // see above
		t.Run(client, func(t *testing.T) {
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

// What can't be encoded never becomes a request. The error says where and why, and holds no value.
func TestSessionThatCannotBeEncodedIsNotSent(t *testing.T) {
	t.Parallel()
	raw := func(name, value string) kodexa.Session {
		return kodexa.Session{AdditionalProperties: map[string]json.RawMessage{name: json.RawMessage(value)}}
	}
	tests := []struct {
		testCase
		session       kodexa.Session
		where, reason string
	}{
		{at("a named member among the unnamed"), raw("state", `"canary"`), "/state", "the contract names this member"},
		{at("an unnamed member that is not JSON"), raw("x", `canary`), "/x", "the raw value is not JSON"},
		{at("an item of it that is not JSON"), raw("y", `[1,canary]`), "/y", "the raw value is not JSON"},
		{at("an item that is missing"), raw("t", `[1,]`), "/t", "the raw value is not JSON"},
		{at("more members than one"), raw("z", `1,"id":"canary"`), "/z", "the raw value is not JSON"},
		{at("a repeated name in it"), raw("r", `{"a":"canary","a":2}`), "/r", "the raw value is not JSON"},
		{at("an unnamed member that is not UTF-8"), raw("s", "\"canary\xff\""), "/s", "the raw value is not JSON"},
		{at("an empty one"), raw("e", ""), "/e", "the raw value is not JSON"},
		{at("a name with a slash"), raw("a/b~c", `canary`), "/a~1b~0c", "the raw value is not JSON"},
		{at("a free-form member"), kodexa.Session{Organization: &kodexa.Organization{
			Features: &map[string]json.RawMessage{"a/b": json.RawMessage("canary")},
		}}, "/organization/features/a~1b", "the raw value is not JSON"},
		{at("text that is not UTF-8"), kodexa.Session{Token: new("canary\xff")}, "/token", "invalid UTF-8"},
		{at("an item that is not UTF-8"), kodexa.Session{Organization: &kodexa.Organization{
			Memory: &kodexa.OrganizationMemory{OrderedDashboards: &[]string{"a", "canary\xff"}},
		}}, "/organization/memory/orderedDashboards/1", "invalid UTF-8"},
		{at("a nullable text that is not UTF-8"), kodexa.Session{OrganizationID: map[bool]string{true: "canary\xff"}}, "/organizationId", "invalid UTF-8"},
		{at("a year that RFC 3339 can't write"), kodexa.Session{CreatedOn: new(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC))},
			"/createdOn", "year outside of range [0,9999]"},
	}
	server := startServer(t)
	client := server.Client()
	for _, tt := range tests {
		got, err := client.UpdateSession(t.Context(), sessionID, tt.session)
		failed := callError(t, tt.place, err)
		if got != nil || failed.OutcomeUnknown || failed.Attempts != 0 || failed.Operation != "updateSession" {
			t.Errorf("%s: %v, %+v", tt.place, got, failed)
		}
		want := fmt.Sprintf("%q: %s", tt.where, tt.reason)
		if text := err.Error(); !strings.HasPrefix(text, "kodexa: "+operation+": ") || !strings.HasSuffix(text, want) || strings.Contains(text, "canary") {
			t.Errorf("%s: got the text %s, want %s", tt.place, text, want)
		}
		semantic, ok := errors.AsType[*jsonv2.SemanticError](err)
		if !ok || string(semantic.JSONPointer) != tt.where || semantic.Err == nil || semantic.Err.Error() != tt.reason || semantic.JSONValue != nil {
			t.Errorf("%s: the error within is %#v", tt.place, semantic)
		}
		res, bare := client.API().UpdateSessionWithResponse(t.Context(), sessionID, tt.session)
		if _, isCall := errors.AsType[*kodexa.CallError](bare); res != nil || bare == nil || isCall || bare.Error() != failed.Err.Error() {
			t.Errorf("%s: through API: %v, %v, want %v as it comes", tt.place, res, bare, failed.Err)
		}
	}
	if n := len(server.Requests()); n != 0 {
		t.Errorf("%d requests arrived", n)
	}
}

func TestMemberSpelledInAnotherCaseIsNotSent(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	for name, update := range doors {
		session := kodexa.Session{AdditionalProperties: map[string]json.RawMessage{"State": json.RawMessage(`"OPEN"`)}}
		_, err := update(t.Context(), server.Client(), session)
		wantRefusedRequest(t, name, err, []byte(`{"State":"OPEN"}`),
			kodexa.Violation{Pointer: "/State", Reason: `the contract spells this member "state"`})
	}
	if n := len(server.Requests()); n != 0 {
		t.Errorf("%d requests arrived", n)
	}
}

func TestErrorTexts(t *testing.T) {
	t.Parallel()
	conflict := &kodexa.APIError{StatusCode: 409, Message: "stale", Header: http.Header{"X-A": {"canary"}}, Body: []byte("canary")}
	broken := &kodexa.ContractError{
		In: kodexa.InResponse, StatusCode: 200, Violations: []kodexa.Violation{{Pointer: "/state", Reason: "value must be a string"}, {}, {}},
		Header: http.Header{"X-A": {"canary"}}, Body: []byte("canary"),
	}
	call := func(attempts int, unknown bool, err error) *kodexa.CallError {
		return &kodexa.CallError{
			Operation: "updateSession", Method: "PUT", Path: "/api/sessions/7", RequestID: "r-1", Attempts: attempts, OutcomeUnknown: unknown, Err: err,
		}
	}
	for want, err := range map[string]error{
		"kodexa: PUT /api/sessions/7: EOF": call(1, false, io.EOF),
		"kodexa: PUT /api/sessions/7: EOF (after 3 attempts): the request may have been applied": call(3, true, io.EOF),
		"kodexa: PUT /api/sessions/7: 409 Conflict: stale":                                       call(0, false, conflict),
		"409 Conflict: stale":                       conflict,
		"429 Too Many Requests (retry after 1m30s)": &kodexa.APIError{StatusCode: 429, RetryAfter: 90 * time.Second},
		"999": &kodexa.APIError{StatusCode: 999},
		"200 OK: response breaks the contract at /state: value must be a string (and in 2 more places)": broken,
		"request breaks the contract: the body is empty": &kodexa.ContractError{
			In: kodexa.InRequest, Violations: []kodexa.Violation{{Reason: "the body is empty"}},
		},
		"document breaks the contract": &kodexa.ContractError{In: kodexa.InDocument},
	} {
		if err.Error() != want {
			t.Errorf("got %q, want %q", err, want)
		}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			if got := fmt.Sprintf(verb, err); got != want {
				t.Errorf("%s: got %q, want %q", verb, got, want)
			}
		}
		for _, wrapped := range []error{err, fmt.Errorf("sync: %w", err)} { // the same shape, wrapped or not
			var text bytes.Buffer
			slog.New(slog.NewJSONHandler(&text, nil)).Warn("m", "err", wrapped)
			quoted, jsonErr := json.Marshal(wrapped.Error())
			if jsonErr != nil || !strings.HasSuffix(text.String(), `"err":`+string(quoted)+"}\n") {
				t.Errorf("%s is logged as %s", wrapped, &text)
			}
		}
		if data, jsonErr := json.Marshal(err); jsonErr != nil || bytes.Contains(data, []byte("canary")) {
			t.Errorf("%s is encoded as %s, %v", err, data, jsonErr)
		}
	}
	for want, value := range map[string]any{ // a value prints as its pointer does
		"kodexa: PUT /api/sessions/7: EOF": *call(1, false, io.EOF), conflict.Error(): *conflict, broken.Error(): *broken,
	} {
		if got := fmt.Sprintf("%+v", value); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// A test double makes an error of a call by hand.
func TestErrorMadeByHandBehavesAsARealOne(t *testing.T) {
	t.Parallel()
	var err error = &kodexa.CallError{OutcomeUnknown: true, Err: &kodexa.APIError{StatusCode: http.StatusConflict}}
	for _, target := range []error{kodexa.ErrOutcomeUnknown, kodexa.ErrConflict} {
		if !errors.Is(err, target) || !errors.Is(fmt.Errorf("outer: %w", err), target) {
			t.Errorf("it is not %v", target)
		}
	}
	if errors.Is(err, kodexa.ErrNotFound) || errors.Is(&kodexa.CallError{Err: io.EOF}, kodexa.ErrOutcomeUnknown) {
		t.Error("it is more than it says")
	}
	if answer := apiError(t, "by hand", err); answer.StatusCode != http.StatusConflict {
		t.Error(answer)
	}
	if err := error(&kodexa.CallError{Err: net.ErrClosed}); !errors.Is(err, net.ErrClosed) {
		t.Error("what is within is not found")
	}
}
