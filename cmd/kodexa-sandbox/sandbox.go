package main

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"log"
	mathrand "math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	kodexa "github.com/kodexa-community/kodexa-go"
	"github.com/kodexa-community/kodexa-go/internal/contract"
	"github.com/kodexa-community/kodexa-go/kodexatest"
)

// mostEntries is how many requests are kept for the page.
const mostEntries = 200

// mostBytes is how large the body of a request may be.
const mostBytes = 64 << 20

// sandbox serves the platform and its page.
type sandbox struct {
	*options

	platform *kodexatest.Server
	contract *contract.Contract
	log      *log.Logger
	ids      []uuid.UUID // of the sessions, as seeded
	run      string      // tells this run of the program from another one

	mu      sync.Mutex // held while the platform answers, so that what changed is this request's doing
	random  *mathrand.Rand
	entries []entry
	changed chan struct{} // closed when there is another entry
}

// entry is a request as page and log show it: key and tokens are masked.
type entry struct {
	Number       int
	Time         time.Time
	Method, Path string
	Status       int                // 0 if the connection was reset
	Fault        fault              // of no Kind if there was none
	Broken       []kodexa.Violation // or why else it was refused
	Changes      []change
	ID           uuid.UUID // of the session
}

func newSandbox(o *options, logger *log.Logger) *sandbox {
	s := &sandbox{options: o, platform: kodexatest.NewServer(), log: logger, run: rand.Text(), changed: make(chan struct{})}
	s.platform.APIKey = o.key
	s.random = mathrand.New(mathrand.NewPCG(o.luck, 0))
	for _, session := range o.sessions {
		s.platform.SetSession(session)
		s.ids = append(s.ids, uuid.MustParse(*session.ID))
	}
	var err error
	if s.contract, err = contract.Parse(kodexa.Spec()); err != nil {
		panic(err) // kodexatest reads the same
	}
	return s
}

func (s *sandbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method + " " + r.URL.Path {
	case "GET /":
		s.guard(w, r, s.page)
	case "GET /events":
		s.guard(w, r, s.events)
	default:
		s.api(w, r)
	}
}

func (s *sandbox) api(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostBytes))
	if err != nil {
		panic(http.ErrAbortHandler) // the client went away, or never ends
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	answer := httptest.NewRecorder()
	s.apply(answer, r, body).send(r.Context(), w, answer)
}

// apply lets the platform answer, unless a fault does, notes what became of it, and returns the fault.
func (s *sandbox) apply(answer *httptest.ResponseRecorder, r *http.Request, body []byte) fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := pick(s.faults, s.random.Float64())
	e := entry{Time: time.Now(), Method: s.masked(r.Method), Path: s.maskedPath(r.URL), Fault: f}
	e.ID, _ = uuid.Parse(path.Base(r.URL.Path)) // of another path than a session's there is no session
	before, _ := s.platform.Session(e.ID)
	if !f.answer(answer) {
		s.platform.ServeHTTP(answer, r)
		e.Broken = s.refusal(answer, r, body)
	}
	if f.Kind != reset {
		e.Status = answer.Code
	}
	after, _ := s.platform.Session(e.ID)
	e.Changes = s.changes(before, after)
	s.note(e)
	return f
}

// refusal returns where a request breaks the contract, or why else it was refused.
func (s *sandbox) refusal(answer *httptest.ResponseRecorder, r *http.Request, body []byte) []kodexa.Violation {
	if answer.Code < http.StatusBadRequest {
		return nil
	}
	var violations []kodexa.Violation
	if operation := s.contract.Find(r.Method, r.URL.EscapedPath()); operation != nil && answer.Code == http.StatusBadRequest {
		found, _ := operation.CheckRequest(r.URL.EscapedPath(), r.URL.RawQuery, r.Header, body)
		for _, v := range found {
			violations = append(violations, kodexa.Violation{Pointer: s.masked(v.Pointer), Reason: s.masked(v.Reason)})
		}
	}
	if len(violations) == 0 {
		var refusal map[string]string
		_ = json.Unmarshal(answer.Body.Bytes(), &refusal)
		violations = []kodexa.Violation{{Reason: s.masked(refusal["message"])}}
	}
	return violations
}

// note logs the entry, keeps it for the page, and wakes the page.
func (s *sandbox) note(e entry) {
	e.Number = 1
	if n := len(s.entries); n > 0 {
		e.Number = s.entries[n-1].Number + 1
	}
	s.entries = append(s.entries, e)
	s.entries = s.entries[max(0, len(s.entries)-mostEntries):]
	close(s.changed)
	s.changed = make(chan struct{})
	s.log.Print(e)
}

// Outcome is what the client gets.
func (e entry) Outcome() string {
	if e.Status == 0 {
		return "connection reset"
	}
	return strings.TrimSpace(fmt.Sprint(e.Status, " ", http.StatusText(e.Status)))
}

// Kind is the class of the outcome: "good", "bad", or "told" to fail.
func (e entry) Kind() string {
	switch {
	case e.Fault.Kind != "":
		return "told"
	case e.Status >= http.StatusBadRequest:
		return "bad"
	default:
		return "good"
	}
}

// String is the entry's line in the log.
func (e entry) String() string {
	text := fmt.Sprintf("%s %s %s", e.Method, e.Path, e.Outcome())
	if e.Fault.Kind != "" {
		text += fmt.Sprintf(" (-fault %s: %s)", e.Fault.Text, e.Fault.Effect())
	}
	var reasons []string
	for _, v := range e.Broken {
		reasons = append(reasons, strings.TrimPrefix(v.Pointer+": "+v.Reason, ": "))
	}
	if len(reasons) > 0 {
		text += ": " + strings.Join(reasons, "; ")
	}
	return strings.ReplaceAll(text, "\n", " ")
}
