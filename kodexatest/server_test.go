package kodexatest_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	kodexa "github.com/kodexa-community/kodexa-go"
	"github.com/kodexa-community/kodexa-go/kodexatest"
)

var (
	knownID = uuid.MustParse("3f2b8c1e-6d4a-4f0b-9a57-1c8e2d7b6a90")
	created = time.Date(2023, 11, 7, 5, 31, 56, 0, time.UTC)
)

// startServer starts a server that knows one session, at version 7.
func startServer(t *testing.T) *kodexatest.Server {
	t.Helper()
	server := kodexatest.NewServer()
	t.Cleanup(server.Close)
	server.SetSession(kodexa.Session{
		ID: new(knownID.String()), ChangeSequence: new(int32(7)), CreatedOn: new(created), State: new("OPEN"), Token: new("canary-token"),
	})
	return server
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	const (
		known   = "/api/sessions/3f2b8c1e-6d4a-4f0b-9a57-1c8e2d7b6a90"
		another = "0f8fad5b-d9cb-469f-a165-70867728950e"
	)
	for name, tt := range map[string]struct {
		method, path, key, contentType, body string
		status                               int
		message                              string // what it says among other things
	}{
		"no key":                      {"PUT", known, "", media, `{}`, 401, "the API key is missing"},
		"another key":                 {"PUT", known, "another", media, `{}`, 401, "the API key is missing or not known"},
		"no key for an unknown one":   {"PUT", "/api/sessions/" + uuid.NewString(), "", media, `{}`, 401, "the API key is missing"},
		"unknown session":             {"PUT", "/api/sessions/" + uuid.NewString(), "key", media, `{}`, 404, "no such session"},
		"unknown path":                {"PUT", "/api/organizations/1", "key", media, `{}`, 404, "no such operation"},
		"unknown method":              {"LINK", known, "key", "", ``, 404, "no such operation"},
		"id that is no UUID":          {"PUT", "/api/sessions/7", "key", media, `{}`, 400, `parameter "id" in path: `},
		"wrong type":                  {"PUT", known, "key", media, `{"state":"a","token":8675309}`, 400, "request breaks the contract at /token: "},
		"null":                        {"PUT", known, "key", media, `null`, 400, "request breaks the contract: "},
		"integer beyond int32":        {"PUT", known, "key", media, `{"changeSequence":2147483648}`, 400, " at /changeSequence: "},
		"integer with a fraction":     {"PUT", known, "key", media, `{"changeSequence":7.0}`, 400, " at /changeSequence: "},
		"bad date-time":               {"PUT", known, "key", media, `{"createdOn":"2024-02-30T10:20:30Z"}`, 400, " at /createdOn: "},
		"repeated member":             {"PUT", known, "key", media, `{"state":"a","state":"b"}`, 400, " at /state: the member name is repeated"},
		"truncated":                   {"PUT", known, "key", media, `{"state":"a"`, 400, "cut short"},
		"trailing data":               {"PUT", known, "key", media, `{"state":"a"}{}`, 400, "there is more after the value"},
		"broken UTF-8":                {"PUT", known, "key", media, "{\"state\":\"\xff\"}", 400, "UTF-8"},
		"another Content-Type":        {"PUT", known, "key", "text/plain", `{}`, 400, "Content-Type must be application/json, not text/plain"},
		"no Content-Type":             {"PUT", known, "key", "", `{}`, 400, "Content-Type must be application/json"},
		"empty body":                  {"PUT", known, "key", media, ``, 400, "the body is not a session"},
		"stale changeSequence":        {"PUT", known, "key", media, `{"changeSequence":6}`, 409, "the session was updated since it was read"},
		"charset and case are no bar": {"PUT", known, "key", "Application/JSON; charset=UTF-8", `{"changeSequence":7}`, 200, ""},
		"letter case":                 {"PUT", known, "key", media, `{"State":"a"}`, 400, ` at /State: the contract spells this member "state"`},
		"two places":                  {"PUT", known, "key", media, `{"state":7,"token":8}`, 400, "(and in 1 more places)"},
		"another session's id":        {"PUT", known, "key", media, `{"id":"` + another + `"}`, 400, " at /id: value must be the id in the path"},
		"the same without dashes":     {"PUT", known, "key", media, `{"id":"` + strings.ReplaceAll(another, "-", "") + `"}`, 400, " at /id: "},
		"its own id without dashes":   {"PUT", known, "key", media, `{"id":"3F2B8C1E6D4A4F0B9A571C8E2D7B6A90"}`, 200, ""},
		"an id that is no UUID":       {"PUT", known, "key", media, `{"id":"7"}`, 200, ""},
		"path without dashes":         {"PUT", strings.ReplaceAll(known, "-", ""), "key", media, `{}`, 400, `parameter "id" in path`},
		"read":                        {"GET", known, "key", "", ``, 200, ""},
		"read without a key":          {"GET", known, "", "", ``, 401, "the API key"},
		"read an unknown session":     {"GET", "/api/sessions/" + another, "key", "", ``, 404, "no such session"},
		"read with a body":            {"GET", known, "key", media, `{}`, 400, "the operation takes no body"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := startServer(t)
			if tt.key == "key" {
				tt.key = server.APIKey
			}
			res, answer := send(t, server, tt.method, tt.path, tt.key, tt.contentType, tt.body)
			if res.StatusCode != tt.status || res.Header.Get("Content-Type") != "application/json" {
				t.Errorf("%d %s: %s", res.StatusCode, res.Header.Get("Content-Type"), answer)
			}
			if message := messageOf(t, answer); (message == "") != (tt.status == 200) || !strings.Contains(message, tt.message) {
				t.Errorf("the message is %s", message)
			}
			if strings.Contains(answer, "8675309") || tt.status != 200 && strings.Contains(answer, "canary") {
				t.Errorf("the answer repeats a value: %s", answer)
			}
			stored, _ := server.Session(knownID)
			if changed := *stored.ChangeSequence != 7; changed != (tt.status == 200 && tt.method == "PUT") {
				t.Errorf("changeSequence is %d", *stored.ChangeSequence)
			}
			if got := server.Requests(); len(got) != 1 || got[0].Method != tt.method || got[0].Path != tt.path || string(got[0].Body) != tt.body {
				t.Errorf("requests %v", got)
			}
		})
	}
}

func TestRequestsAreKeptInOrder(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	if got := server.Requests(); len(got) != 0 {
		t.Errorf("%v before the first request", got)
	}
	server.Enqueue(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	unknown := uuid.New()
	for i, id := range []uuid.UUID{knownID, unknown, knownID} {
		_, err := server.Client().UpdateSession(t.Context(), id, kodexa.Session{State: new(fmt.Sprint(i))})
		if (err == nil) != (i == 2) {
			t.Error(err)
		}
	}
	got := server.Requests()
	if len(got) != 3 {
		t.Fatalf("got %v", got)
	}
	for i, id := range []uuid.UUID{knownID, unknown, knownID} {
		r := got[i]
		if r.Method != http.MethodPut || r.Path != "/api/sessions/"+id.String() || string(r.Body) != fmt.Sprintf(`{"state":"%d"}`, i) {
			t.Errorf("%d: %v %s", i, r, r.Body)
		}
		if r.Header.Get("X-Api-Key") != server.APIKey || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%d: key or Content-Type is missing", i)
		}
	}
	got[0] = kodexatest.Request{}
	if server.Requests()[0].Method != http.MethodPut {
		t.Error("changing the list changed the server's")
	}
}

func TestEnqueuedHandlersAnswerInOrderAndUnchecked(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	answer := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if body, err := io.ReadAll(r.Body); err != nil || string(body) != `{"state":"CLOSED"}` || r.URL.Path != "/api/sessions/"+knownID.String() {
				t.Errorf("the handler got %s %q, %v", r.URL.Path, body, err)
			}
			w.WriteHeader(status)
			_, _ = io.WriteString(w, "no JSON")
		}
	}
	server.Enqueue(answer(418), answer(422))
	server.Enqueue()
	server.Enqueue(answer(500))
	for _, status := range []int{418, 422, 500} {
		_, err := server.Client().UpdateSession(t.Context(), knownID, kodexa.Session{State: new("CLOSED")})
		if got, ok := errors.AsType[*kodexa.APIError](err); !ok || got.StatusCode != status || string(got.Body) != "no JSON" {
			t.Errorf("got %v, want %d", err, status)
		}
	}
	if stored, _ := server.Session(knownID); *stored.State != "OPEN" {
		t.Error("an enqueued handler's request was applied")
	}
	if _, err := server.Client().UpdateSession(t.Context(), knownID, kodexa.Session{State: new("CLOSED")}); err != nil {
		t.Error(err)
	}
}

func TestRequestBesideTheBasePathDoesNotArrive(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	host, _, _ := strings.Cut(strings.TrimPrefix(server.URL, "http://"), "/")
	client := server.Client(kodexa.WithBaseURL("http://" + host))
	if _, err := client.UpdateSession(t.Context(), knownID, kodexa.Session{}); !errors.Is(err, kodexa.ErrNotFound) {
		t.Error(err)
	}
	if got := server.Requests(); len(got) != 0 {
		t.Errorf("%v arrived", got)
	}
}

func TestMisuseInATestPanics(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	for name, misuse := range map[string]func(){
		"session without an id":         func() { server.SetSession(kodexa.Session{Token: new("canary")}) },
		"session whose id is no UUID":   func() { server.SetSession(kodexa.Session{ID: new("canary")}) },
		"session that can't be encoded": func() { server.SetSession(kodexa.Session{ID: new(knownID.String()), State: new("canary\xff")}) },
		"session that breaks the contract": func() {
			server.SetSession(kodexa.Session{ID: new(knownID.String()), AdditionalProperties: map[string]json.RawMessage{"State": json.RawMessage(`"canary"`)}})
		},
		"handler of an unknown operation": func() { server.Handle("noSuchOperation", func(http.ResponseWriter, *http.Request) {}) },
		"handler that is nil":             func() { server.Handle("getSession", nil) },
		"client with a bad option":        func() { server.Client(kodexa.WithTimeout(0)) },
		"client with a key that is wrong": func() { server.Client(kodexa.WithAPIKey("canary\n")) },
	} {
		func() {
			defer func() {
				switch p := recover(); {
				case p == nil:
					t.Errorf("%s: no panic", name)
				case strings.Contains(fmt.Sprint(p), "canary"):
					t.Errorf("%s: the panic repeats a value: %v", name, p)
				}
			}()
			misuse()
		}()
	}
	if stored, _ := server.Session(knownID); *stored.State != "OPEN" {
		t.Error("a session that was refused is stored")
	}
}

func TestClientOptionsFollowTheServersOwn(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	_, err := server.Client(kodexa.WithAPIKey("another")).UpdateSession(t.Context(), knownID, kodexa.Session{})
	if !errors.Is(err, kodexa.ErrUnauthorized) {
		t.Error(err)
	}
}

func TestEachServerHasItsOwnKeyAndSessions(t *testing.T) {
	t.Parallel()
	one, other := startServer(t), kodexatest.NewServer()
	t.Cleanup(other.Close)
	if one.APIKey == other.APIKey || len(one.APIKey) < 16 || one.URL == other.URL {
		t.Error("the servers are alike")
	}
	if _, found := other.Session(knownID); found {
		t.Error("the servers share their sessions")
	}
	if strings.HasSuffix(one.URL, "/") || !strings.HasPrefix(one.URL, "http://127.0.0.1:") {
		t.Errorf("URL is %s", one.URL)
	}
}

func TestServerIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	const n = 16
	var done sync.WaitGroup
	for range n {
		done.Go(func() {
			id := uuid.New()
			server.SetSession(kodexa.Session{ID: new(id.String())})
			for _, target := range []uuid.UUID{knownID, id} {
				if _, err := server.Client().UpdateSession(t.Context(), target, kodexa.Session{}); err != nil {
					t.Error(err)
				}
			}
			if stored, found := server.Session(id); !found || *stored.ChangeSequence != 1 {
				t.Errorf("found is %v", found)
			}
			server.Requests()
			server.Enqueue()
		})
	}
	done.Wait()
	if stored, _ := server.Session(knownID); *stored.ChangeSequence != 7+n {
		t.Errorf("changeSequence is %d", *stored.ChangeSequence)
	}
	if got := len(server.Requests()); got != 2*n {
		t.Errorf("%d requests", got)
	}
}

func TestFormattingAndLoggingShowNoSecret(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	if _, err := server.Client().UpdateSession(t.Context(), knownID, kodexa.Session{Token: new("canary-token")}); err != nil {
		t.Fatal(err)
	}
	requests := server.Requests()
	for name, value := range map[string]any{
		"server":   server,
		"servers":  []*kodexatest.Server{server},
		"holder":   struct{ Server *kodexatest.Server }{server},
		"request":  requests[0],
		"pointer":  &requests[0],
		"requests": requests,
	} {
		var text bytes.Buffer
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&text, verb, value)
		}
		for _, handler := range []slog.Handler{slog.NewTextHandler(&text, nil), slog.NewJSONHandler(&text, nil)} {
			slog.New(handler).LogAttrs(context.Background(), slog.LevelInfo, "test", slog.Any(name, value))
		}
		for _, secret := range []string{server.APIKey, fmt.Sprintf("%x", server.APIKey), "canary-token", "Y2FuYXJ5"} {
			if strings.Contains(text.String(), secret) {
				t.Errorf("%s shows a secret", name)
			}
		}
	}
}

// The client keeps back what the server would refuse, for the same reason.
func TestServerAndClientRefuseTheSameMessages(t *testing.T) {
	t.Parallel()
	violations := os.DirFS("../api/violations")
	files, err := fs.Glob(violations, "*.json")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	server := startServer(t)
	client := server.Client()
	for _, file := range files {
		var rows []struct {
			Name   string `json:"name"`
			Body   string `json:"body"`
			Base64 []byte `json:"base64"` // in place of Body, for one that is not UTF-8
		}
		data, err := fs.ReadFile(violations, file)
		if err == nil {
			err = json.Unmarshal(data, &rows)
		}
		if err != nil || len(rows) == 0 {
			t.Fatalf("%s: %d rows, %v", file, len(rows), err)
		}
		for _, row := range rows {
			body := cmp.Or(row.Body, string(row.Base64))
			if body == "" {
				continue // the contract does not require a request to have one
			}
			_, err := client.API().UpdateSessionWithBodyWithResponse(t.Context(), knownID, media, strings.NewReader(body))
			kept, ok := errors.AsType[*kodexa.ContractError](err)
			if !ok || kept.In != kodexa.InRequest {
				t.Errorf("%s: %s: the client: %v", file, row.Name, err)
				continue
			}
			res, answer := send(t, server, "PUT", "/api/sessions/"+knownID.String(), server.APIKey, media, body)
			if message := messageOf(t, answer); res.StatusCode != http.StatusBadRequest || message != kept.Error() {
				t.Errorf("%s: %s: the server: %d %s, the client: %v", file, row.Name, res.StatusCode, message, kept)
			}
		}
	}
}

func TestTLSServerSpeaksHTTP2ToItsClient(t *testing.T) {
	t.Parallel()
	server := kodexatest.NewTLSServer()
	t.Cleanup(server.Close)
	server.SetSession(kodexa.Session{ID: new(knownID.String()), ChangeSequence: new(int32(7))})
	if !strings.HasPrefix(server.URL, "https://127.0.0.1:") {
		t.Errorf("URL is %s", server.URL)
	}
	client := server.Client()
	if got, err := client.UpdateSession(t.Context(), knownID, kodexa.Session{State: new("CLOSED")}); err != nil || *got.ChangeSequence != 8 {
		t.Errorf("got %v", err)
	}
	server.Enqueue(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 {
			t.Errorf("the client speaks %s", r.Proto)
		}
		w.WriteHeader(http.StatusTeapot)
	})
	_, err := client.GetSession(t.Context(), knownID)
	if answer, ok := errors.AsType[*kodexa.APIError](err); !ok || answer.StatusCode != http.StatusTeapot {
		t.Errorf("got %v", err)
	}

	stranger, err := kodexa.New(kodexa.WithBaseURL(server.URL), kodexa.WithAPIKey(server.APIKey))
	if err != nil {
		t.Fatal(err)
	}
	_, err = stranger.UpdateSession(t.Context(), knownID, kodexa.Session{})
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); !ok || errors.Is(err, kodexa.ErrOutcomeUnknown) {
		t.Errorf("a client that does not know the certificate: %v", err)
	}
	if n := len(server.Requests()); n != 2 {
		t.Errorf("%d requests, want 2", n)
	}
}

func TestRequestThatBreaksOffDoesNotArrive(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	host, path, _ := strings.Cut(strings.TrimPrefix(server.URL, "http://"), "/")
	addr, err := net.ResolveTCPAddr("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.DialTCP("tcp", nil, addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, err = fmt.Fprintf(conn, "PUT /%s/api/sessions/%s HTTP/1.1\r\nHost: %s\r\nX-Api-Key: %s\r\nContent-Length: 100\r\n\r\n{}",
		path, knownID, host, server.APIKey)
	if err = errors.Join(err, conn.CloseWrite()); err != nil {
		t.Fatal(err)
	}
	if answer, err := io.ReadAll(conn); err != nil || len(answer) != 0 {
		t.Errorf("answered with %q, %v", answer, err)
	}
	if got := server.Requests(); len(got) != 0 {
		t.Errorf("%v arrived", got)
	}
}

func TestServeHTTPAnswersForAnotherListener(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	server.APIKey = "my-own-key"
	server.Enqueue(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	another := httptest.NewServer(server)
	defer another.Close()

	client, err := kodexa.New(kodexa.WithBaseURL(another.URL), kodexa.WithAPIKey("my-own-key"))
	if err != nil {
		t.Fatal(err)
	}
	updated, err := client.UpdateSession(t.Context(), knownID, kodexa.Session{State: new("CLOSED")})
	if stored, _ := server.Session(knownID); err != nil || *updated.ChangeSequence != 8 || *stored.State != "CLOSED" {
		t.Error(err)
	}
	broken, err := kodexa.New(kodexa.WithBaseURL(another.URL), kodexa.WithAPIKey("another"))
	if err == nil {
		_, err = broken.GetSession(t.Context(), knownID)
	}
	if !errors.Is(err, kodexa.ErrUnauthorized) || len(server.Requests()) != 0 {
		t.Error(err, server.Requests())
	}
}
