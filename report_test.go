package kodexa_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	kodexa "github.com/kodexa-community/kodexa-go"
)

// reporting returns an option that collects what is reported.
func reporting(reported *[]*kodexa.CallError) kodexa.Option {
	return kodexa.WithReportOnly(func(_ context.Context, err *kodexa.CallError) { *reported = append(*reported, err) })
}

func TestReportedAnswerIsDecodedAsWellAsItCanBe(t *testing.T) {
	t.Parallel()
	tests := []struct {
		testCase
		body     string
		want     string   // what is decoded
		pointers []string // of what is reported
	}{
		{at("a null that is not allowed"), `{"state":null,"token":"t"}`, `{"token":"t"}`, []string{"/state"}},
		{at("a name in another case"), `{"State":"OPEN","token":"t"}`, `{"State":"OPEN","token":"t"}`, []string{"/State"}},
		{at("a wrong type"), `{"state":1,"token":"t"}`, `{"token":"t"}`, []string{"/state"}},
		{at("a date-time without a zone"), `{"createdOn":"2021-10-25T09:14:08.27433267","updatedOn":"2021-10-25T09:14:08Z"}`,
			`{"updatedOn":"2021-10-25T09:14:08Z"}`, []string{"/createdOn"}},
		{at("a date that is none"), `{"createdOn":"2024-02-30T10:20:30Z","state":"OPEN"}`, `{"state":"OPEN"}`, []string{"/createdOn"}},
		{at("an integer beyond int32"), `{"changeSequence":2147483648,"state":"OPEN"}`, `{"state":"OPEN"}`, []string{"/changeSequence"}},
		{at("an integer with a fraction"), `{"changeSequence":7.0,"state":"OPEN"}`, `{"state":"OPEN"}`, []string{"/changeSequence"}},
		{at("a repeated name: the last one counts"), `{"state":"a","token":"t","state":"b"}`, `{"state":"b","token":"t"}`, []string{"/state"}},
		{at("an object of another type"), `{"organization":"acme","state":"OPEN"}`, `{"state":"OPEN"}`, []string{"/organization"}},
		{at("a member of an object"), `{"organization":{"slug":1,"name":"Acme"}}`, `{"organization":{"name":"Acme"}}`, []string{"/organization/slug"}},
		{at("an array with one bad item, whole"), `{"organization":{"memory":{"orderedDashboards":["a",2],"x":1}}}`,
			`{"organization":{"memory":{"x":1}}}`, []string{"/organization/memory/orderedDashboards/1"}},
		{at("several places"), `{"state":1,"uuid":null,"Token":"t","id":"i"}`, `{"Token":"t","id":"i"}`, []string{"/Token", "/state", "/uuid"}},
		{at("nothing is left"), `{"state":1}`, `{}`, []string{"/state"}},
		{at("the unnamed members and numbers beside it"), `{"state":1,"x":12345678901234567890.10,"y":{"z":[1e400,null]}}`,
			`{"x":12345678901234567890.10,"y":{"z":[1e400,null]}}`, []string{"/state"}},
	}
	for _, tt := range tests {
		for name, door := range everyDoor {
			t.Run(tt.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				server := startServer(t)
				server.Enqueue(answerWith(http.StatusOK, jsonMedia, []byte(tt.body)))
				var reported []*kodexa.CallError
				got, err := door.call(t.Context(), server.Client(reporting(&reported)), kodexa.Session{})
				if err != nil || got == nil {
					t.Fatalf("%s: %v, %v", tt.place, got, err)
				}
				wantSameJSON(t, tt.place, encode(t, got), []byte(tt.want))
				if len(reported) != 1 {
					t.Fatalf("%s: %d reports", tt.place, len(reported))
				}
				var pointers []string
				broken := contractError(t, tt.place, reported[0])
				for _, v := range broken.Violations {
					pointers = append(pointers, v.Pointer)
				}
				if strings.Join(pointers, " ") != strings.Join(tt.pointers, " ") {
					t.Errorf("%s: reported %q, want %q", tt.place, pointers, tt.pointers)
				}
				if broken.In != kodexa.InResponse || broken.StatusCode != http.StatusOK || string(broken.Body) != tt.body {
					t.Errorf("%s: reported %s %d with the body %s", tt.place, broken.In, broken.StatusCode, broken.Body)
				}
			})
		}
	}
}

// TestReportIsTheErrorThatTheCallWouldHaveFailedWith compares it with that of a strict client.
func TestReportIsTheErrorThatTheCallWouldHaveFailedWith(t *testing.T) {
	t.Parallel()
	type contextKey struct{}
	for name, door := range everyDoor {
		server := startServer(t)
		bad := func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Request-Id", "r-17")
			answerWith(http.StatusOK, jsonMedia, []byte(`{"state":1}`))(w, r)
		}
		server.Enqueue(answerWith(http.StatusServiceUnavailable, "", nil), bad, answerWith(http.StatusServiceUnavailable, "", nil), bad)
		policy := kodexa.WithRetry(kodexa.RetryPolicy{BaseDelay: 1, MaxDelay: 1})
		var reported *kodexa.CallError
		lenient := server.Client(policy, kodexa.WithReportOnly(func(ctx context.Context, err *kodexa.CallError) {
			if ctx.Value(contextKey{}) != "the caller's" {
				t.Errorf("%s: the function got another context", name)
			}
			reported = err
		}))
		ctx := context.WithValue(t.Context(), contextKey{}, "the caller's")
		if _, err := door.call(ctx, lenient, kodexa.Session{}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		_, err := door.call(ctx, server.Client(policy), kodexa.Session{})
		want := callError(t, name, err)
		if reported == nil || reported.Error() != want.Error() || reported.Operation != want.Operation || reported.RequestID != "r-17" ||
			reported.Attempts != 2 || reported.OutcomeUnknown != want.OutcomeUnknown {
			t.Errorf("%s: reported %+v, a strict client says %+v", name, reported, want)
		}
	}
}

func TestReportOnlyDecodesJSONWhateverItIsCalled(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	for contentType, reason := range map[string]string{
		"text/json": "Content-Type must be application/json, not text/json", "": "Content-Type must be application/json",
	} {
		for name, door := range everyDoor {
			var reported []*kodexa.CallError
			server.Enqueue(answerWith(200, contentType, []byte(`{"state":"OPEN"}`)))
			got, err := door.call(t.Context(), server.Client(reporting(&reported)), kodexa.Session{})
			if err != nil || got == nil || *got.State != "OPEN" {
				t.Errorf("%s, %q: %v, %v", name, contentType, got, err)
			}
			if len(reported) != 1 || contractError(t, name, reported[0]).Violations[0].Reason != reason {
				t.Errorf("%s, %q: reported %v", name, contentType, reported)
			}
		}
	}
}

func TestReportOnlyStillRefusesWhatCannotBeDecoded(t *testing.T) {
	t.Parallel()
	tests := []struct {
		testCase
		status      int
		contentType string
		body        string
		reason      string
	}{
		{at("null"), 200, jsonMedia, `null`, "Value is not nullable"},
		{at("an array"), 200, jsonMedia, `[{"state":"OPEN"}]`, "value must be an object"},
		{at("a string"), 200, jsonMedia, `"OPEN"`, "value must be an object"},
		{at("HTML"), 200, "text/html", `<html>`, "Content-Type must be application/json, not text/html"},
		{at("HTML that claims to be JSON"), 200, jsonMedia, `<html>`, "the body is not JSON in UTF-8, at byte 0"},
		{at("truncated"), 200, jsonMedia, `{"state":"a"`, "the JSON text is cut short after 12 bytes"},
		{at("empty"), 200, jsonMedia, ``, "the body is empty"},
		{at("more after it"), 200, jsonMedia, `{"state":"a"} {}`, "there is more after the value, at byte 13"},
		{at("not UTF-8"), 200, jsonMedia, "{\"x\":\"\xff\"}", "the body is not JSON in UTF-8, at byte 6"},
		{at("201"), 201, jsonMedia, `{"state":"OPEN"}`, "status is not supported"},
		{at("204"), 204, "", ``, "status is not supported"},
	}
	server := startServer(t)
	for _, tt := range tests {
		for name, door := range everyDoor {
			var reported []*kodexa.CallError
			server.Enqueue(answerWith(tt.status, tt.contentType, []byte(tt.body)))
			got, err := door.call(t.Context(), server.Client(reporting(&reported)), kodexa.Session{})
			place := tt.place + ": " + name
			broken := contractError(t, place, err)
			if got != nil || broken.Violations[0].Reason != tt.reason || broken.StatusCode != tt.status || broken.In != kodexa.InResponse {
				t.Errorf("%s: %v, %v, want %s", place, got, err, tt.reason)
			}
			if errors.Is(err, kodexa.ErrOutcomeUnknown) != door.changes {
				t.Errorf("%s: ErrOutcomeUnknown: %t", place, !door.changes)
			}
			if len(reported) != 1 || reported[0].Error() != err.Error() {
				t.Errorf("%s: reported %v", place, reported)
			}
		}
	}
}

func TestReportOnlyHandsTheGeneratedClientWhatItDecodes(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	for body, want := range map[string]string{
		`{"state":1,"token":"t"}`:      `{"token":"t"}`,
		`{"State" : "OPEN", "x": 1.0}`: `{"State" : "OPEN", "x": 1.0}`, // nothing is left out, so nothing is rewritten
	} {
		var reported []*kodexa.CallError
		server.Enqueue(answerWith(http.StatusOK, jsonMedia, []byte(body)))
		res, err := server.Client(reporting(&reported)).API().GetSessionWithResponse(t.Context(), sessionID)
		if err != nil || res.JSON200 == nil || string(res.Body) != want || len(reported) != 1 {
			t.Errorf("%s: %v, %v, %d reports", body, res, err, len(reported))
		}
	}
}

func TestReportOnlyStillRefusesRequests(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	var reported []*kodexa.CallError
	client := server.Client(reporting(&reported))
	const body = `{"state":1}`
	_, err := client.API().UpdateSessionWithBodyWithResponse(t.Context(), sessionID, jsonMedia, strings.NewReader(body))
	wantRefusedRequest(t, "a body", err, []byte(body), kodexa.Violation{Pointer: "/state", Reason: "value must be a string"})
	s := kodexa.Session{}
	s.Set("State", []byte(`"OPEN"`))
	_, err = client.UpdateSession(t.Context(), sessionID, s)
	wantRefusedRequest(t, "a session", err, []byte(`{"State":"OPEN"}`),
		kodexa.Violation{Pointer: "/State", Reason: `the contract spells this member "state"`})
	if len(reported) != 0 || len(server.Requests()) != 0 {
		t.Errorf("reported %v, %d requests arrived", reported, len(server.Requests()))
	}
}

func TestReportOnlyStillRefusesAnotherSession(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	var reported []*kodexa.CallError
	client := server.Client(reporting(&reported))
	another := `{"id":"` + uuid.NewString() + `"}`
	for _, name := range []string{"GetSession", "UpdateSession"} {
		server.Enqueue(answerWith(http.StatusOK, jsonMedia, []byte(another)))
		got, err := everyDoor[name].call(t.Context(), client, kodexa.Session{})
		if broken := contractError(t, name, err); got != nil || broken.Violations[0].Pointer != "/id" || broken.In != kodexa.InResponse {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if len(reported) != 0 {
		t.Errorf("reported %v: that is an error of the call", reported)
	}
}

func TestWhatKeepsTheContractIsNotReported(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	server.SetSession(kodexa.Session{ID: new(sessionID.String())})
	var reported []*kodexa.CallError
	client := server.Client(reporting(&reported))
	if _, err := client.UpdateSession(t.Context(), sessionID, kodexa.Session{}); err != nil {
		t.Error(err)
	}
	if _, err := client.UpdateSession(t.Context(), uuid.New(), kodexa.Session{}); !errors.Is(err, kodexa.ErrNotFound) {
		t.Error(err)
	}
	if len(reported) != 0 {
		t.Errorf("reported %v", reported)
	}
}

func TestReportedAnswerIsLoggedAsAWarning(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	server.Enqueue(answerWith(http.StatusOK, jsonMedia, []byte(`{"state":1}`)))
	var text bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var reported []*kodexa.CallError
	if _, err := server.Client(reporting(&reported), kodexa.WithLogger(logger)).GetSession(t.Context(), sessionID); err != nil {
		t.Fatal(err)
	}
	const want = `status=200 error="200 OK: response breaks the contract at /state: value must be a string"`
	if got := text.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "level=WARN") || !strings.Contains(got, want) {
		t.Errorf("logged %s", got)
	}
}

func TestReportMayDoWithItsErrorWhatItLikes(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	server.Enqueue(answerWith(200, "text/json", []byte(`{"state":"OPEN"}`)))
	session, err := server.Client(kodexa.WithReportOnly(func(_ context.Context, e *kodexa.CallError) {
		broken := contractError(t, "reported", e)
		clear(broken.Body)
		clear(broken.Header)
		broken.Violations[0] = kodexa.Violation{}
	})).GetSession(t.Context(), sessionID)
	if err != nil || *session.State != "OPEN" {
		t.Errorf("%v, %v", session, err)
	}
}

// TestWhatAReportDoesIsNotSeenInTheErrorOfTheCall has a call fail with what it reported.
func TestWhatAReportDoesIsNotSeenInTheErrorOfTheCall(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	var text bytes.Buffer
	client := server.Client(kodexa.WithLogger(slog.New(slog.NewTextHandler(&text, nil))), kodexa.WithReportOnly(func(_ context.Context, e *kodexa.CallError) {
		broken := contractError(t, "reported", e)
		clear(broken.Body)
		clear(broken.Header)
		clear(broken.Violations)
		*broken, *e = kodexa.ContractError{}, kodexa.CallError{}
	}))
	const want = "200 OK: response breaks the contract"
	for reason, body := range map[string]string{" at /state: value must be a string": `{"state":1}`, ": Value is not nullable": `null`} {
		text.Reset()
		server.Enqueue(answerWith(200, jsonMedia, []byte(body)))
		_, err := client.ModifySession(t.Context(), sessionID, func(*kodexa.Session) error { return nil })
		broken := contractError(t, body, err)
		if string(broken.Body) != body || len(broken.Header) == 0 || !strings.Contains(err.Error(), want+reason) || !strings.Contains(text.String(), want+reason) {
			t.Errorf("got %v with %s, logged %s", err, broken.Body, &text)
		}
	}
}
