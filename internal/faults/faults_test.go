package faults_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	kodexa "github.com/kodexa-community/kodexa-go"
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
	timeout time.Duration // of an attempt; default patient
	wait    time.Duration // between attempts, at most; default brief
	outcome outcome
}

type outcome struct {
	sees     string
	attempts int
	applied  int // how often
}

var faults = []fault{
	{
		name:    "none",
		happens: func(*scene) {},
		outcome: outcome{success, 1, 1},
	},

	// The network is slow.
	{
		name:    "latency, within the timeout",
		happens: func(s *scene) { s.toxic("latency", downstream, "latency", 50) },
		outcome: outcome{success, 1, 1},
	},
	{
		name:    "latency: the requests arrive after their timeout",
		happens: func(s *scene) { s.toxic("latency", upstream, "latency", 10_000) },
		timeout: short,
		outcome: outcome{timeout + unknown, 3, 1},
	},
	{
		name:    "latency: the answers arrive after their timeout",
		happens: func(s *scene) { s.toxic("latency", downstream, "latency", 10_000) },
		timeout: short,
		outcome: outcome{timeout + unknown, 3, 1},
	},
	{
		name: "latency: the first answer arrives after its timeout",
		happens: func(s *scene) {
			s.toxic("latency", downstream, "latency", 10_000)
			s.after(1, s.heal)
		},
		timeout: ample,
		outcome: outcome{statusText(409) + unknown, 2, 1},
	},
	{
		name:    "bandwidth, enough within the timeout",
		happens: func(s *scene) { s.toxic("bandwidth", downstream, "rate", 5) },
		outcome: outcome{success, 1, 1},
	},
	{
		name: "bandwidth: too little for the request",
		happens: func(s *scene) {
			s.toxic("bandwidth", upstream, "rate", 1)
			s.update.Token = new(strings.Repeat("x", 2000))
		},
		timeout: short,
		outcome: outcome{timeout + unknown, 3, 1},
	},
	{
		name: "bandwidth: enough for the answer's header, too little for its body",
		happens: func(s *scene) {
			s.toxic("bandwidth", downstream, "rate", 1)
			s.update.Token = new(strings.Repeat("x", 5000))
		},
		timeout: ample,
		outcome: outcome{timeout + unknown, 1, 1},
	},
	{
		name:    "answer in single bytes, within the timeout",
		happens: func(s *scene) { s.toxic("slicer", downstream, "average_size", 1) },
		outcome: outcome{success, 1, 1},
	},
	{
		name:    "answer byte by byte, beyond the timeout",
		happens: func(s *scene) { s.answer(applied(byteByByte)) },
		timeout: ample,
		outcome: outcome{timeout + unknown, 1, 1},
	},

	// The network loses what it carries.
	{
		name:    "timeout: requests vanish",
		happens: func(s *scene) { s.toxic("timeout", upstream, "timeout", 0) },
		timeout: short,
		outcome: outcome{timeout + unknown, 3, 0},
	},
	{
		name:    "timeout: answers vanish",
		happens: func(s *scene) { s.toxic("timeout", downstream, "timeout", 0) },
		timeout: short,
		outcome: outcome{timeout + unknown, 3, 1},
	},
	{
		name:    "timeout: answers vanish, then the connection closes",
		happens: func(s *scene) { s.toxic("timeout", downstream, "timeout", 100) },
		outcome: outcome{network + unknown, 3, 1},
	},
	{
		name:    "server silent after the update",
		happens: func(s *scene) { s.answer(applied(silence)) },
		timeout: ample,
		outcome: outcome{statusText(409) + unknown, 2, 1},
	},

	// The network breaks.
	{
		name:    "reset before the request arrives, each time",
		happens: func(s *scene) { s.toxic("reset_peer", upstream, "timeout", 0) },
		outcome: outcome{network + unknown, 3, 0},
	},
	{
		name: "reset before the request arrives, once",
		happens: func(s *scene) {
			s.toxic("reset_peer", upstream, "timeout", 0)
			s.after(1, s.heal)
		},
		outcome: outcome{success, 2, 1},
	},
	{
		name:    "reset after the update, each time",
		happens: func(s *scene) { s.toxic("reset_peer", downstream, "timeout", 0) },
		outcome: outcome{network + unknown, 3, 1},
	},
	{
		name: "reset after the update, once",
		happens: func(s *scene) {
			s.toxic("reset_peer", downstream, "timeout", 0)
			s.after(1, s.heal)
		},
		outcome: outcome{statusText(409) + unknown, 2, 1},
	},
	{
		name: "reset after the update, once, without changeSequence",
		happens: func(s *scene) {
			s.toxic("reset_peer", downstream, "timeout", 0)
			s.after(1, s.heal)
			s.update.ChangeSequence = nil
		},
		outcome: outcome{success, 2, 2},
	},
	{
		name: "reset of a pooled connection as it is used",
		happens: func(s *scene) {
			s.warmUp()
			s.answer(unapplied(reset))
		},
		outcome: outcome{success, 2, 1},
	},
	{
		name: "reset of a pooled connection after the update",
		happens: func(s *scene) {
			s.warmUp()
			s.answer(applied(reset))
		},
		outcome: outcome{statusText(409) + unknown, 2, 1},
	},
	{
		name:    "connection closed within the answer's header",
		happens: func(s *scene) { s.toxic("limit_data", downstream, "bytes", 30) },
		outcome: outcome{network + unknown, 3, 1},
	},
	{
		name: "connection closed within the answer's body",
		happens: func(s *scene) {
			s.toxic("limit_data", downstream, "bytes", 1000)
			s.update.Token = new(strings.Repeat("x", 2000))
		},
		outcome: outcome{broken + unknown, 1, 1},
	},
	{
		name: "connection closed within the request's body",
		happens: func(s *scene) {
			s.toxic("limit_data", upstream, "bytes", 1000)
			s.update.Token = new(strings.Repeat("x", 2000))
		},
		outcome: outcome{network + unknown, 3, 0},
	},
	{
		name:    "slow close after a complete answer",
		happens: func(s *scene) { s.toxic("slow_close", downstream, "delay", 10_000) },
		outcome: outcome{success, 1, 1},
	},
	{
		name: "slow close of an answer that ends with its connection",
		happens: func(s *scene) {
			s.toxic("slow_close", downstream, "delay", 10_000)
			s.answer(applied(s.untilClosed))
		},
		timeout: ample,
		outcome: outcome{timeout + unknown, 1, 1},
	},

	// The server is not there.
	{
		name:    "connections refused",
		happens: func(s *scene) { s.goDown() },
		outcome: outcome{network, 3, 0},
	},
	{
		name: "server restarts before the update",
		happens: func(s *scene) {
			s.answer(unapplied(func(http.ResponseWriter, *http.Request) { s.goDown() }))
			s.after(2, s.comeBack)
		},
		outcome: outcome{success, 3, 1},
	},
	{
		name: "server restarts after the update",
		happens: func(s *scene) {
			s.answer(applied(func(http.ResponseWriter, *http.Request) { s.goDown() }))
			s.after(2, s.comeBack)
		},
		outcome: outcome{statusText(409) + unknown, 3, 1},
	},
	{
		name: "server goes down after the update",
		happens: func(s *scene) {
			s.answer(applied(func(http.ResponseWriter, *http.Request) { s.goDown() }))
		},
		outcome: outcome{network + unknown, 3, 1},
	},

	// The platform, or a gateway before it, says no.
	{
		name:    "429 storm",
		happens: func(s *scene) { s.answer(storm(unapplied(status(429)))...) },
		outcome: outcome{statusText(429), 3, 0},
	},
	{
		name:    "429 twice, Retry-After an hour, policy at most 5ms",
		happens: func(s *scene) { s.answer(unapplied(statusAfter(429, 3600)), unapplied(statusAfter(429, 3600))) },
		outcome: outcome{success, 3, 1},
	},
	{
		name:    "503 storm",
		happens: func(s *scene) { s.answer(storm(unapplied(status(503)))...) },
		outcome: outcome{statusText(503), 3, 0},
	},
	{
		name:    "503 twice",
		happens: func(s *scene) { s.answer(unapplied(status(503)), unapplied(status(503))) },
		outcome: outcome{success, 3, 1},
	},
	{
		name:    "503, Retry-After beyond the call's deadline",
		happens: func(s *scene) { s.answer(unapplied(statusAfter(503, 3600))) },
		wait:    2 * time.Hour,
		outcome: outcome{statusText(503), 1, 0},
	},
	{
		name:    "502 storm, nothing applied",
		happens: func(s *scene) { s.answer(storm(unapplied(status(502)))...) },
		outcome: outcome{statusText(502) + unknown, 3, 0},
	},
	{
		name:    "502 after the update",
		happens: func(s *scene) { s.answer(applied(status(502))) },
		outcome: outcome{statusText(409) + unknown, 2, 1},
	},
	{
		name:    "504 before the update",
		happens: func(s *scene) { s.answer(unapplied(status(504))) },
		outcome: outcome{success, 2, 1},
	},
	{
		name:    "504 after the update",
		happens: func(s *scene) { s.answer(applied(status(504))) },
		outcome: outcome{statusText(409) + unknown, 2, 1},
	},
	{
		name:    "504 after the update, then 503 storm",
		happens: func(s *scene) { s.answer(applied(status(504)), unapplied(status(503)), unapplied(status(503))) },
		outcome: outcome{statusText(503) + unknown, 3, 1},
	},
	{
		name:    "504 after the update, then 401",
		happens: func(s *scene) { s.answer(applied(status(504)), unapplied(status(401))) },
		outcome: outcome{statusText(401) + unknown, 2, 1},
	},
	{
		name: "504 before the update, then another's update",
		happens: func(s *scene) {
			s.answer(unapplied(status(504)))
			s.after(1, s.steal)
		},
		outcome: outcome{statusText(409) + unknown, 2, 0},
	},
	{
		name:    "500 after the update",
		happens: func(s *scene) { s.answer(applied(status(500))) },
		outcome: outcome{statusText(500) + unknown, 1, 1},
	},
	{
		name:    "another's update before",
		happens: func(s *scene) { s.steal() },
		outcome: outcome{statusText(409), 1, 0},
	},

	// The answer to an update that was applied is of no use.
	{
		name:    "login page in place of the answer",
		happens: func(s *scene) { s.answer(applied(loginPage)) },
		outcome: outcome{broken + unknown, 1, 1},
	},
	{
		name:    "half an answer",
		happens: func(s *scene) { s.answer(applied(halfAnAnswer)) },
		outcome: outcome{broken + unknown, 1, 1},
	},

	// The caller gives up.
	{
		name: "caller cancels before the answer to an update",
		happens: func(s *scene) {
			s.answer(applied(func(w http.ResponseWriter, r *http.Request) {
				s.cancel()
				silence(w, r)
			}))
		},
		outcome: outcome{canceled + unknown, 1, 1},
	},
	{
		name: "caller cancels during the wait after 503",
		happens: func(s *scene) {
			s.answer(unapplied(statusAfter(503, 30)))
			s.after(1, s.cancelSoon)
		},
		wait:    patient / 2,
		outcome: outcome{canceled, 1, 0},
	},
	{
		name: "caller cancels during the wait after 504, which came after the update",
		happens: func(s *scene) {
			s.answer(applied(statusAfter(504, 30)))
			s.after(1, s.cancelSoon)
		},
		wait:    patient / 2,
		outcome: outcome{canceled + unknown, 1, 1},
	},
	{
		name: "caller's deadline passes before the answer to an update",
		happens: func(s *scene) {
			s.toxic("timeout", downstream, "timeout", 0)
			s.deadline(ample)
		},
		outcome: outcome{timeout + unknown, 1, 1},
	},
}

//nolint:paralleltest // one at a time: what leaks is the fault's then
func TestFaults(t *testing.T) {
	table := []string{"fault | caller sees | attempts | applied", "--- | --- | --- | ---"}
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			got := f.strike(t, http1)
			if got != f.outcome {
				t.Errorf("got %+v, want %+v", got, f.outcome)
			}
			table = append(table, fmt.Sprintf("%s | %s | %d | %s",
				f.name, got.sees, got.attempts, []string{"no", "yes", "twice"}[got.applied]))
		})
	}
	if testing.Verbose() {
		_, _ = fmt.Fprintln(t.Output(), strings.Join(table, "\n"))
	}
}

// TestFaultsOverHTTP2 has the same faults strike where handshakes, streams and a gateway change what comes of them. What the
// caller is told must be true all the same.
//
//nolint:paralleltest // as above
func TestFaultsOverHTTP2(t *testing.T) {
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			t.Logf("%+v", f.strike(t, http2))
		})
	}
}

// strike lets f happen to an update and checks that its caller is told the truth, and that nothing leaks.
func (f *fault) strike(t *testing.T, speaks protocol) outcome {
	t.Helper()
	s := newScene(t, f, speaks)
	f.happens(s)
	before := s.session(s.id)

	got, err := s.client.UpdateSession(s.call.in(s.ctx), s.id, s.update)
	s.calm(s.client)

	after := s.session(s.id)
	agree(t, before, after, err)
	if err == nil && !bytes.Equal(encode(t, *got), encode(t, after)) {
		t.Error("the result is not what is stored")
	}
	attempts := len(s.call.statuses)
	if api, ok := errors.AsType[*kodexa.APIError](err); ok && api.Attempts != attempts {
		t.Errorf("APIError.Attempts is %d of %d", api.Attempts, attempts)
	}
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

	client *kodexa.Client
	id     uuid.UUID
	update kodexa.Session
	call   *call
	ctx    context.Context //nolint:containedctx // a fault may end it, or put a deadline on it
	cancel context.CancelFunc
}

func newScene(t *testing.T, f *fault, speaks protocol) *scene {
	t.Helper()
	s := &scene{platform: newPlatform(t, speaks), id: uuid.New(), call: &call{after: map[int]func(){}}}
	wait := cmp.Or(f.wait, brief)
	s.client = s.platform.client(
		kodexa.WithTimeout(cmp.Or(f.timeout, patient)),
		kodexa.WithRetry(kodexa.RetryPolicy{MaxAttempts: maxAttempts, BaseDelay: wait, MaxDelay: wait}),
	)
	s.ctx = t.Context()
	s.deadline(patient)
	s.SetSession(kodexa.Session{ID: new(s.id.String()), State: new(open), ChangeSequence: new(int32(7))})
	s.update = s.session(s.id)
	s.update.State = new(closed)
	if speaks == http2 {
		s.warmUp() // else most faults would strike the handshake
	}
	return s
}

// warmUp leaves a connection in the client's pool.
func (s *scene) warmUp() {
	s.t.Helper()
	stored, err := s.client.UpdateSession(new(call).in(s.ctx), s.id, s.session(s.id))
	if err != nil {
		s.t.Fatal(err)
	}
	s.update.ChangeSequence = stored.ChangeSequence
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
