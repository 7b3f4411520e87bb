package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	kodexa "github.com/kodexa-community/kodexa-go"
	"github.com/kodexa-community/kodexa-go/kodexatest"
)

const (
	testID    = "550e8400-e29b-41d4-a716-446655440000"
	idFlag    = "-id=" + testID
	testToken = "canary-token"
)

// platform is a server with one session at version 7, and the environment of a program that uses it.
type platform struct {
	*kodexatest.Server

	env map[string]string
}

func newPlatform(t *testing.T) platform {
	t.Helper()
	server := kodexatest.NewServer()
	t.Cleanup(server.Close)
	server.SetSession(kodexa.Session{ID: new(testID), ChangeSequence: new(int32(7)), State: new("OPEN")})
	return platform{server, map[string]string{envURL: server.URL, envKey: server.APIKey}}
}

// result is what a run of the program leaves.
type result struct {
	status         int
	stdout, stderr string
}

func (p platform) run(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	r := start(t.Context(), p.env, strings.NewReader(stdin), args...)
	if all := r.stdout + r.stderr; strings.Contains(all, p.APIKey) {
		t.Error("the API key was printed")
	}
	return r
}

func start(ctx context.Context, env map[string]string, stdin io.Reader, args ...string) result {
	var stdout, stderr strings.Builder
	status := run(ctx, args, func(name string) string { return env[name] }, stdin, &stdout, &stderr)
	return result{status, stdout.String(), stderr.String()}
}

func wantText(t *testing.T, where, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%s lacks %q:\n%s", where, part, text)
		}
	}
}

func TestDemonstration(t *testing.T) {
	t.Parallel()
	r := start(t.Context(), nil, strings.NewReader(""))
	if r.status != 0 || r.stderr != "" {
		t.Errorf("status %d, stderr %q; want 0 and none", r.status, r.stderr)
	}
	wantText(t, "stdout", r.stdout,
		"PUT /api/sessions/"+testID+"\n",
		"X-Api-Key: [masked]\n",
		`"token": "[masked]"`,
		`"organizationId": "<string>"`,
		"  changeSequence  123 -> 124\n  state           \"<string>\" -> \"CLOSED\"\n  updatedOn       \"2023-11-07T05:31:56Z\" -> \"",
		"kodexa: PUT /api/sessions/{id}: 409 Conflict\n  errors.Is(err, kodexa.ErrConflict)       true\n",
		"response breaks the contract at /changeSequence: ",
		"errors.Is(err, kodexa.ErrOutcomeUnknown) true\n",
	)
	if n := strings.Count(r.stdout, " -> "); n != 3 {
		t.Errorf("%d members changed, want 3", n)
	}
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	const input = `{"changeSequence": 7, "state": "CLOSED", "token": "canary-token", "lastAccessed": 9007199254740993}`
	file := filepath.Join(t.TempDir(), "session.json")
	if err := os.WriteFile(file, []byte(input), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		stdin string
		args  []string
		token string
	}{
		"file":       {"", []string{file}, mask},
		"dash":       {input, []string{"-"}, mask},
		"stdin":      {input, nil, mask},
		"show-token": {input, []string{"-show-token"}, testToken},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlatform(t)
			r := p.run(t, tc.stdin, append([]string{idFlag}, tc.args...)...)
			if r.status != 0 {
				t.Fatalf("status %d: %s", r.status, r.stderr)
			}
			var printed kodexa.Session
			if err := json.Unmarshal([]byte(r.stdout), &printed); err != nil {
				t.Fatalf("stdout is not a session: %v\n%s", err, r.stdout)
			}
			if *printed.ChangeSequence != 8 || *printed.State != "CLOSED" || *printed.Token != tc.token {
				t.Errorf("printed %s", r.stdout)
			}
			wantText(t, "stderr", r.stderr, "session "+testID+" was updated\n")
			if got := p.Requests(); len(got) != 1 || string(got[0].Body) != input {
				t.Errorf("the input was not sent as it is: %q", got[0].Body)
			}
			if last, _ := printed.Get("lastAccessed"); string(last) != "9007199254740993" {
				t.Errorf("lastAccessed is %s", last)
			}
			if strings.Contains(r.stderr, testToken) {
				t.Error("the token was printed on stderr")
			}
		})
	}
}

func TestEnvironment(t *testing.T) {
	t.Parallel()
	p, other := newPlatform(t), newPlatform(t)
	for name, tc := range map[string]struct {
		env  map[string]string
		args []string
	}{
		"older variable":      {map[string]string{envURL: p.URL, envToken: p.APIKey}, nil},
		"newer variable wins": {map[string]string{envURL: p.URL, envKey: p.APIKey, envToken: "old"}, nil},
		"-url alone":          {map[string]string{envKey: p.APIKey}, []string{"-url=" + p.URL}},
		"-url wins":           {map[string]string{envURL: other.URL, envKey: p.APIKey}, []string{"-url=" + p.URL}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t.Context(), tc.env, strings.NewReader(`{"state":"CLOSED"}`), append(tc.args, idFlag)...)
			if r.status != 0 {
				t.Errorf("status %d: %s", r.status, r.stderr)
			}
		})
	}
}

func TestNothingSent(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		env   map[string]string // nil: that of the platform
		stdin string
		args  []string
		want  string
	}{
		"key without id":     {nil, "", nil, "needs KODEXA_URL, KODEXA_API_KEY and KODEXA_ACCESS_TOKEN unset"},
		"url without id":     {map[string]string{envURL: "http://localhost"}, "", nil, "-id is missing"},
		"file without id":    {map[string]string{}, "", []string{"session.json"}, "-id is missing"},
		"no key":             {map[string]string{}, "{}", []string{idFlag}, "no API key: set KODEXA_API_KEY"},
		"bad key":            {map[string]string{envKey: "a\nb"}, "{}", []string{idFlag}, "API key has a character"},
		"bad id":             {nil, "{}", []string{"-id", "7"}, "-id is not a UUID"},
		"bad url":            {nil, "{}", []string{idFlag, "-url=ftp://host"}, "base URL has neither scheme https nor http"},
		"unknown flag":       {nil, "{}", []string{"-nope"}, "flag provided but not defined: -nope"},
		"two files":          {nil, "{}", []string{idFlag, "a", "b"}, "there is more than one FILE"},
		"no such file":       {nil, "", []string{idFlag, "no-such-file"}, "no-such-file"},
		"empty":              {nil, "", []string{idFlag}, "it is empty"},
		"null":               {nil, "null", []string{idFlag}, "the input is not a session: "},
		"array":              {nil, "[]", []string{idFlag}, "the input is not a session: "},
		"cut short":          {nil, `{"state"`, []string{idFlag}, "cut short"},
		"trailing data":      {nil, `{} {}`, []string{idFlag}, "there is more after the value"},
		"wrong type":         {nil, `{"changeSequence": "7"}`, []string{idFlag}, "/changeSequence: "},
		"two wrong types":    {nil, `{"state": 7, "token": 7}`, []string{idFlag}, "; /token: "},
		"fraction":           {nil, `{"changeSequence": 7.0}`, []string{idFlag}, "/changeSequence: "},
		"null state":         {nil, `{"state": null}`, []string{idFlag}, "/state: "},
		"repeated member":    {nil, `{"state": "a", "state": "b"}`, []string{idFlag}, "/state: the member name is repeated"},
		"misspelled member":  {nil, `{"State": "a"}`, []string{idFlag}, `/State: the contract spells this member "state"`},
		"bad date":           {nil, `{"createdOn": "2023-02-30T00:00:00Z"}`, []string{idFlag}, "/createdOn: "},
		"nested wrong type":  {nil, `{"organization": {"slug": 7}}`, []string{idFlag}, "/organization/slug: "},
		"the mask as token":  {nil, `{"token": "[masked]"}`, []string{idFlag}, "/token: this is [masked], which -show-token avoids"},
		"help":               {nil, "", []string{"-h"}, "Exit status:"},
		"help without a key": {map[string]string{}, "", []string{"-help"}, "Exit status:"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlatform(t)
			if tc.env != nil {
				p.env = tc.env
			}
			r := p.run(t, tc.stdin, tc.args...)
			if r.status != 2 || r.stdout != "" {
				t.Errorf("status %d, stdout %q; want 2 and none", r.status, r.stdout)
			}
			wantText(t, "stderr", r.stderr, tc.want)
			if n := len(p.Requests()); n != 0 {
				t.Errorf("%d requests were sent", n)
			}
		})
	}
}

func TestFailedUpdate(t *testing.T) {
	t.Parallel()
	answer := func(status int, contentType, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	const mayBe = "The session may have been updated all the same"
	for name, tc := range map[string]struct {
		answer  http.HandlerFunc // nil: that of the server
		input   string
		want    []string
		unknown bool
	}{
		"stale": {nil, `{"changeSequence": 6}`, []string{"409 Conflict", "read it again"}, false},
		"said no": {
			answer(http.StatusBadRequest, "application/json", `{"errors": {"state": "canary-token is\u001b[31m wrong"}}`),
			`{"token": "canary-token"}`,
			[]string{"400 Bad Request", `The platform says "state: [masked] is\x1b[31m wrong".`},
			false,
		},
		"broken":     {answer(http.StatusInternalServerError, "text/plain", "oops"), `{}`, []string{"500 Internal Server Error"}, true},
		"HTML":       {answer(http.StatusOK, "text/html", "<html>"), `{}`, []string{"response breaks the contract"}, true},
		"wrong type": {answer(http.StatusOK, "application/json", `{"state": 7}`), `{}`, []string{"/state"}, true},
		"redirect":   {answer(http.StatusFound, "text/html", ""), `{}`, []string{"302 Found"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlatform(t)
			if tc.answer != nil {
				p.Enqueue(tc.answer)
			}
			r := p.run(t, tc.input, idFlag)
			if r.status != 1 || r.stdout != "" {
				t.Errorf("status %d, stdout %q; want 1 and none", r.status, r.stdout)
			}
			wantText(t, "stderr", r.stderr, append(tc.want, "the update failed: kodexa: PUT /api/sessions/{id}: ")...)
			if got := strings.Contains(r.stderr, mayBe); got != tc.unknown {
				t.Errorf("outcome unknown: %v, want %v:\n%s", got, tc.unknown, r.stderr)
			}
			if strings.Contains(r.stderr, testToken) {
				t.Error("the token was printed")
			}
		})
	}
	t.Run("no such session", func(t *testing.T) {
		t.Parallel()
		r := newPlatform(t).run(t, "{}", "-id", uuid.NewString())
		if r.status != 1 {
			t.Errorf("status %d, want 1", r.status)
		}
		wantText(t, "stderr", r.stderr, "404 Not Found", `The platform says "no such session".`)
	})
	t.Run("wrong key", func(t *testing.T) {
		t.Parallel()
		p := newPlatform(t)
		p.env[envKey] = "wrong"
		r := p.run(t, "{}", idFlag)
		if r.status != 1 {
			t.Errorf("status %d, want 1", r.status)
		}
		wantText(t, "stderr", r.stderr, "401 Unauthorized")
	})
}

func TestPrintingFails(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	var stderr strings.Builder
	getenv := func(name string) string { return p.env[name] }
	status := run(t.Context(), []string{idFlag}, getenv, strings.NewReader("{}"), fullDisk{}, &stderr)
	if status != 1 {
		t.Errorf("status %d, want 1", status)
	}
	wantText(t, "stderr", stderr.String(), "printing the session, which was updated: disk full")
	if status = run(t.Context(), nil, func(string) string { return "" }, nil, fullDisk{}, &stderr); status != 1 {
		t.Errorf("demonstration: status %d, want 1", status)
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestInterrupt(t *testing.T) {
	t.Parallel()
	interrupted := errors.New("interrupted")

	t.Run("while reading", func(t *testing.T) {
		t.Parallel()
		p := newPlatform(t)
		ctx, cancel := context.WithCancelCause(t.Context())
		stdin, typing := io.Pipe()
		defer func() { _ = typing.Close() }()
		go func() {
			_, _ = fmt.Fprint(typing, "{") // returns when the program has read it
			cancel(interrupted)
		}()
		r := start(ctx, p.env, stdin, idFlag)
		if r.status != 1 || len(p.Requests()) != 0 {
			t.Errorf("status %d, %d requests; want 1 and none", r.status, len(p.Requests()))
		}
		wantText(t, "stderr", r.stderr, "reading the session: interrupted")
	})

	t.Run("while waiting for the answer", func(t *testing.T) {
		t.Parallel()
		p := newPlatform(t)
		ctx, cancel := context.WithCancelCause(t.Context())
		p.Enqueue(func(_ http.ResponseWriter, r *http.Request) {
			cancel(interrupted)
			<-r.Context().Done()
		})
		begin := time.Now()
		r := start(ctx, p.env, strings.NewReader("{}"), idFlag)
		if r.status != 1 || time.Since(begin) > 10*time.Second {
			t.Errorf("status %d after %v, want 1 at once", r.status, time.Since(begin))
		}
		wantText(t, "stderr", r.stderr, "the update failed", "The session may have been updated all the same")
	})
}
