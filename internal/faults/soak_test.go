package faults_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptrace"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	kodexa "github.com/kodexa-community/kodexa-go"
)

const (
	soakSessions   = 1_000
	soakGoroutines = 256
	faultEvery     = 33    // updates
	maxCalls       = 1_000 // of one update; more would be a livelock
)

// soakSize says how much is done over each protocol.
type soakSize struct {
	updates       int
	modifications int // of TestSoakOfModifySession
	cutAfter      int // bytes of answers on one connection
}

func isLongSoak() bool { return os.Getenv("KODEXA_SOAK") == "1" }

// sizeOfSoak returns the long run if KODEXA_SOAK=1, else the short one. KODEXA_SOAK_UPDATES and KODEXA_SOAK_MODIFICATIONS
// set a number of their own.
func sizeOfSoak(t *testing.T) soakSize {
	t.Helper()
	size := soakSize{updates: 2_000, modifications: 256, cutAfter: 16 << 10}
	if isLongSoak() {
		size = soakSize{updates: 200_000, modifications: 10_000, cutAfter: 256 << 10}
	}
	for name, n := range map[string]*int{"KODEXA_SOAK_UPDATES": &size.updates, "KODEXA_SOAK_MODIFICATIONS": &size.modifications} {
		if text := os.Getenv(name); text != "" {
			var err error
			if *n, err = strconv.Atoi(text); err != nil || *n < 1 {
				t.Fatalf("%s is %q, want a number", name, text)
			}
		}
	}
	return size
}

// soakFaults happen in turn, each to the next request that arrives, whoever sent it.
var soakFaults = []answer{
	applied(reset),
	unapplied(status(503)),
	applied(status(504)),
	unapplied(reset),
	applied(loginPage),
	unapplied(status(429)),
	applied(halfAnAnswer),
	unapplied(status(502)),
}

// TestSoak has many goroutines update sessions through one client while requests fail, and accounts for every update.
//
// An update appends its number to the history of its session, a member that the contract does not name. So what is stored
// in the end tells which updates were applied, how often, and that none was lost to another.
//
//nolint:paralleltest // it measures
func TestSoak(t *testing.T) {
	table := newSoakTable()
	for _, speaks := range protocols {
		t.Run(speaks.testName(), func(t *testing.T) {
			s := newSoak(t, speaks)
			s.run()
			table.add(speaks, s.report())
		})
	}
	table.write(t, "soak")
}

func (s *soak) run() {
	done := make(chan struct{})
	var watch, work sync.WaitGroup
	watch.Go(func() { s.watch(done) })
	for range soakGoroutines {
		work.Go(func() {
			for n := s.begun.Add(1); n <= int64(s.updates); n = s.begun.Add(1) {
				s.update(int(n))
			}
		})
	}
	work.Wait()
	s.took = time.Since(s.start)
	close(done)
	watch.Wait()

	s.calm(s.client)
	s.account()
}

// soak is what the goroutines share.
type soak struct {
	soakSize
	*platform

	client   *kodexa.Client
	sessions []*localCopy
	ctx      context.Context //nolint:containedctx // it counts connections
	start    time.Time
	took     time.Duration

	begun, calls, attempts  atomic.Int64
	ended, faulted          atomic.Int64 // updates
	successes               atomic.Int64 // updates that a call reported as applied
	ownConflicts, ownOthers atomic.Int64 // updates that a call left unknown, and that turned out to be applied
	conflicts               atomic.Int64 // calls that lost to another update
	unexplained             atomic.Int64
	connections, goroutines atomic.Int64
}

func newSoak(t *testing.T, speaks protocol) *soak {
	t.Helper()
	s := &soak{soakSize: sizeOfSoak(t), platform: newPlatform(t, speaks, false), start: time.Now()}
	s.client = s.platform.client(&s.ledger, kodexa.WithRetry(kodexa.RetryPolicy{BaseDelay: time.Millisecond, MaxDelay: 10 * time.Millisecond}))
	s.ctx = httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		ConnectDone: func(_, _ string, err error) {
			if err == nil {
				s.connections.Add(1)
			}
		},
	})
	for range soakSessions {
		session := &localCopy{id: uuid.New()}
		session.stored = kodexa.Session{ID: new(session.id.String()), State: new(open), ChangeSequence: new(int32(0))}
		s.SetSession(session.stored)
		s.sessions = append(s.sessions, session)
	}
	s.toxic("limit_data", downstream, "bytes", s.cutAfter)
	return s
}

// update applies update n to some session, as callers do: anew on what is stored, until it is applied.
func (s *soak) update(n int) {
	if n%faultEvery == 0 {
		s.answer(soakFaults[n/faultEvery%len(soakFaults)])
	}
	session := s.sessions[rand.IntN(len(s.sessions))]
	faulted, unknown := false, false // by any call so far
	defer func() {
		s.ended.Add(1)
		if faulted {
			s.faulted.Add(1)
		}
	}()
	for range maxCalls {
		c := &call{}
		got, err := s.client.UpdateSession(c.in(s.ctx), session.id, session.with(n))
		s.calls.Add(1)
		s.attempts.Add(int64(len(c.statuses)))
		faulted = faulted || isFaulted(c, err)
		unknown = unknown || errors.Is(err, kodexa.ErrOutcomeUnknown)
		if err == nil {
			session.learn(*got)
			session.updates.Add(1)
			s.successes.Add(1)
			return
		}
		stored := s.session(session.id)
		session.learn(stored)
		isApplied := slices.Contains(s.historyOf(stored), n)
		switch {
		case isApplied && !unknown:
			s.wrongf("update %d was applied, and its caller was told that it was not: %v", n, err)
			return
		case isApplied && errors.Is(err, kodexa.ErrConflict):
			session.updates.Add(1)
			s.ownConflicts.Add(1)
			return
		case isApplied:
			session.updates.Add(1)
			s.ownOthers.Add(1)
			return
		case errors.Is(err, kodexa.ErrConflict):
			s.conflicts.Add(1)
		case !isFaulted(c, err):
			s.wrongf("update %d failed without a fault: %v", n, err)
			return
		}
	}
	s.wrongf("update %d was not applied by %d calls", n, maxCalls)
}

// isFaulted reports whether a call met a fault rather than another's update.
func isFaulted(c *call, err error) bool {
	_, broken := errors.AsType[*kodexa.ContractError](err)
	return broken || slices.ContainsFunc(c.statuses, func(status int) bool {
		return status != http.StatusOK && status != http.StatusConflict
	})
}

// wrongf notes something that must not be.
func (s *soak) wrongf(format string, args ...any) {
	s.t.Helper()
	s.unexplained.Add(1)
	s.t.Errorf(format, args...)
}

// account holds what is stored against what the callers were told, session by session and update by update.
func (s *soak) account() {
	seen := make(map[int]bool, s.updates)
	increments := 0
	for _, session := range s.sessions {
		stored := s.session(session.id)
		increments += int(*stored.ChangeSequence)
		history := s.historyOf(stored)
		if told := int(session.updates.Load()); told != int(*stored.ChangeSequence) || told != len(history) {
			s.wrongf("session %s: %d updates by what callers were told, %d by changeSequence, %d by its history",
				session.id, told, *stored.ChangeSequence, len(history))
		}
		for _, n := range history {
			if seen[n] {
				s.wrongf("update %d was applied twice", n)
			}
			seen[n] = true
		}
	}
	if len(seen) != s.updates {
		s.wrongf("%d of %d updates are stored", len(seen), s.updates)
	}
	if told := int(s.successes.Load() + s.ownConflicts.Load() + s.ownOthers.Load()); told != increments {
		s.wrongf("callers were told of %d updates, changeSequence was incremented %d times", told, increments)
	}
}

// watch counts goroutines and prints how far the run is.
func (s *soak) watch(done <-chan struct{}) {
	sample, progress := time.NewTicker(50*time.Millisecond), time.NewTicker(5*time.Second)
	defer sample.Stop()
	defer progress.Stop()
	for {
		select {
		case <-done:
			return
		case <-sample.C:
			s.goroutines.Store(max(s.goroutines.Load(), int64(runtime.NumGoroutine())))
		case <-progress.C:
			s.printf("%6.0fs %7d of %d updates, %d faulted, %d unexplained\n", time.Since(s.start).Seconds(),
				s.ended.Load(), s.updates, s.faulted.Load(), s.unexplained.Load())
		}
	}
}

func (s *soak) report() []soakRow {
	return []soakRow{
		{"updates", s.ended.Load()},
		{"calls", s.calls.Load()},
		{"attempts", s.attempts.Load()},
		{"faulted updates", s.faulted.Load()},
		{"successes", s.successes.Load()},
		{"conflicts explained as own writes", s.ownConflicts.Load()},
		{"other unknown outcomes explained as own writes", s.ownOthers.Load()},
		{"conflicts with others, tried again", s.conflicts.Load()},
		{"unexplained", s.unexplained.Load()},
		{"seconds", int64(s.took.Seconds())},
		{"updates a second", int64(float64(s.ended.Load()) / s.took.Seconds())},
		{"peak goroutines", s.goroutines.Load()},
		{"connections opened", s.connections.Load()},
	}
}

// printf prints if the test is verbose.
func (s *soak) printf(format string, args ...any) {
	if testing.Verbose() {
		_, _ = fmt.Fprintf(s.t.Output(), format, args...)
	}
}

// localCopy is a session as its callers know it.
type localCopy struct {
	id      uuid.UUID
	updates atomic.Int64 // that a call reported as applied, or that turned out to be

	mu     sync.Mutex
	stored kodexa.Session
}

// learn keeps stored unless something newer is known.
func (c *localCopy) learn(stored kodexa.Session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if *stored.ChangeSequence > *c.stored.ChangeSequence {
		c.stored = stored
	}
}

const historyMember = "history"

// with returns the session as it should be after update n.
func (c *localCopy) with(n int) kodexa.Session {
	c.mu.Lock()
	defer c.mu.Unlock()
	next := c.stored
	next.AdditionalProperties = maps.Clone(next.AdditionalProperties)
	if history, ok := next.Get(historyMember); ok {
		next.Set(historyMember, fmt.Appendf(nil, "%s,%d]", history[:len(history)-1], n))
	} else {
		next.Set(historyMember, fmt.Appendf(nil, "[%d]", n))
	}
	return next
}

// historyOf returns the updates that were applied to a session, in order.
func (s *soak) historyOf(stored kodexa.Session) []int {
	s.t.Helper()
	text, ok := stored.Get(historyMember)
	if !ok {
		return nil
	}
	var history []int
	if err := json.Unmarshal(text, &history); err != nil {
		s.wrongf("a history: %v", err)
	}
	return history
}
