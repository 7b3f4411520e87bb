package faults_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	kodexa "github.com/kodexa-community/kodexa-go"
)

const (
	modifiers         = 64
	modificationsEach = 128     // of a session: the next ones are done to another
	resetEvery        = 25      // modifications
	modifyCutAfter    = 1 << 20 // bytes of answers on one connection
)

// modifyFaults happen in turn, each to the next request that arrives, whoever sent it, be it a read or an update.
var modifyFaults = []answer{applied(reset), unapplied(reset)}

// TestSoakOfModifySession has 64 goroutines modify one session, each modification adding a member of its own, while connections are
// reset before and after the write. In the end each member that a caller was told of is stored, and none is that a caller
// was told a known failure of.
//
//nolint:paralleltest // it measures
func TestSoakOfModifySession(t *testing.T) {
	table := newSoakTable()
	for _, speaks := range protocols {
		t.Run(speaks.testName(), func(t *testing.T) {
			m := newModifySoak(t, speaks)
			m.run()
			table.add(speaks, m.report())
		})
	}
	table.write(t, "modify-soak")
}

type modifySoak struct {
	soakSize
	*platform

	client *kodexa.Client
	ids    []uuid.UUID
	errs   []error // what each modification was told; written by the one that makes it
	start  time.Time
	took   time.Duration

	begun, rounds, attempts      atomic.Int64
	successes, conflicts, others int64 // told; others are known failures
	stored, lost, unexplained    int64 // stored, lost: of the unknown outcomes
}

func newModifySoak(t *testing.T, speaks protocol) *modifySoak {
	t.Helper()
	m := &modifySoak{soakSize: sizeOfSoak(t), platform: newPlatform(t, speaks, false), start: time.Now()}
	m.errs = make([]error, m.modifications)
	// All contend for one session, so that most rounds are conflicts.
	m.client = m.platform.client(&m.ledger,
		kodexa.WithRetry(kodexa.RetryPolicy{MaxAttempts: 16, BaseDelay: 4 * time.Millisecond, MaxDelay: 200 * time.Millisecond}))
	for range 1 + (m.modifications-1)/modificationsEach {
		id := uuid.New()
		m.SetSession(kodexa.Session{ID: new(id.String()), State: new(open), ChangeSequence: new(int32(0))})
		m.ids = append(m.ids, id)
	}
	m.toxic("limit_data", downstream, "bytes", modifyCutAfter)
	return m
}

func (m *modifySoak) run() {
	var work sync.WaitGroup
	for range modifiers {
		work.Go(func() {
			for n := int(m.begun.Add(1)); n <= m.modifications; n = int(m.begun.Add(1)) {
				if n%resetEvery == 0 {
					m.answer(modifyFaults[n/resetEvery%len(modifyFaults)])
				}
				m.errs[n-1] = m.modify(n)
			}
		})
	}
	work.Wait()
	m.took = time.Since(m.start)
	m.calm(m.client)
	m.account()
}

func (m *modifySoak) modify(n int) error {
	c := &call{}
	defer func() { m.attempts.Add(int64(len(c.statuses))) }()
	got, err := m.client.ModifySession(c.in(m.t.Context()), m.target(n), func(s *kodexa.Session) error {
		m.rounds.Add(1)
		s.Set(memberOf(n), fmt.Append(nil, n))
		return nil
	})
	if err != nil {
		return err
	}
	if value, ok := got.Get(memberOf(n)); !ok || string(value) != fmt.Sprint(n) {
		m.t.Errorf("modification %d was told of a success, with a session that lacks its member", n)
	}
	return nil
}

func memberOf(n int) string { return fmt.Sprintf("member-%d", n) }

// target returns the session that modification n, counted from 1, is done to.
func (m *modifySoak) target(n int) uuid.UUID { return m.ids[(n-1)/modificationsEach] }

// account holds what is stored against what the callers were told.
func (m *modifySoak) account() {
	m.t.Helper()
	applied := make([]int64, len(m.ids))
	for i, err := range m.errs {
		n := i + 1
		stored := m.session(m.target(n))
		value, ok := stored.Get(memberOf(n))
		isStored := ok && string(value) == fmt.Sprint(n)
		if isStored {
			applied[i/modificationsEach]++
		}
		switch {
		case err == nil:
			m.successes++
			if !isStored {
				m.wrongf("modification %d was told of a success, and is not stored", n)
			}
		case errors.Is(err, kodexa.ErrOutcomeUnknown) && isStored:
			m.stored++
		case errors.Is(err, kodexa.ErrOutcomeUnknown):
			m.lost++
		case isStored:
			m.wrongf("modification %d is stored, and was told that it is not: %v", n, err)
		case errors.Is(err, kodexa.ErrConflict):
			m.conflicts++
		case errors.Is(err, context.Canceled):
			m.wrongf("modification %d: %v", n, err)
		default:
			m.others++
		}
	}
	for i, id := range m.ids {
		if sequence := int64(*m.session(id).ChangeSequence); sequence != applied[i] {
			m.wrongf("session %s was updated %d times, and has %d of the members", id, sequence, applied[i])
		}
	}
}

// wrongf notes something that must not be.
func (m *modifySoak) wrongf(format string, args ...any) {
	m.t.Helper()
	m.unexplained++
	m.t.Errorf(format, args...)
}

func (m *modifySoak) report() []soakRow {
	return []soakRow{
		{"modifications", int64(m.modifications)},
		{"changes made to a session as read", m.rounds.Load()},
		{"attempts", m.attempts.Load()},
		{"successes", m.successes},
		{"conflicts", m.conflicts},
		{"other known failures", m.others},
		{"unknown outcomes, stored", m.stored},
		{"unknown outcomes, not stored", m.lost},
		{"unexplained", m.unexplained},
		{"seconds", int64(m.took.Seconds())},
	}
}
