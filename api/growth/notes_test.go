//go:build grown

package growth_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/uuid"

	kodexa "github.com/kodexa-community/kodexa-go"
	"github.com/kodexa-community/kodexa-go/gen"
)

var id = uuid.MustParse("3f2b8c1e-6d4a-4f0b-9a57-1c8e2d7b6a90")

func client(t *testing.T, method string, status int, contentType, body string) *kodexa.Client {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != method || r.URL.Path != "/api/notes/"+id.String() || r.Header.Get("x-api-key") != "the-key" {
			t.Errorf("%s %s, key sent: %v", r.Method, r.URL.Path, r.Header.Get("x-api-key") == "the-key")
		}
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	client, err := kodexa.New(kodexa.WithBaseURL(server.URL), kodexa.WithAPIKey("the-key"), kodexa.WithRetry(kodexa.RetryPolicy{BaseDelay: 1, MaxDelay: 1}))
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestGetNote(t *testing.T) {
	for name, tt := range map[string]struct {
		status            int
		contentType, body string
		pointer           string // of the violation
		refused, answered bool
	}{
		"good body":          {status: 200, contentType: "application/json; charset=UTF-8", body: "{\"text\":\"a\",\"slug\":\"b\",\"x\":12345678901234567890}"},
		"missing member":     {status: 200, contentType: "application/json", body: "{\"slug\":\"a\"}", pointer: "/text", refused: true},
		"another pattern":    {status: 200, contentType: "application/json", body: "{\"text\":\"a\",\"slug\":\"A\"}", pointer: "/slug", refused: true},
		"bad date-time":      {status: 200, contentType: "application/json", body: "{\"text\":\"a\",\"at\":\"2024-02-30T10:20:30Z\"}", pointer: "/at", refused: true},
		"name in upper case": {status: 200, contentType: "application/json", body: "{\"text\":\"a\",\"SLUG\":\"b\"}", pointer: "/SLUG", refused: true},
		"HTML":               {status: 200, contentType: "text/html", body: "<html>", refused: true},
		"empty":              {status: 200, contentType: "application/json", refused: true},
		"201":                {status: 201, contentType: "application/json", body: "{\"text\":\"a\"}", refused: true},
		"404":                {status: 404, contentType: "text/html", body: "<html>", answered: true},
	} {
		t.Run(name, func(t *testing.T) {
			res, err := client(t, "GET", tt.status, tt.contentType, tt.body).API().GetNoteWithResponse(t.Context(), id)
			broken, isRefused := errors.AsType[*kodexa.ContractError](err)
			answer, isAnswered := errors.AsType[*kodexa.APIError](err)
			if isRefused != tt.refused || isAnswered != tt.answered || (err == nil) != (res != nil) {
				t.Fatalf("%v, %v", res, err)
			}
			if isRefused && broken.Violations[0].Pointer != tt.pointer {
				t.Error(err)
			}
			if isAnswered && (answer.StatusCode != 404 || !errors.Is(err, kodexa.ErrNotFound)) {
				t.Error(err)
			}
			if err == nil {
				x, _ := res.JSON200.Get("x")
				if res.JSON200.Text != "a" || string(x) != "12345678901234567890" {
					t.Error("the body is not decoded")
				}
				return
			}
			call, isCall := errors.AsType[*kodexa.CallError](err)
			if !isCall || call.Operation != "getNote" || call.Method != "GET" || call.Path != "/api/notes/"+id.String() || call.OutcomeUnknown {
				t.Errorf("%+v", call)
			}
		})
	}
}

func TestCreateNote(t *testing.T) {
	good := client(t, "POST", 201, "application/json", "{\"text\":\"a\"}")
	res, err := good.API().CreateNoteWithResponse(t.Context(), id, gen.Note{Text: "a"})
	if err != nil || res.JSON201.Text != "a" {
		t.Errorf("%v, %v", res, err)
	}
	_, err = good.API().CreateNoteWithResponse(t.Context(), id, gen.Note{})
	if broken, ok := errors.AsType[*kodexa.ContractError](err); !ok || broken.In != kodexa.InRequest || broken.Violations[0].Pointer != "/text" {
		t.Errorf("%v", err)
	}
	_, err = client(t, "POST", 503, "", "").API().CreateNoteWithResponse(t.Context(), id, gen.Note{Text: "a"})
	call, ok := errors.AsType[*kodexa.CallError](err)
	if !ok || call.Attempts != 1 || !errors.Is(err, kodexa.ErrOutcomeUnknown) {
		t.Errorf("a POST is not idempotent: %+v", call)
	}
}
