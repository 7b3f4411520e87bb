package main

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
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

// asProgram makes this test binary the program.
const asProgram = "UPDATE_SESSION_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// platform is a server with one session at version 7, and the environment of a program that uses it.
type platform struct {
	*kodexatest.Server

	env map[string]string
}

func newPlatform(t *testing.T) platform {
	t.Helper()
	server := kodexatest.NewServer()
	t.Cleanup(server.Close)
	server.SetSession(kodexa.Session{ID: new(testID), ChangeSequence: new(int32(7)), State: new("OPEN"), Token: new(testToken)})
	return platform{server, map[string]string{"KODEXA_URL": server.URL, "KODEXA_API_KEY": server.APIKey}}
}

// result is what a run of the program leaves.
type result struct {
	status         int
	stdout, stderr string
}

func (p platform) run(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	r := start(t, p.env, stdin, args...)
	if all := r.stdout + r.stderr; strings.Contains(all, p.APIKey) {
		t.Error("the API key was printed")
	}
	if strings.Contains(r.stderr, testToken) {
		t.Error("the token was printed on stderr")
	}
	return r
}

// command is the program with no environment but env.
func command(t *testing.T, env map[string]string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...) //nolint:gosec // it is this test
	cmd.Env = []string{asProgram + "=1", "SYSTEMROOT=" + os.Getenv("SYSTEMROOT")}
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	return cmd
}

func start(t *testing.T, env map[string]string, stdin string, args ...string) result {
	t.Helper()
	var stdout, stderr strings.Builder
	cmd := command(t, env, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

func wantText(t *testing.T, where, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%s lacks %q:\n%s", where, part, text)
		}
	}
}

// printed returns the session on stdout.
func printed(t *testing.T, r result) kodexa.Session {
	t.Helper()
	var session kodexa.Session
	if err := json.Unmarshal([]byte(r.stdout), &session); err != nil {
		t.Fatalf("stdout is not a session: %v\n%s\n%s", err, r.stdout, r.stderr)
	}
	return session
}

func TestDemonstrationShowsFirstWhatChanged(t *testing.T) {
	t.Parallel()
	r := start(t, nil, "")
	if r.status != 0 || r.stderr != "" {
		t.Errorf("status %d, stderr %q; want 0 and none", r.status, r.stderr)
	}
	const path = "/api/sessions/3f2b8c1e-6d4a-4f0b-9a57-1c8e2d7b6a90"
	wantText(t, "stdout", r.stdout,
		"a session of Acme Corp",
		"     changeSequence              7 -> 8\n     organization.supportAccess  true -> false\n     state                       \"OPEN\" -> \"CLOSED\"\n"+
			"     updatedOn                   \"2024-03-15T10:20:30Z\" -> \"",
		"     GET "+path+"\n     PUT "+path+"\n\n2.",
		"kodexa: PUT "+path+": 409 Conflict: the session was updated since it was read\n"+
			"     errors.Is(err, kodexa.ErrConflict)        true\n"+
			"     errors.Is(err, kodexa.ErrOutcomeUnknown)  false, so the session was not updated\n",
		"response breaks the contract at /changeSequence: value must be an integer: the request may have been applied\n"+
			"     errors.Is(err, kodexa.ErrConflict)        false\n"+
			"     errors.Is(err, kodexa.ErrOutcomeUnknown)  true, so the session may have been updated: read it\n",
		"the change ran 2 times",
		"     changeSequence     8 -> 10\n     organization.name  \"Acme Corp\" -> \"Acme Corporation\"\n     state              \"CLOSED\" -> \"ARCHIVED\"\n",
		strings.Repeat("     GET "+path+"\n     PUT "+path+"\n", 2),
	)
	if first := strings.Index(r.stdout, "changeSequence"); strings.Count(r.stdout[:first], "\n") > 2 {
		t.Errorf("the changes do not come first:\n%s", r.stdout)
	}
	if n := strings.Count(r.stdout, " -> "); n != 8 {
		t.Errorf("%d members changed, want 4 and 4", n)
	}
	rows := 0
	for line := range strings.Lines(r.stdout) {
		rows += 1 + len(line)/100
	}
	if rows > 50 || strings.Contains(r.stdout, "{") {
		t.Errorf("%d rows; want one screen, without whole sessions", rows)
	}
}

func TestDemonstrationShowsWholeSessionsOnDemand(t *testing.T) {
	t.Parallel()
	r := start(t, nil, "", "-v")
	if r.status != 0 {
		t.Errorf("status %d: %s", r.status, r.stderr)
	}
	wantText(t, "stdout", r.stdout, `"token": "[masked]"`, `"slug": "acme-corp"`, `"lastAccessed": "2024-03-15T10:21:00Z"`)
	if strings.Contains(r.stdout, "st_5Jq2m8ZrVw1xKc") {
		t.Error("the token was printed")
	}
}

func TestIDAlonePrintsTheSession(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		args  []string
		token string
	}{
		"token masked": {nil, kodexatest.Masked},
		"token shown":  {[]string{"-show-token"}, testToken},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlatform(t)
			r := p.run(t, "", append(tc.args, idFlag)...)
			got := printed(t, r)
			if r.status != 0 || r.stderr != "" || *got.State != "OPEN" || *got.ChangeSequence != 7 || *got.Token != tc.token {
				t.Errorf("status %d, printed %s, stderr %q", r.status, r.stdout, r.stderr)
			}
			if requests := p.Requests(); len(requests) != 1 || requests[0].Method != http.MethodGet {
				t.Errorf("%v were sent", requests)
			}
		})
	}
}

func TestVerboseLogsEachAttempt(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.Enqueue(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	r := p.run(t, "", idFlag, "-v")
	if r.status != 0 {
		t.Errorf("status %d: %s", r.status, r.stderr)
	}
	wantText(t, "stderr", r.stderr, "attempt=1", "status=503", "attempt=2", "status=200")
}

func TestFileIsStored(t *testing.T) {
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
		"file":       {"", []string{file}, kodexatest.Masked},
		"dash":       {input, []string{"-"}, kodexatest.Masked},
		"show-token": {input, []string{"-show-token", "-"}, testToken},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlatform(t)
			r := p.run(t, tc.stdin, append([]string{idFlag}, tc.args...)...)
			if r.status != 0 {
				t.Fatalf("status %d: %s", r.status, r.stderr)
			}
			got := printed(t, r)
			if *got.ChangeSequence != 8 || *got.State != "CLOSED" || *got.Token != tc.token {
				t.Errorf("printed %s", r.stdout)
			}
			wantText(t, "stderr", r.stderr, "stored session "+testID+"\n")
			if requests := p.Requests(); len(requests) != 1 || requests[0].Method != http.MethodPut {
				t.Errorf("%v were sent", requests)
			}
			stored, _ := p.Session(uuid.MustParse(testID))
			if last, _ := stored.Get("lastAccessed"); string(last) != "9007199254740993" || *stored.Token != testToken {
				t.Errorf("stored %s", kodexatest.Text(stored))
			}
		})
	}
}

func TestSetModifiesTheSession(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	r := p.run(t, "", idFlag, "-set", "state=CLOSED", "-set", "organization.name=Acme", "-set", "token=canary-token-2")
	if r.status != 0 {
		t.Fatalf("status %d: %s", r.status, r.stderr)
	}
	wantText(t, "stderr", r.stderr,
		"stored session "+testID+"\n",
		"  changeSequence     7 -> 8\n", "  organization.name  (absent) -> \"Acme\"\n", "  state              \"OPEN\" -> \"CLOSED\"\n",
		"  token              [masked] -> [masked]\n",
	)
	got := printed(t, r)
	stored, _ := p.Session(uuid.MustParse(testID))
	if *got.State != "CLOSED" || *got.Token != kodexatest.Masked || *stored.Organization.Name != "Acme" || *stored.Token != "canary-token-2" {
		t.Errorf("printed %s, stored %s", r.stdout, kodexatest.Text(stored))
	}

	r = p.run(t, "", idFlag, "-set", "state=CLOSED")
	if r.status != 0 || *printed(t, r).ChangeSequence != 8 {
		t.Errorf("status %d, printed %s", r.status, r.stdout)
	}
	wantText(t, "stderr", r.stderr, "has these values already")
}

func TestSetMeetsAConflictAndGetsThrough(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	id := uuid.MustParse(testID)
	p.Enqueue(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"id": "`+testID+`", "changeSequence": 6, "state": "NEW"}`) // as it was before
	})
	r := p.run(t, "", idFlag, "-set", "state=CLOSED")
	if stored, _ := p.Session(id); r.status != 0 || *stored.State != "CLOSED" {
		t.Errorf("status %d, stored %s", r.status, kodexatest.Text(stored))
	}
	wantText(t, "stderr", r.stderr, "  state           \"OPEN\" -> \"CLOSED\"\n")
	if n := len(p.Requests()); n != 4 {
		t.Errorf("%d requests, want 4", n)
	}
}

func TestEnvironment(t *testing.T) {
	t.Parallel()
	p, other := newPlatform(t), newPlatform(t)
	for name, tc := range map[string]struct {
		env  map[string]string
		args []string
	}{
		"older variable":      {map[string]string{"KODEXA_URL": p.URL, "KODEXA_ACCESS_TOKEN": p.APIKey}, nil},
		"newer variable wins": {map[string]string{"KODEXA_URL": p.URL, "KODEXA_API_KEY": p.APIKey, "KODEXA_ACCESS_TOKEN": "old"}, nil},
		"-url alone":          {map[string]string{"KODEXA_API_KEY": p.APIKey}, []string{"-url=" + p.URL}},
		"-url wins":           {map[string]string{"KODEXA_URL": other.URL, "KODEXA_API_KEY": p.APIKey}, []string{"-url=" + p.URL}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if r := start(t, tc.env, "", append(tc.args, idFlag)...); r.status != 0 {
				t.Errorf("status %d: %s", r.status, r.stderr)
			}
		})
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	for _, r := range []result{p.run(t, "", "-h"), start(t, nil, "", "-help"), p.run(t, "", idFlag, "-h")} {
		if r.status != 0 || r.stderr != "" || r.stdout != usage {
			t.Errorf("status %d, stderr %q, stdout %q", r.status, r.stderr, r.stdout)
		}
	}
	for line := range strings.Lines(usage) {
		if len(line) > 90 {
			t.Errorf("the line is too long: %s", line)
		}
	}
}

func TestWrongInputUpdatesNothing(t *testing.T) {
	t.Parallel()
	none := map[string]string{}
	for name, tc := range map[string]struct {
		env   map[string]string // nil: that of the platform
		stdin string
		args  []string
		want  string
	}{
		"key without id":    {nil, "", nil, "-id is missing; for the demonstration unset KODEXA_URL and KODEXA_API_KEY\n"},
		"url without id":    {map[string]string{"KODEXA_URL": "http://localhost"}, "", nil, "unset KODEXA_URL\n"},
		"file without id":   {none, "", []string{"session.json"}, "-id is missing\n"},
		"-set without id":   {none, "", []string{"-set", "state=CLOSED"}, "-id is missing\n"},
		"no key":            {none, "{}", []string{idFlag}, "no API key"},
		"bad key":           {map[string]string{"KODEXA_API_KEY": "canary\nb"}, "{}", []string{idFlag}, "KODEXA_API_KEY: API key has a character"},
		"bad id":            {nil, "{}", []string{"-id", "7"}, "-id is not a UUID"},
		"bad url":           {nil, "{}", []string{idFlag, "-url=ftp://host"}, "base URL has neither scheme https nor http"},
		"bad URL variable":  {map[string]string{"KODEXA_API_KEY": "k", "KODEXA_URL": "ftp://host"}, "", []string{idFlag}, "KODEXA_URL: base URL"},
		"unknown flag":      {nil, "{}", []string{"-nope"}, "flag provided but not defined: -nope"},
		"two files":         {nil, "{}", []string{idFlag, "a", "b"}, "there is more than one FILE"},
		"-set and a file":   {nil, "{}", []string{idFlag, "-set", "state=a", "-"}, "there can't be a FILE too"},
		"no such file":      {nil, "", []string{idFlag, "no-such-file"}, "no-such-file"},
		"empty":             {nil, "", []string{idFlag, "-"}, "standard input, line 1, column 1: the body is empty"},
		"null":              {nil, "null", []string{idFlag, "-"}, "standard input, line 1, column 1: "},
		"array":             {nil, "[]", []string{idFlag, "-"}, "line 1, column 1: "},
		"an envelope":       {nil, `{"data": {}}`, []string{idFlag, "-"}, "line 1, column 1: none of the members is one of a session's"},
		"cut short":         {nil, "{\n\"state\"", []string{idFlag, "-"}, "line 2, column 8: the JSON text is cut short"},
		"trailing data":     {nil, `{} {}`, []string{idFlag, "-"}, "line 1, column 4: there is more after the value"},
		"wrong type":        {nil, `{"changeSequence": "canary"}`, []string{idFlag, "-"}, "line 1, column 2: /changeSequence: "},
		"two wrong types":   {nil, "{\"state\": 7,\n\"token\": 7}", []string{idFlag, "-"}, "\nstandard input, line 2, column 1: /token: "},
		"fraction":          {nil, `{"changeSequence": 7.0}`, []string{idFlag, "-"}, "/changeSequence: "},
		"null state":        {nil, `{"state": null}`, []string{idFlag, "-"}, "/state: "},
		"repeated member":   {nil, `{"state": "a", "state": "b"}`, []string{idFlag, "-"}, "line 1, column 16: /state: the member name is repeated"},
		"misspelled member": {nil, `{"State": "a"}`, []string{idFlag, "-"}, `/State: the contract spells this member "state"`},
		"bad date":          {nil, `{"createdOn": "2023-02-30T00:00:00Z"}`, []string{idFlag, "-"}, "/createdOn: "},
		"nested wrong type": {nil, "{\n  \"organization\": {\n    \"slug\": 7}}", []string{idFlag, "-"}, "line 3, column 5: /organization/slug: "},
		"another id":        {nil, "{\"state\":\"a\",\n \"id\": \"0f8fad5b-d9cb-469f-a165-70867728950e\"}", []string{idFlag, "-"}, "line 2, column 2: /id: value must be the id in the path"},
		"the mask as token": {nil, `{"token": "[masked]"}`, []string{idFlag, "-"}, "line 1, column 2: /token: the token is masked: print the session with -show-token"},

		"-set without =":            {nil, "", []string{idFlag, "-set", "canary"}, "-set needs NAME=VALUE"},
		"-set without a name":       {nil, "", []string{idFlag, "-set", "=canary"}, "-set needs NAME=VALUE"},
		"-set with half a name":     {nil, "", []string{idFlag, "-set", "organization.=canary"}, "-set needs NAME=VALUE"},
		"-set of a wrong type":      {nil, "", []string{idFlag, "-set", "state=7"}, "-set: /state: value must be a string"},
		"-set null":                 {nil, "", []string{idFlag, "-set", "state=null"}, "-set: /state: "},
		"-set in a string":          {nil, "", []string{idFlag, "-set", "state.name=canary"}, `-set state.name: "name" is no member of an object`},
		"-set of a misspelled name": {nil, "", []string{idFlag, "-set", "State=canary"}, `-set: /State: the contract spells this member "state"`},
		"-set of the id":            {nil, "", []string{idFlag, "-set", "id=canary"}, "-set: /id: a change must leave the value as it was read"},
		"-set of the version":       {nil, "", []string{idFlag, "-set", "changeSequence=8"}, "-set: /changeSequence: a change must leave the value as it was read"},
		"-set not UTF-8":            {nil, "", []string{idFlag, "-set", "state=canary\xff"}, "-set state: the value is not UTF-8"},
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
			wantText(t, "stderr", r.stderr, tc.want, "The session was not updated. See update-session -h.\n")
			if strings.Contains(r.stderr, "canary") {
				t.Errorf("a value was printed: %s", r.stderr)
			}
			for _, request := range p.Requests() {
				if request.Method != http.MethodGet {
					t.Errorf("%v was sent", request)
				}
			}
		})
	}
}

func TestFailuresHaveTheirStatus(t *testing.T) {
	t.Parallel()
	answer := func(status int, contentType, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	const (
		mayBe  = "The session may have been updated: read it before you try again.\n"
		was    = "The session was not updated.\n"
		others = "The session was not updated, since others updated it first"
	)
	store, set, read := []string{"-"}, []string{"-set=state=CLOSED"}, []string{}
	for name, tc := range map[string]struct {
		args   []string
		put    http.HandlerFunc // nil: that of the server
		input  string
		status int
		want   []string
	}{
		"stale": {store, nil, `{"changeSequence": 6}`, 3, []string{"409 Conflict: the session was updated since it was read\n", others}},
		"said no": {
			store, answer(http.StatusBadRequest, "application/json", `{"errors": {"state": "canary-token is\u001b[31m wrong"}}`),
			`{"token": "canary-token"}`, 1, []string{"400 Bad Request: state: … is [31m wrong\n", was},
		},
		"broken":          {store, answer(http.StatusInternalServerError, "text/plain", "oops"), `{}`, 4, []string{"500 Internal Server Error: oops", mayBe}},
		"HTML":            {store, answer(http.StatusOK, "text/html", "<html>"), `{}`, 4, []string{"response breaks the contract", mayBe}},
		"wrong type":      {store, answer(http.StatusOK, "application/json", `{"state": 7}`), `{}`, 4, []string{"at /state: ", mayBe}},
		"another session": {store, answer(http.StatusOK, "application/json", `{"id": "0f8fad5b-d9cb-469f-a165-70867728950e"}`), `{}`, 4, []string{"at /id: ", mayBe}},
		"redirect":        {store, answer(http.StatusFound, "text/html", ""), `{}`, 1, []string{"302 Found", was}},

		"-set: conflicts":  {set, answer(http.StatusConflict, "application/json", `{}`), "", 3, []string{"409 Conflict", others}},
		"-set: forbidden":  {set, answer(http.StatusForbidden, "application/json", `{}`), "", 1, []string{"403 Forbidden", was}},
		"-set: wrong type": {set, answer(http.StatusOK, "application/json", `{"state": 7}`), "", 4, []string{"at /state: ", mayBe}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlatform(t)
			for range 8 { // as many as a call may send
				if put := tc.put; put != nil {
					p.Enqueue(func(w http.ResponseWriter, r *http.Request) {
						if r.Method == http.MethodGet {
							answer(http.StatusOK, "application/json", `{"changeSequence": 7}`)(w, r)
							return
						}
						put(w, r)
					})
				}
			}
			r := p.run(t, tc.input, append([]string{idFlag}, tc.args...)...)
			if r.status != tc.status || r.stdout != "" {
				t.Errorf("status %d, stdout %q; want %d and none", r.status, r.stdout, tc.status)
			}
			wantText(t, "stderr", r.stderr, append(tc.want, "update-session: kodexa: PUT /api/sessions/"+testID+": ")...)
		})
	}
	t.Run("-set: wrong type when it is read", func(t *testing.T) {
		t.Parallel()
		p := newPlatform(t)
		p.Enqueue(answer(http.StatusOK, "application/json", `{"state": 7}`))
		r := p.run(t, "", append(set, idFlag)...)
		if r.status != 1 {
			t.Errorf("status %d, want 1", r.status)
		}
		wantText(t, "stderr", r.stderr, "kodexa: GET /api/sessions/"+testID+": 200 OK: response breaks the contract at /state: ", was)
	})
	t.Run("no such session", func(t *testing.T) {
		t.Parallel()
		for _, args := range [][]string{read, store, set} {
			r := newPlatform(t).run(t, `{"state": "CLOSED"}`, append([]string{"-id", uuid.NewString()}, args...)...)
			if r.status != 1 {
				t.Errorf("%v: status %d, want 1", args, r.status)
			}
			wantText(t, "stderr", r.stderr, "404 Not Found: no such session\n", was)
		}
	})
	t.Run("wrong key", func(t *testing.T) {
		t.Parallel()
		p := newPlatform(t)
		p.env["KODEXA_API_KEY"] = "wrong"
		r := p.run(t, "", idFlag)
		if r.status != 1 {
			t.Errorf("status %d, want 1", r.status)
		}
		wantText(t, "stderr", r.stderr, "401 Unauthorized")
	})
}

func TestPrintingFails(t *testing.T) {
	t.Parallel()
	full, err := os.Open(os.DevNull) // for reading alone
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = full.Close() })
	for name, tc := range map[string]struct {
		args   []string
		status int
		want   string
	}{
		"after an update": {[]string{idFlag, "-set", "state=CLOSED"}, 4, "the session is stored, but can't be printed: "},
		"after reading":   {[]string{idFlag}, 1, "The session was not updated.\n"},
		"demonstration":   {nil, 1, "The session was not updated.\n"},
		"help":            {[]string{"-h"}, 1, "The session was not updated.\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := newPlatform(t).env
			if tc.args == nil {
				env = nil
			}
			var stderr strings.Builder
			cmd := command(t, env, tc.args...)
			cmd.Stdout, cmd.Stderr = full, &stderr
			if err := cmd.Run(); cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != tc.status {
				t.Errorf("%v, want status %d", err, tc.status)
			}
			wantText(t, "stderr", stderr.String(), tc.want)
		})
	}
}

func TestInterrupt(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("no process can send another one Ctrl-C alone")
	}

	t.Run("while reading the input", func(t *testing.T) {
		t.Parallel()
		p := newPlatform(t)
		cmd := command(t, p.env, idFlag, "-")
		stdin, errIn := cmd.StdinPipe()
		stderr, errErr := cmd.StderrPipe()
		if err := errors.Join(errIn, errErr, cmd.Start()); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = stdin.Close() }()
		lines := bufio.NewReader(stderr)
		if line, err := lines.ReadString('\n'); err != nil || !strings.Contains(line, "reading the session from standard input") {
			t.Fatalf("%q, %v", line, err)
		}
		interrupt(t, cmd)
		rest, err := io.ReadAll(lines)
		if err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		if status := cmd.ProcessState.ExitCode(); status != 1 || len(p.Requests()) != 0 {
			t.Errorf("status %d, %d requests; want 1 and none", status, len(p.Requests()))
		}
		wantText(t, "stderr", string(rest), "interrupted: reading the session", "The session was not updated.\n")
	})

	for name, tc := range map[string]struct {
		args   []string
		status int
		want   string
	}{
		"while it is read":   {[]string{idFlag, "-set", "state=CLOSED"}, 1, "The session was not updated.\n"},
		"while it is stored": {[]string{idFlag, "-"}, 4, "The session may have been updated: read it before you try again.\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlatform(t)
			var stderr strings.Builder
			cmd := command(t, p.env, tc.args...)
			cmd.Stdin, cmd.Stderr = strings.NewReader(`{"state": "CLOSED"}`), &stderr
			started, interrupted := make(chan struct{}), make(chan time.Time, 1)
			p.Enqueue(func(_ http.ResponseWriter, r *http.Request) {
				<-started
				interrupted <- time.Now()
				interrupt(t, cmd)
				<-r.Context().Done()
			})
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			close(started)
			_ = cmd.Wait()
			wantText(t, "stderr", stderr.String(), "update-session: interrupted: kodexa: ", tc.want)
			if t.Failed() {
				return // it may not have come to that
			}
			took := time.Since(<-interrupted)
			if status := cmd.ProcessState.ExitCode(); status != tc.status || took > 20*time.Second {
				t.Errorf("status %d after %v, want %d at once", status, took, tc.status)
			}
		})
	}
}

func interrupt(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Error(err)
	}
}
