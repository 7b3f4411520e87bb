package faults_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	kodexa "github.com/kodexa-community/kodexa-go"
	"github.com/kodexa-community/kodexa-go/internal/figures"
)

const (
	maxAttempts = 3
	short       = 300 * time.Millisecond // a timeout that is meant to pass
	ample       = time.Second            // one that is meant to pass after something else, or in one attempt and not the next
	patient     = time.Minute            // one that is not, of an attempt and of the whole call
	brief       = 5 * time.Millisecond   // a wait that is meant to end
)

// fault is something that happens to one update, and what its caller must be told of it.
type fault struct {
	name    string
	happens func(s *scene)
	only    protocol      // default both
	secure  bool          // over TLS with HTTP/1.1 too
	timeout time.Duration // of an attempt; default patient
	wait    time.Duration // between attempts, at most; default brief
	is      error         // what errors.Is must find
	outcome outcome
	over2   outcome // what comes of it over HTTP/2, where that is something else
}

type outcome struct {
	sees     string
	attempts int
	applied  int // how often
}

func (o outcome) String() string {
	return fmt.Sprintf("%s | %d | %s", o.sees, o.attempts, []string{"no", "yes", "twice"}[o.applied])
}

// TestFaults has each fault strike over both protocols. Its table stands in README.md.
//
//nolint:paralleltest // one at a time: what leaks is the fault's then
func TestFaults(t *testing.T) {
	got := map[protocol]map[string]outcome{http1: {}, http2: {}}
	for _, speaks := range protocols {
		t.Run(speaks.testName(), func(t *testing.T) {
			for _, f := range faults {
				if f.only != 0 && f.only != speaks {
					continue
				}
				t.Run(f.name, func(t *testing.T) {
					want := f.outcome
					if speaks == http2 && f.over2 != (outcome{}) {
						want = f.over2
					}
					o := f.strike(t, speaks)
					if o != want {
						t.Errorf("got %v, want %v", o, want)
					}
					got[speaks][f.name] = o
				})
			}
		})
	}
	if t.Failed() {
		return
	}
	table := []string{"| fault | the caller sees | attempts | applied |", "| --- | --- | ---: | --- |"}
	for _, f := range faults {
		first, ran1 := got[http1][f.name]
		second, ran2 := got[http2][f.name]
		switch {
		case ran1 && ran2 && first == second:
			table = append(table, fmt.Sprintf("| %s | %v |", f.name, first))
		case !ran1 && f.only != http2 || !ran2 && f.only != http1:
			return // not all were to run
		default:
			for _, speaks := range protocols {
				if o, ran := got[speaks][f.name]; ran {
					table = append(table, fmt.Sprintf("| %s, %v | %v |", f.name, speaks, o))
				}
			}
		}
	}
	figures.Check(t, readme, "faults", "\n"+strings.Join(table, "\n")+"\n\n")
}

// strike lets f happen to an update and checks that its caller is told the truth, and that nothing leaks.
func (f *fault) strike(t *testing.T, speaks protocol) outcome {
	t.Helper()
	s := newScene(t, f, speaks)
	f.happens(s)
	before := s.session(s.id)

	got, err := s.client.UpdateSession(s.call.in(s.ctx), s.id, s.update)
	s.others.Wait()
	s.calm(s.client)

	after := s.session(s.id)
	agree(t, before, after, err)
	if err == nil && !bytes.Equal(encode(t, *got), encode(t, after)) {
		t.Error("the result is not what is stored")
	}
	attempts := len(s.call.statuses)
	if e, ok := errors.AsType[*kodexa.CallError](err); ok && e.Attempts != attempts {
		t.Errorf("CallError.Attempts is %d of %d", e.Attempts, attempts)
	} else if !ok && err != nil {
		t.Errorf("got a %T, want a *CallError: %v", err, err)
	}
	if f.is != nil && !errors.Is(err, f.is) {
		t.Errorf("errors.Is does not find %q in: %v", f.is, err)
	}
	if text := fmt.Sprintf("%+v %q", err, s.call.failures); strings.Contains(text, proxyPassword) || strings.Contains(text, s.APIKey) {
		t.Error("a secret stands in the error or in the log")
	}
	t.Logf("attempts failed with %q, the call with: %v", s.call.failures, err)
	return outcome{kindOf(err), attempts, timesApplied(before, after)}
}

// agree checks that the caller was told the truth: success means applied, [kodexa.ErrOutcomeUnknown] means either, and any
// other error means not applied.
func agree(t *testing.T, before, after kodexa.Session, err error) {
	t.Helper()
	switch {
	case err == nil && timesApplied(before, after) == 0:
		t.Error("the caller was told of a success, and nothing was applied")
	case err != nil && !errors.Is(err, kodexa.ErrOutcomeUnknown) && !bytes.Equal(encode(t, before), encode(t, after)):
		t.Errorf("the caller was told that nothing was applied, and it was: %v", err)
	}
}

// States of a session.
const (
	open   = "OPEN"
	closed = "CLOSED" // by the update
	stolen = "STOLEN" // by another's update
)

// timesApplied returns how often the update was.
func timesApplied(before, after kodexa.Session) int {
	if *after.State != closed {
		return 0
	}
	return int(*after.ChangeSequence - *before.ChangeSequence)
}

func encode(t *testing.T, s kodexa.Session) []byte {
	t.Helper()
	data, err := s.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// scene is an update that is about to be sent.
type scene struct {
	*platform

	client  *kodexa.Client
	options []kodexa.Option
	id      uuid.UUID
	update  kodexa.Session
	call    *call
	others  sync.WaitGroup  // calls
	ctx     context.Context //nolint:containedctx // a fault may end it, or put a deadline on it
	cancel  context.CancelFunc
}

func newScene(t *testing.T, f *fault, speaks protocol) *scene {
	t.Helper()
	s := &scene{platform: newPlatform(t, speaks, f.secure), id: uuid.New(), call: &call{after: map[int]func(){}}}
	wait := cmp.Or(f.wait, brief)
	s.options = []kodexa.Option{
		kodexa.WithTimeout(cmp.Or(f.timeout, patient)),
		kodexa.WithRetry(kodexa.RetryPolicy{MaxAttempts: maxAttempts, BaseDelay: wait, MaxDelay: wait}),
	}
	s.client = s.platform.client(&s.ledger, s.options...)
	s.ctx = t.Context()
	s.deadline(patient)
	s.SetSession(kodexa.Session{ID: new(s.id.String()), State: new(open), ChangeSequence: new(int32(7))})
	s.update = s.session(s.id)
	s.update.State = new(closed)
	if speaks == http2 {
		s.warmUp()
	}
	return s
}

// warmUp leaves a connection in the client's pool. Over HTTP/2 most faults would strike the handshake without it.
func (s *scene) warmUp() {
	s.t.Helper()
	stored, err := s.client.UpdateSession(new(call).in(s.ctx), s.id, s.session(s.id))
	if err != nil {
		s.t.Fatal(err)
	}
	s.update.ChangeSequence = stored.ChangeSequence
}

// renew gives the scene another client: with this transport, or with that of New if it is nil.
func (s *scene) renew(transport http.RoundTripper) {
	s.t.Helper()
	s.client.CloseIdleConnections()
	s.client = s.platform.client(transport, s.options...)
	if s.speaks == http2 {
		s.warmUp()
	}
}

// meanwhile has another call under way, whose first answer is this one.
func (s *scene) meanwhile(answer http.HandlerFunc) {
	arrived := make(chan struct{})
	s.Enqueue(func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		answer(w, r)
	})
	s.others.Go(func() {
		if _, err := s.client.GetSession(new(call).in(s.ctx), s.id); err != nil {
			s.t.Errorf("the other call: %v", err)
		}
	})
	<-arrived
}

// after lets something happen between an attempt and the wait for the next one.
func (s *scene) after(attempt int, then func()) { s.call.after[attempt] = then }

// cancelSoon cancels the call when its next wait has begun.
func (s *scene) cancelSoon() { time.AfterFunc(20*time.Millisecond, s.cancel) }

// untilClosed answers with the stored session and ends where the connection does.
func (s *scene) untilClosed(w http.ResponseWriter, _ *http.Request) {
	stored, err := s.session(s.id).MarshalJSON()
	if err != nil {
		s.t.Error(err)
	}
	conn := hijack(w)
	_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n%s", stored)
	_ = conn.Close()
}

// steal is another's update.
func (s *scene) steal() {
	other := s.session(s.id)
	other.ChangeSequence = new(*other.ChangeSequence + 1)
	other.State = new(stolen)
	s.SetSession(other)
}

// deadline bounds the call, retries included.
func (s *scene) deadline(d time.Duration) {
	ctx, cancel := context.WithTimeout(s.ctx, d)
	s.t.Cleanup(cancel)
	s.ctx, s.cancel = ctx, cancel
}
