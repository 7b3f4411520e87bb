package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	kodexa "github.com/kodexa-community/kodexa-go"
)

const (
	knownID = "3f2b8c1e-6d4a-4f0b-9a57-1c8e2d7b6a90"
	known   = "/api/sessions/" + knownID
	key     = "canary-key"
	seed    = `{"id":"` + knownID + `","changeSequence":7,"state":"OPEN","token":"canary-token","organization":{"features":{"apiToken":["canary-deep"]}}}`
)

// running is the program while it runs.
type running struct {
	url    string
	log    *lockedBuffer
	cancel context.CancelFunc
	exited chan int
}

type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(text []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(text)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// start runs the program with the seed, on a free port.
func start(t *testing.T, args ...string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	p := &running{log: &lockedBuffer{}, cancel: cancel, exited: make(chan int, 1)}
	args = append([]string{"-addr", "127.0.0.1:0", "-key", key, "-seed", write(t, seed)}, args...)
	stdout, w := io.Pipe()
	go func() { p.exited <- run(ctx, args, w, p.log) }()
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, stdout) }()
	p.url = strings.TrimSuffix(strings.TrimPrefix(line, "Page     "), "/\n")
	t.Cleanup(func() {
		cancel()
		if status, more := <-p.exited; more && status != 0 {
			t.Errorf("exit status %d: %s", status, p.log)
		}
		_ = w.Close()
	})
	return p
}

func write(t *testing.T, text string) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "sessions.json")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// send sends a request with the key, and returns the answer.
func (p *running) send(t *testing.T, method, path, body string, change ...func(*http.Request)) (*http.Response, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, p.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("x-api-key", key)
	req.Header.Set("Content-Type", "application/json")
	for _, fn := range change {
		fn(req)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	return res, string(text), err
}

func TestEachRequestIsALineOfTheLog(t *testing.T) {
	t.Parallel()
	p := start(t)
	without := func(r *http.Request) { r.Header.Del("x-api-key") }
	for i, tt := range []struct {
		method, path, body string
		change             func(*http.Request)
		want               string
	}{
		{"GET", known, "", nil, "GET " + known + " 200 OK"},
		{"PUT", known, `{"changeSequence":7,"state":"CLOSED","token":"canary-token"}`, nil, "PUT " + known + " 200 OK"},
		{"PUT", known, `{"changeSequence":7}`, nil, "PUT " + known + " 409 Conflict: the session was updated since it was read"},
		{"PUT", known, `{"changeSequence":"canary-token"}`, nil, "PUT " + known + " 400 Bad Request: /changeSequence: value must be an integer"},
		{"PUT", known, `{"state":1,"token":2}`, nil, "PUT " + known + " 400 Bad Request: /state: value must be a string; /token: value must be a string"},
		{"PUT", known, `{"id":"` + uuid.NewString() + `"}`, nil, "PUT " + known + " 400 Bad Request: request breaks the contract at /id: value must be the id in the path"},
		{"PUT", known, `{"organization":{"memory":{"orderedDashboards":{"a\nb\u001b` + key + `":1}}}}`, nil, "PUT " + known + " 400 Bad Request: /organization/memory/orderedDashboards: value must be an array"},
		{"PUT", known, `{`, nil, "PUT " + known + " 400 Bad Request: the JSON text is cut short after 1 byte"},
		{"GET", known, "", without, "GET " + known + " 401 Unauthorized: the API key is missing or not known"},
		{"GET", "/api/sessions/" + key + "%0A?token=canary-token", "", nil, "GET /api/sessions/[masked]%0A 400 Bad Request: "},
		{"GET", "/api/%63anary-key", "", nil, "GET [masked] 404 Not Found: "},
		{key, "/x", "", nil, "[masked] /x 404 Not Found: "},
		{"GET", "/api/sessions", "", nil, "GET /api/sessions 404 Not Found: the contract has no such operation"},
		{"POST", "/", "", nil, "POST / 404 Not Found: the contract has no such operation"},
		{"GET", "//api/sessions/../", "", nil, "GET //api/sessions/../ 404 Not Found: the contract has no such operation"},
	} {
		if tt.change == nil {
			tt.change = func(*http.Request) {}
		}
		if _, _, err := p.send(t, tt.method, tt.path, tt.body, tt.change); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(p.log.String()), "\n")
		if len(lines) != i+1 || !strings.Contains(lines[i], " "+tt.want) {
			t.Errorf("got %d lines, the last of them %s; want %s", len(lines), lines[len(lines)-1], tt.want)
		}
	}
	if text := p.log.String(); strings.Contains(text, "canary") {
		t.Error(text)
	}
}

func TestTheClientOfTheModuleIsServed(t *testing.T) {
	t.Parallel()
	p := start(t, "-fault", "503:0.3,reset:0.2", "-fault-seed", "1")
	policy := kodexa.RetryPolicy{MaxAttempts: 20, BaseDelay: time.Microsecond, MaxDelay: time.Microsecond}
	client, err := kodexa.New(kodexa.WithBaseURL(p.url), kodexa.WithAPIKey(key), kodexa.WithRetry(policy))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		session, err := client.ModifySession(t.Context(), uuid.MustParse(knownID), func(s *kodexa.Session) error {
			s.State = new(fmt.Sprint("STATE ", i))
			return nil
		})
		if err != nil || *session.ChangeSequence != int32(8+i) || *session.Token != "canary-token" {
			t.Fatal(i, err)
		}
	}
}

// TestDeepSession would not end if a session were read anew at each level.
func TestDeepSession(t *testing.T) {
	t.Parallel()
	p := start(t)
	const depth = 9000
	body := `{"x":` + strings.Repeat(`{"a":`, depth) + `"` + strings.Repeat("z", 2<<20) + `"` + strings.Repeat("}", depth) + "}"
	res, _, err := p.send(t, "PUT", known, body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatal(err)
	}
	if res, _, err = p.send(t, "GET", known, ""); err != nil || res.StatusCode != http.StatusOK {
		t.Error(err)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		status  int // 0 for a reset
		body    string
		applied bool
		log     string
	}{
		"503:1":      {503, `{"message":"the sandbox was told to: -fault 503:1"}`, false, "503 Service Unavailable (-fault 503:1: not handled, "},
		"html:1":     {200, "<h1>Log in</h1>", false, "200 OK (-fault html:1: not handled, "},
		"reset:1":    {0, "", true, "connection reset (-fault reset:1: handled, "},
		"slow:1:1ms": {200, `"changeSequence":8`, true, "200 OK (-fault slow:1:1ms: handled, and answered 1ms later)"},
		"429:0":      {200, `"changeSequence":8`, true, "200 OK\n"},
	} {
		p := start(t, "-fault", name)
		res, body, err := p.send(t, "PUT", known, `{"state":"CLOSED"}`)
		if tt.status == 0 {
			if !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("%s: %v", name, err)
			}
		} else if err != nil || res.StatusCode != tt.status || !strings.Contains(body, tt.body) {
			t.Errorf("%s: %v, %s", name, err, body)
		}
		if _, page, err := p.send(t, "GET", "/", ""); err != nil || strings.Contains(page, "changeSequence 8") != tt.applied {
			t.Errorf("%s: %v, %s", name, err, page)
		}
		if !strings.Contains(p.log.String(), tt.log) {
			t.Errorf("%s: %s", name, p.log)
		}
	}
}

func TestTheSameSeedMakesTheSameFaults(t *testing.T) {
	t.Parallel()
	statuses := func() (all []int) {
		p := start(t, "-fault", "503:0.2", "-fault", "429:0.2,html:0.1", "-fault-seed", "7")
		for range 60 {
			res, _, err := p.send(t, "GET", known, "")
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, res.StatusCode)
		}
		return all
	}
	first := statuses()
	if second := statuses(); !slices.Equal(first, second) || len(slices.Compact(slices.Sorted(slices.Values(first)))) != 3 {
		t.Errorf("%v and %v", first, second)
	}
}

func TestEverythingThatIsWrongIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		args []string
		want []string // what the lines contain
	}{
		"many": {
			[]string{"-addr", "0.0.0.0:8080", "-key", "a b", "-fault", "503,html:0.1", "-seed", "/nowhere", "more"},
			[]string{"-fault \"503\": want", `"more" is no flag`, "-key: ", "-addr 0.0.0.0:8080: other machines could reach it; say -public", "-seed: open /nowhere"},
		},
		"shares":  {[]string{"-fault", "503:0.6", "-fault", "reset:0.6"}, []string{"the shares add up to 1.2, more than 1"}},
		"unknown": {[]string{"-no"}, []string{"-no"}},
		"address": {[]string{"-addr", "8080"}, []string{"-addr 8080: "}},
		"faults": {
			[]string{"-fault", "200:0.1,600:0.1,ok:0.1,503:2,503:-1,503:NaN,503:0.1:2s,slow:0.1,slow:0.1:2,slow:0.1:-2s,"},
			slices.Repeat([]string{"-fault "}, 11),
		},
	} {
		var out bytes.Buffer
		status := run(t.Context(), tt.args, &out, &out)
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		if status != 1 || len(lines) != len(tt.want) {
			t.Errorf("%s: exit status %d: %s", name, status, &out)
			continue
		}
		for i, want := range tt.want {
			if !strings.HasPrefix(lines[i], "kodexa-sandbox: ") || !strings.Contains(lines[i], want) {
				t.Errorf("%s: got %s, want %s", name, lines[i], want)
			}
		}
	}
}

func TestSeeds(t *testing.T) {
	t.Parallel()
	const another = "550e8400-e29b-41d4-a716-446655440000"
	for text, want := range map[string]string{
		`[` + seed + `,{"id":"` + another + `"}]`:                "",
		` {"id":"` + strings.ReplaceAll(another, "-", "") + `"}`: "",
		`[]`:                          "FILE: there is no session in it",
		``:                            "FILE: : the body is empty",
		`{"id":"x"}`:                  "FILE: /id: a session needs an id that is a UUID",
		`{"state":"canary"}`:          "FILE: /id: a session needs an id that is a UUID",
		`[` + seed + `,` + seed + `]`: "FILE: /1/id: another session has this id",
		`[{"id":"` + another + `","changeSequence":"canary","state":1}]`: "FILE: /0/changeSequence: value must be an integer\nkodexa-sandbox: -seed FILE: /0/state: value must be a string",
		`[` + seed + `,{"id":]`: "FILE: jsontext: ",
		`{"unknown":1}`:         "FILE: : none of the members is one of a session's",
	} {
		file := write(t, text)
		sessions, err := readSessions(file)
		if want == "" {
			if err != nil || len(sessions) == 0 || sessions[len(sessions)-1].ChangeSequence == nil {
				t.Errorf("%s: %v", text, err)
			}
			continue
		}
		var out bytes.Buffer
		if status := run(t.Context(), []string{"-seed", file}, &out, &out); status != 1 {
			t.Errorf("%s: exit status %d", text, status)
		}
		got := strings.ReplaceAll(out.String(), file, "FILE")
		if !strings.HasPrefix(got, "kodexa-sandbox: -seed "+want) || strings.Contains(got, "canary") {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

func TestGreetingAndHelp(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if status := run(t.Context(), []string{"-h"}, &out, io.Discard); status != 0 || out.String() != usage {
		t.Error(status, &out)
	}
	out.Reset()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if status := run(ctx, []string{"-addr", ":0"}, &out, io.Discard); status != 0 {
		t.Error(status)
	}
	for _, want := range []string{"Page     http://127.0.0.1:", "API key  ", "Session  ", "curl --fail -H", "-o session.json &&\n", "curl -X PUT"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %s in %s", want, &out)
		}
	}
	taken := start(t)
	var failed bytes.Buffer
	if status := run(t.Context(), []string{"-addr", strings.TrimPrefix(taken.url, "http://")}, io.Discard, &failed); status != 1 {
		t.Error(status, &failed)
	}
}

// What waits ends with the program: events, an answer that is slow, a connection without a request.
func TestItEndsWhileOthersWait(t *testing.T) {
	t.Parallel()
	p := start(t, "-fault", "slow:1:1h")
	waiting := p.listen(t, "after=0")
	silent, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	slow := make(chan error, 1)
	go func() {
		_, _, err := p.send(t, "GET", known, "")
		slow <- err
	}()
	waiting.next(t) // the request is in the log, and its answer waits
	p.cancel()
	if err := <-slow; err != nil {
		t.Error(err)
	}
	if status := <-p.exited; status != 0 {
		t.Errorf("exit status %d: %s", status, p.log)
	}
	close(p.exited)
}
