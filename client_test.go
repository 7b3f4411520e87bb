package kodexa_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/uuid"

	kodexa "github.com/kodexa-community/kodexa-go"
)

func TestAcceptedBodyIsReadAndSentWithoutLoss(t *testing.T) {
	t.Parallel()
	for _, file := range matches(t, "api/examples/*.json") {
		for name, door := range everyDoor {
			t.Run(filepath.Base(file)+"/"+name, func(t *testing.T) {
				t.Parallel()
				body := contentOf(t, checkout, file)
				var sent kodexa.Session
				if err := json.Unmarshal(body, &sent); err != nil {
					t.Fatalf("%s: %v", file, err)
				}
				server := startServer(t)
				server.Enqueue(answerWith(http.StatusOK, jsonMedia, body))
				got, err := door.call(t.Context(), server.Client(), sent)
				if err != nil || got == nil {
					t.Fatalf("%s: %v, %v", file, got, err)
				}
				wantSameJSON(t, file+": as it was read", encode(t, got), body)
				if arrived := server.Requests()[0].Body; door.changes {
					wantSameJSON(t, file+": as it was sent", arrived, body)
				} else if len(arrived) != 0 {
					t.Errorf("%s: reading sends %q", file, arrived)
				}
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
	for name, door := range everyDoor {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := startServer(t)
			client := server.Client()
			for _, row := range violations(t) {
				server.Enqueue(answerWith(http.StatusOK, jsonMedia, row.bytes()))
				got, err := door.call(t.Context(), client, kodexa.Session{})
				wantRefusedResponse(t, row.place, got, err, refusal{
					door: door, status: http.StatusOK, body: row.bytes(), violation: kodexa.Violation{Pointer: row.Pointer, Reason: row.Reason},
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
	if text := fmt.Sprint(err); !strings.HasSuffix(text, `at /State: the contract spells this member "state" (and in 6 more places): the request may have been applied`) {
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
		{at("HTML"), 200, "text/html; charset=utf-8", "<!DOCTYPE html><title>canary</title>", mediaType + ", not text/html"},
		{at("HTML that claims to be JSON"), 200, jsonMedia, "<!DOCTYPE html><title>canary</title>", "the body is not JSON in UTF-8, at byte 0"},
		{at("no Content-Type"), 200, "", good, mediaType},
		{at("neither Content-Type nor body"), 200, "", "", mediaType},
		{at("no body"), 200, jsonMedia, "", "the body is empty"},
		{at("text/json"), 200, "text/json", good, mediaType + ", not text/json"},
		{at("text/plain"), 200, "text/plain", good, mediaType + ", not text/plain"},
		{at("application/x-json"), 200, "application/x-json", good, mediaType + ", not application/x-json"},
		{at("application/jsonp"), 200, "application/jsonp", good, mediaType + ", not application/jsonp"},
		{at("application/problem+json"), 200, "application/problem+json", good, mediaType + ", not application/problem+json"},
		{at("application/json-patch+json"), 200, "application/json-patch+json", good, mediaType + ", not application/json-patch+json"},
		{at("application/*"), 200, "application/*", good, mediaType + ", not application/*"},
		{at("*/*"), 200, "*/*", good, mediaType + ", not */*"},
		{at("json"), 200, "json", good, mediaType + ", not json"},
		{at("a list of media types"), 200, "application/json, text/html", good, mediaType + ", not application/json, text/html"},
		{at("the media type as a parameter"), 200, "text/html; type=application/json", good, mediaType + ", not text/html"},
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
	for name, door := range everyDoor {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := startServer(t)
			for _, tt := range tests {
				server.Enqueue(answerWith(tt.status, tt.contentType, []byte(tt.body)))
				got, err := door.call(t.Context(), server.Client(), kodexa.Session{})
				wantRefusedResponse(t, tt.place, got, err, refusal{
					door: door, status: tt.status, body: []byte(tt.body), violation: kodexa.Violation{Reason: tt.reason},
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
		for name, door := range everyDoor {
			server.Enqueue(answerWith(http.StatusOK, contentType, []byte(`{"state":"OPEN"}`)))
			got, err := door.call(t.Context(), server.Client(), kodexa.Session{})
			if err != nil || got == nil || got.State == nil || *got.State != "OPEN" {
				t.Errorf("%s: %s: %v, %v", contentType, name, got, err)
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

func TestKeyIsSentOnceAsXAPIKeyAlone(t *testing.T) {
	t.Parallel()
	for name, door := range everyDoor {
		server := startServer(t)
		server.Enqueue(answerWith(http.StatusOK, jsonMedia, []byte(`{}`)))
		if _, err := door.call(t.Context(), server.Client(), kodexa.Session{}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		sent := server.Requests()[0]
		if got := sent.Header["X-Api-Key"]; !slices.Equal(got, []string{server.APIKey}) {
			t.Errorf("%s: x-api-key has %d values", name, len(got))
		}
		for header, values := range sent.Header {
			if header != "X-Api-Key" && strings.Contains(strings.Join(values, "\n"), server.APIKey) {
				t.Errorf("%s: the key is also in %s", name, header)
			}
		}
		for _, header := range []string{"X-Access-Token", "Authorization", "Cookie"} {
			if sent.Header[header] != nil {
				t.Errorf("%s: %s was sent", name, header)
			}
		}
		if strings.Contains(sent.Path+string(sent.Body), server.APIKey) {
			t.Errorf("%s: the key is in the path or the body", name)
		}
	}
}

func TestRequestIsWhatThePageShows(t *testing.T) {
	t.Parallel()
	for name, door := range everyDoor {
		var contentType []string
		body := ""
		if door.changes {
			contentType, body = []string{jsonMedia}, `{"state":"OPEN"}`
		}
		server := startServer(t)
		server.Enqueue(answerWith(http.StatusOK, jsonMedia, []byte(`{}`)))
		if _, err := door.call(t.Context(), server.Client(), kodexa.Session{State: new("OPEN")}); err != nil {
			t.Fatal(err)
		}
		sent := server.Requests()[0]
		if sent.Method != door.method || sent.Path != "/api/sessions/"+sessionID.String() {
			t.Errorf("%s: %s %s", name, sent.Method, sent.Path)
		}
		if got := sent.Header["Accept"]; !slices.Equal(got, []string{jsonMedia}) {
			t.Errorf("%s: Accept %q", name, got)
		}
		if got := sent.Header["Content-Type"]; !slices.Equal(got, contentType) || string(sent.Body) != body {
			t.Errorf("%s: Content-Type %q, body %s", name, got, sent.Body)
		}
	}
}

// TestLivePlatform reads and updates the session KODEXA_SESSION_ID, which must be one that is set aside for it. It sends back
// what it read and changes nothing.
func TestLivePlatform(t *testing.T) {
	t.Parallel()
	text := os.Getenv("KODEXA_SESSION_ID")
	if text == "" || os.Getenv("KODEXA_URL") == "" || os.Getenv("KODEXA_API_KEY") == "" {
		t.Skip("KODEXA_URL, KODEXA_API_KEY and KODEXA_SESSION_ID are not set")
	}
	id, err := uuid.Parse(text)
	if err != nil {
		t.Fatal("KODEXA_SESSION_ID is not a UUID")
	}
	client, err := kodexa.New(kodexa.FromEnv(), kodexa.WithUserAgent("kodexa-go-contract-test"))
	if err != nil {
		t.Fatal(err)
	}
	read, err := client.GetSession(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	stored, err := client.UpdateSession(t.Context(), id, *read)
	if err != nil {
		t.Fatal(err)
	}
	again, err := client.GetSession(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	wantSameJSON(t, "the session that was read after the update", encode(t, again), encode(t, stored))
	if _, err = client.UpdateSession(t.Context(), id, *read); !errors.Is(err, kodexa.ErrConflict) {
		t.Errorf("a changeSequence that is not the stored one: %v", err)
	}
	stored.ChangeSequence, stored.UpdatedOn = read.ChangeSequence, read.UpdatedOn
	wantSameJSON(t, "the session that was sent back", encode(t, stored), encode(t, read))
	if _, err = client.GetSession(t.Context(), uuid.New()); !errors.Is(err, kodexa.ErrNotFound) {
		t.Errorf("a session that there is not: %v", err)
	}
	stranger, err := kodexa.New(kodexa.FromEnv(), kodexa.WithAPIKey("not-a-key"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = stranger.GetSession(t.Context(), id)
	if answer := apiError(t, "an unknown key", err); !errors.Is(err, kodexa.ErrUnauthorized) && !errors.Is(err, kodexa.ErrForbidden) {
		t.Errorf("an unknown key: %d", answer.StatusCode)
	}
}
