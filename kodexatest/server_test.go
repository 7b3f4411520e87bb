package kodexatest_test

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
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
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

func TestUpdateReplacesTheSessionAndKeepsIDAndCreatedOn(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	before := time.Now()
	answered, err := server.Client().UpdateSession(t.Context(), knownID, kodexa.Session{
		ID:                   new("another"),
		State:                new("CLOSED"),
		UpdatedOn:            new(created),
		AdditionalProperties: map[string]json.RawMessage{"lastAccessed": json.RawMessage(`9007199254740993`)},
	})
	if err != nil {
		t.Fatal(err)
	}
	stored, found := server.Session(knownID)
	if !found {
		t.Fatal("the session is gone")
	}
	for name, s := range map[string]kodexa.Session{"answered": *answered, "stored": stored} {
		if *s.ID != knownID.String() || *s.ChangeSequence != 8 || !s.CreatedOn.Equal(created) || *s.State != "CLOSED" {
			t.Errorf("%s: id %s, changeSequence %d, createdOn %v, state %s", name, *s.ID, *s.ChangeSequence, s.CreatedOn, *s.State)
		}
		if s.UpdatedOn.Before(before) || s.UpdatedOn.After(time.Now()) {
			t.Errorf("%s: updatedOn is %v", name, s.UpdatedOn)
		}
		if s.Token != nil {
			t.Errorf("%s: the token, which was not sent, is still there", name)
		}
		if value, _ := s.Get("lastAccessed"); string(value) != "9007199254740993" {
			t.Errorf("%s: lastAccessed is %s", name, value)
		}
	}
}

func TestCreatedOnThatIsSentIsStored(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	later := created.Add(time.Hour)
	if _, err := server.Client().UpdateSession(t.Context(), knownID, kodexa.Session{CreatedOn: &later}); err != nil {
		t.Fatal(err)
	}
	if stored, _ := server.Session(knownID); !stored.CreatedOn.Equal(later) {
		t.Errorf("createdOn is %v", stored.CreatedOn)
	}
}

func TestChangeSequenceLocksOptimistically(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		stored, sent *int32
		want         int32 // afterwards; 0 for a conflict
	}{
		"the stored one":               {new(int32(7)), new(int32(7)), 8},
		"none sent":                    {new(int32(7)), nil, 8},
		"none sent and none stored":    {nil, nil, 1},
		"0 sent and none stored":       {nil, new(int32(0)), 1},
		"1 sent and none stored":       {nil, new(int32(1)), 0},
		"an older one":                 {new(int32(7)), new(int32(6)), 0},
		"a newer one":                  {new(int32(7)), new(int32(8)), 0},
		"a negative one":               {new(int32(-3)), new(int32(-3)), -2},
		"the last but one of an int32": {new(int32(math.MaxInt32 - 1)), nil, math.MaxInt32},
	} {
		server := startServer(t)
		server.SetSession(kodexa.Session{ID: new(knownID.String()), ChangeSequence: tt.stored})
		got, err := server.Client().UpdateSession(t.Context(), knownID, kodexa.Session{ChangeSequence: tt.sent, State: new("CLOSED")})
		stored, _ := server.Session(knownID)
		if tt.want == 0 {
			if !errors.Is(err, kodexa.ErrConflict) || stored.State != nil {
				t.Errorf("%s: %v, stored %v", name, err, stored.State)
			}
			continue
		}
		if err != nil || *got.ChangeSequence != tt.want || *stored.ChangeSequence != tt.want {
			t.Errorf("%s: %v, stored %d", name, err, *stored.ChangeSequence)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	const (
		known = "/api/sessions/3f2b8c1e-6d4a-4f0b-9a57-1c8e2d7b6a90"
		media = "application/json"
	)
	for name, tt := range map[string]struct {
		method, path, key, contentType, body string
		status                               int
	}{
		"no key":                      {"PUT", known, "", media, `{}`, 401},
		"another key":                 {"PUT", known, "another", media, `{}`, 401},
		"no key for an unknown one":   {"PUT", "/api/sessions/" + uuid.NewString(), "", media, `{}`, 401},
		"unknown session":             {"PUT", "/api/sessions/" + uuid.NewString(), "key", media, `{}`, 404},
		"unknown path":                {"PUT", "/api/organizations/1", "key", media, `{}`, 404},
		"unknown method":              {"DELETE", known, "key", "", ``, 404},
		"id that is no UUID":          {"PUT", "/api/sessions/7", "key", media, `{}`, 400},
		"wrong type":                  {"PUT", known, "key", media, `{"state":"a","token":8675309}`, 400},
		"null":                        {"PUT", known, "key", media, `null`, 400},
		"integer beyond int32":        {"PUT", known, "key", media, `{"changeSequence":2147483648}`, 400},
		"integer with a fraction":     {"PUT", known, "key", media, `{"changeSequence":7.0}`, 400},
		"bad date-time":               {"PUT", known, "key", media, `{"createdOn":"2024-02-30T10:20:30Z"}`, 400},
		"repeated member":             {"PUT", known, "key", media, `{"state":"a","state":"b"}`, 400},
		"truncated":                   {"PUT", known, "key", media, `{"state":"a"`, 400},
		"trailing data":               {"PUT", known, "key", media, `{"state":"a"}{}`, 400},
		"broken UTF-8":                {"PUT", known, "key", media, "{\"state\":\"\xff\"}", 400},
		"another Content-Type":        {"PUT", known, "key", "text/plain", `{}`, 400},
		"no Content-Type":             {"PUT", known, "key", "", `{}`, 400},
		"empty body":                  {"PUT", known, "key", media, ``, 400},
		"stale changeSequence":        {"PUT", known, "key", media, `{"changeSequence":6}`, 409},
		"charset and case are no bar": {"PUT", known, "key", "Application/JSON; charset=UTF-8", `{"changeSequence":7}`, 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := startServer(t)
			req, err := http.NewRequestWithContext(t.Context(), tt.method, server.URL+tt.path, strings.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			if tt.key == "key" {
				tt.key = server.APIKey
			}
			req.Header.Set("X-Api-Key", tt.key)
			req.Header.Set("Content-Type", tt.contentType)
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := io.ReadAll(res.Body)
			if err = errors.Join(err, res.Body.Close()); err != nil {
				t.Fatal(err)
			}
			if res.StatusCode != tt.status || res.Header.Get("Content-Type") != "application/json" {
				t.Errorf("%d %s: %s", res.StatusCode, res.Header.Get("Content-Type"), answer)
			}
			var refusal struct {
				Message string `json:"message"`
			}
			if err := json.Unmarshal(answer, &refusal); err != nil || (refusal.Message == "") != (tt.status == 200) {
				t.Errorf("%v: %s", err, answer)
			}
			if strings.Contains(string(answer), "8675309") || tt.status != 200 && strings.Contains(string(answer), "canary") {
				t.Errorf("the answer repeats a value: %s", answer)
			}
			stored, _ := server.Session(knownID)
			if changed := *stored.ChangeSequence != 7; changed != (tt.status == 200) {
				t.Errorf("changeSequence is %d", *stored.ChangeSequence)
			}
			if got := server.Requests(); len(got) != 1 || got[0].Method != tt.method || got[0].Path != tt.path || string(got[0].Body) != tt.body {
				t.Errorf("requests %v", got)
			}
		})
	}
}

func TestExhaustedChangeSequenceIsAnErrorOfTheServer(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	server.SetSession(kodexa.Session{ID: new(knownID.String()), ChangeSequence: new(int32(math.MaxInt32))})
	_, err := server.Client().UpdateSession(t.Context(), knownID, kodexa.Session{})
	if answer, ok := errors.AsType[*kodexa.APIError](err); !ok || answer.StatusCode != http.StatusInternalServerError {
		t.Error(err)
	}
	if stored, _ := server.Session(knownID); *stored.ChangeSequence != math.MaxInt32 {
		t.Errorf("changeSequence is %d", *stored.ChangeSequence)
	}
}

func TestAnswersKeepTheContract(t *testing.T) {
	t.Parallel()
	examples := os.DirFS("../api/examples")
	files, err := fs.Glob(examples, "*.json")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		server := startServer(t)
		var session kodexa.Session
		body, err := fs.ReadFile(examples, file)
		if err == nil {
			err = json.Unmarshal(body, &session)
		}
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		session.ChangeSequence = nil
		if _, err := server.Client().UpdateSession(t.Context(), knownID, session); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestSessionsAreCopies(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	fresh := func() kodexa.Session {
		return kodexa.Session{
			ID:                   new(knownID.String()),
			State:                new("OPEN"),
			Organization:         &kodexa.Organization{Features: &map[string]json.RawMessage{"beta": json.RawMessage(`"on"`)}},
			AdditionalProperties: map[string]json.RawMessage{"extra": json.RawMessage(`"on"`)},
		}
	}
	spoil := func(s kodexa.Session) {
		*s.State = "spoiled"
		copy((*s.Organization.Features)["beta"], `"XX"`)
		copy(s.AdditionalProperties["extra"], `"XX"`)
		s.Set("more", json.RawMessage(`1`))
	}
	check := func(when string) {
		t.Helper()
		stored, _ := server.Session(knownID)
		beta, extra := (*stored.Organization.Features)["beta"], stored.AdditionalProperties["extra"]
		if *stored.State != "OPEN" || string(beta) != `"on"` || string(extra) != `"on"` || len(stored.AdditionalProperties) != 1 {
			t.Errorf("%s changed the stored one: %s %s %s", when, *stored.State, beta, extra)
		}
	}
	given := fresh()
	server.SetSession(given)
	spoil(given)
	check("changing the session that was set")

	got, _ := server.Session(knownID)
	spoil(got)
	check("changing the session that was got")

	if _, err := server.Client().UpdateSession(t.Context(), knownID, fresh()); err != nil {
		t.Fatal(err)
	}
	clear(server.Requests()[0].Body)
	check("changing the body that arrived")
}

func TestSetSessionReplacesTheOneWithItsID(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	server.SetSession(kodexa.Session{ID: new(strings.ToUpper(knownID.String()))})
	if stored, found := server.Session(knownID); !found || stored.State != nil || stored.ChangeSequence != nil {
		t.Error("the earlier session is still there")
	}
	if _, found := server.Session(uuid.New()); found {
		t.Error("found a session that was not set")
	}
	if _, err := server.Client().UpdateSession(t.Context(), knownID, kodexa.Session{}); err != nil {
		t.Error(err)
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
		"session without an id":           func() { server.SetSession(kodexa.Session{Token: new("canary")}) },
		"session whose id is no UUID":     func() { server.SetSession(kodexa.Session{ID: new("canary")}) },
		"session that can't be encoded":   func() { server.SetSession(kodexa.Session{ID: new(knownID.String()), State: new("canary\xff")}) },
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

func TestOneOfManyConcurrentUpdatesOfAVersionWins(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	client := server.Client()
	const n = 16
	var updated, refused atomic.Int64
	var done sync.WaitGroup
	for range n {
		done.Go(func() {
			_, err := client.UpdateSession(t.Context(), knownID, kodexa.Session{ChangeSequence: new(int32(7))})
			switch {
			case err == nil:
				updated.Add(1)
			case errors.Is(err, kodexa.ErrConflict):
				refused.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	done.Wait()
	if updated.Load() != 1 || refused.Load() != n-1 {
		t.Errorf("%d updated, %d refused", updated.Load(), refused.Load())
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
