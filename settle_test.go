package kodexa_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kodexa-community/kodexa-go"
)

// TestChangeRunsInRoundsOfTheRetryPolicy has each of them meet a conflict, and an update that is lost unapplied.
func TestChangeRunsInRoundsOfTheRetryPolicy(t *testing.T) {
	t.Parallel()
	for status, isUnknown := range map[int]bool{http.StatusConflict: false, http.StatusPreconditionFailed: false, http.StatusInternalServerError: true} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var longest [3]time.Duration
				for range 60 {
					p := newLockingPlatform()
					reply := answerStatus(status)
					p.onPut(reply, reply, reply, reply, reply)
					policy := kodexa.RetryPolicy{MaxAttempts: 4, BaseDelay: time.Second, MaxDelay: 3 * time.Second}
					runs, change := counted(toClosed)
					session, err := p.direct(t, kodexa.WithRetry(policy)).ModifySession(t.Context(), acmeID, change)
					wantCallError(t, err, "updateSession", isUnknown)
					if session != nil || !isUnknown && !errors.Is(err, kodexa.ErrConflict) {
						t.Fatalf("session is %v, error %v", session, err)
					}
					if want := map[bool]int{false: 4, true: 1}[isUnknown]; *runs != want {
						t.Fatalf("change ran %d times, want %d", *runs, want)
					}
					p.wantRequests(t, map[bool]int{false: 4, true: 5}[isUnknown], 4)
					for i, sent := range p.sent(http.MethodPut)[1:] {
						longest[i] = max(longest[i], sent.at.Sub(p.sent(http.MethodPut)[i].at))
					}
				}
				for i, bound := range []time.Duration{time.Second, 2 * time.Second, 3 * time.Second} {
					if longest[i] > bound || longest[i] <= bound-time.Second {
						t.Errorf("wait %d took up to %v, want random ones of up to %v", i+1, longest[i], bound)
					}
				}
			})
		})
	}
}

// TestUnknownOutcomeIsSettledByReading has a 500 for the unknown outcome: it is not sent again by itself.
func TestUnknownOutcomeIsSettledByReading(t *testing.T) {
	t.Parallel()
	fails := answerStatus(http.StatusInternalServerError)
	conflicts := answerStatus(http.StatusConflict)
	for name, test := range map[string]struct {
		prepare     func(p *lockingPlatform)
		maxAttempts int // default 4
		gets, puts  int
		runs        int   // default 1
		unknown     bool  // else success
		also        error // what errors.Is finds too
		state       string
		text        string // in the error
	}{
		"applied": {
			prepare: func(p *lockingPlatform) { p.onPut(p.loses) },
			gets:    2, puts: 1,
		},
		"applied, and the connection was reset": {
			prepare: func(p *lockingPlatform) {
				p.onPut(func(w http.ResponseWriter, body []byte) { p.apply(body); reset(w, body) })
			},
			gets: 2, puts: 2, // the second is the retry's, and meets the update of the first
		},
		"applied, and the answer breaks the contract": {
			prepare: func(p *lockingPlatform) {
				p.onPut(func(w http.ResponseWriter, body []byte) { p.apply(body); answerJSON("<html>")(w, body) })
			},
			gets: 2, puts: 1,
		},
		"applied, and the answer is about another session": {
			prepare: func(p *lockingPlatform) {
				p.onPut(func(w http.ResponseWriter, body []byte) {
					p.apply(body)
					answerJSON(`{"id": "`+otherID.String()+`"}`)(w, body)
				})
			},
			gets: 2, puts: 1,
		},
		"applied, and then another member changed by another writer": {
			prepare: func(p *lockingPlatform) { p.onPut(p.after(`{"token": "st_other"}`, p.loses)) },
			gets:    2, puts: 1,
		},
		"applied, and then overwritten": {
			prepare: func(p *lockingPlatform) { p.onPut(p.after(`{"state": "ARCHIVED"}`, p.loses)) },
			gets:    2, puts: 1, unknown: true, text: "changeSequence was 7 and is 9", state: "ARCHIVED",
		},
		"not applied": {
			prepare: func(p *lockingPlatform) { p.onPut(fails, fails) },
			gets:    3, puts: 3,
		},
		"not applied, and another writer came": {
			prepare: func(p *lockingPlatform) { p.onPut(p.after(`{"token": "st_other"}`, fails)) },
			gets:    2, puts: 1, unknown: true, state: "PROCESSING",
		},
		"not applied, and another writer stored the same value": {
			prepare: func(p *lockingPlatform) { p.onPut(p.after(`{"state": "CLOSED"}`, fails)) },
			gets:    2, puts: 1,
		},
		"not applied, and another writer came before it was sent again": {
			prepare: func(p *lockingPlatform) { p.onPut(fails, p.before(`{"token": "st_other"}`, p.update)) },
			gets:    3, puts: 2, unknown: true, state: "PROCESSING",
		},
		"applied late, so that sending it again conflicts with itself": {
			prepare: func(p *lockingPlatform) {
				p.onPut(fails, func(w http.ResponseWriter, body []byte) { p.apply(body); p.update(w, body) })
			},
			gets: 3, puts: 2,
		},
		"applied by the second sending, which is lost": {
			prepare: func(p *lockingPlatform) { p.onPut(fails, p.loses) },
			gets:    3, puts: 2,
		},
		"after conflicts, applied": {
			prepare: func(p *lockingPlatform) { p.onPut(conflicts, conflicts, p.loses) },
			gets:    4, puts: 3, runs: 3,
		},
		"after conflicts, not applied in the last round": {
			prepare: func(p *lockingPlatform) { p.onPut(conflicts, conflicts, conflicts, fails) },
			gets:    5, puts: 4, runs: 4, unknown: true, state: "PROCESSING",
		},
		"a conflict that the changeSequence does not show": {
			prepare: func(p *lockingPlatform) { p.onPut(fails, conflicts, conflicts, conflicts, conflicts) },
			gets:    5, puts: 4, unknown: true, text: "changeSequence is still 7", state: "PROCESSING",
		},
		"a changeSequence that never moves": {
			prepare: func(p *lockingPlatform) {
				p.onPut(p.after(`{"state": "CLOSED", "changeSequence": 7}`, fails), fails, fails, fails, fails)
			},
			gets: 5, puts: 4, unknown: true, text: "changeSequence is still 7", state: "CLOSED",
		},
		"a changeSequence that goes back": {
			prepare: func(p *lockingPlatform) { p.onPut(p.after(`{"state": "CLOSED", "changeSequence": 6}`, fails)) },
			gets:    2, puts: 1, unknown: true, text: "changeSequence was 7 and is 6", state: "CLOSED",
		},
		"a changeSequence that is gone": {
			prepare: func(p *lockingPlatform) { p.onPut(p.after(`{"state": "CLOSED", "changeSequence": null}`, fails)) },
			gets:    2, puts: 1, unknown: true, text: "can't be locked", state: "CLOSED",
		},
		"deleted since": {
			prepare: func(p *lockingPlatform) { p.onPut(p.after("null", p.loses)) },
			gets:    2, puts: 1, unknown: true, also: kodexa.ErrNotFound,
		},
		"the read that should settle it is refused": {
			prepare: func(p *lockingPlatform) { p.onPut(p.loses); p.onGet(p.read, answerStatus(http.StatusUnauthorized)) },
			gets:    2, puts: 1, unknown: true, also: kodexa.ErrUnauthorized, state: "CLOSED",
		},
		"the read that should settle it is about another session": {
			prepare: func(p *lockingPlatform) {
				p.onPut(p.loses)
				p.onGet(p.read, answerJSON(`{"id": "`+otherID.String()+`"}`))
			},
			gets: 2, puts: 1, unknown: true, text: "at /id", state: "CLOSED",
		},
		"sending it again is refused": {
			prepare: func(p *lockingPlatform) { p.onPut(fails, answerStatus(http.StatusForbidden)) },
			gets:    2, puts: 2, unknown: true, also: kodexa.ErrForbidden, state: "PROCESSING",
		},
		"without retries, applied": {
			prepare: func(p *lockingPlatform) { p.onPut(p.loses) }, maxAttempts: 1,
			gets: 2, puts: 1,
		},
		"without retries, not applied": {
			prepare: func(p *lockingPlatform) { p.onPut(fails) }, maxAttempts: 1,
			gets: 2, puts: 1, unknown: true, text: "changeSequence is still 7", state: "PROCESSING",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newLockingPlatform()
			test.prepare(p)
			policy := kodexa.RetryPolicy{MaxAttempts: test.maxAttempts, BaseDelay: time.Microsecond}
			runs, change := counted(toClosed)
			session, err := p.start(t, kodexa.WithRetry(policy)).ModifySession(t.Context(), acmeID, change)
			if want := max(test.runs, 1); *runs != want {
				t.Errorf("change ran %d times, want %d", *runs, want)
			}
			p.wantRequests(t, test.gets, test.puts)
			if puts := p.sent(http.MethodPut); test.runs == 0 {
				for _, again := range puts {
					if again.body != puts[0].body {
						t.Errorf("sent again was %s, before %s", again.body, puts[0].body)
					}
				}
			}
			stored := p.stored()
			if !test.unknown {
				if err != nil || *session.State != "CLOSED" {
					t.Fatalf("session is %v, error %v", session, err)
				}
				text, err := json.Marshal(session)
				if err != nil || !sameJSON(t, string(text), stored) {
					t.Errorf("returned is %s, error %v, stored %s", text, err, stored)
				}
				return
			}
			wantCallError(t, err, "updateSession", true)
			if api, ok := errors.AsType[*kodexa.APIError](err); !ok || api.StatusCode != http.StatusInternalServerError {
				t.Errorf("error is %v, want the first one with an unknown outcome", err)
			}
			if session != nil || test.also != nil && !errors.Is(err, test.also) || !strings.Contains(err.Error(), test.text) {
				t.Errorf("session is %v, error %v", session, err)
			}
			if test.state != "" && !strings.Contains(stored, `"state":"`+test.state+`"`) {
				t.Errorf("stored is %s", stored)
			}
		})
	}
}

func TestPlatformThatWritesAValueInAnotherWayIsUnderstoodUnlessThatIsWhatWasChanged(t *testing.T) {
	t.Parallel()
	naming := func(s *kodexa.Session) error {
		s.Organization.Slug = new("Acme-Corp-2")
		return nil
	}
	for name, test := range map[string]struct {
		change    func(*kodexa.Session) error
		isUnknown bool
	}{"a change of state": {toClosed, false}, "a change of the slug": {naming, true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newLockingPlatform()
			p.write(`{"organization": {"slug": "ACME"}, "changeSequence": 7}`)
			p.normalise = strings.NewReplacer("ACME", "acme", "Acme-Corp-2", "acme-corp-2").Replace
			p.onPut(p.loses)
			session, err := p.start(t).ModifySession(t.Context(), acmeID, test.change)
			if test.isUnknown {
				wantCallError(t, err, "updateSession", true)
			} else if err != nil || *session.State != "CLOSED" || *session.Organization.Slug != "acme" {
				t.Errorf("session is %v, error %v", session, err)
			}
			p.wantRequests(t, 2, 1)
		})
	}
}

func TestReadThatReportOnlyLeftAMemberOutOfSettlesNothing(t *testing.T) {
	t.Parallel()
	p := newLockingPlatform()
	p.write(`{"updatedOn": "2024-03-15T10:20:30Z", "changeSequence": 7}`)
	p.onPut(p.after(`{"updatedOn": "2024-03-15T10:20:30"}`, answerStatus(http.StatusInternalServerError)))
	client := p.start(t, kodexa.WithReportOnly(func(context.Context, *kodexa.CallError) {}))
	session, err := client.ModifySession(t.Context(), acmeID, func(s *kodexa.Session) error {
		s.UpdatedOn = nil // which looks as if it had been done
		return nil
	})
	wantCallError(t, err, "updateSession", true)
	if _, ok := errors.AsType[*kodexa.ContractError](err); !ok || session != nil {
		t.Errorf("session is %v, error %v", session, err)
	}
	p.wantRequests(t, 2, 1)
}

// TestModificationsOfManyAtOnce has 64 goroutines add a member each, while connections are reset before and after an update
// is applied.
func TestModificationsOfManyAtOnce(t *testing.T) {
	t.Parallel()
	const writers = 64
	p := newLockingPlatform()
	var updates atomic.Int32
	lossy := func(w http.ResponseWriter, body []byte) {
		switch updates.Add(1) % 40 {
		case 10:
			reset(w, body)
		case 30:
			p.apply(body)
			reset(w, body)
		}
		p.update(w, body)
	}
	for range 50_000 { // more than there will be
		p.next[http.MethodPut] = append(p.next[http.MethodPut], lossy)
	}
	client := p.start(t, kodexa.WithRetry(kodexa.RetryPolicy{MaxAttempts: 6, BaseDelay: time.Millisecond, MaxDelay: 50 * time.Millisecond}))
	errs := make([]error, writers)
	var group sync.WaitGroup
	for i := range writers {
		group.Go(func() {
			_, errs[i] = client.ModifySession(t.Context(), acmeID, func(s *kodexa.Session) error {
				s.Set(fmt.Sprintf("writer %d", i), json.RawMessage("true"))
				return nil
			})
		})
	}
	group.Wait()
	stored, told := p.stored(), map[string]int{}
	for i, err := range errs {
		isStored := strings.Contains(stored, fmt.Sprintf(`"writer %d":true`, i))
		switch {
		case err == nil:
			told["success"]++
			if !isStored {
				t.Errorf("writer %d was told success, and its member is not stored", i)
			}
		case errors.Is(err, kodexa.ErrOutcomeUnknown):
			told["unknown"]++
		default:
			told["failure"]++
			if isStored || !errors.Is(err, kodexa.ErrConflict) {
				t.Errorf("writer %d was told %v; its member is stored: %v", i, err, isStored)
			}
		}
	}
	if told["success"] < writers/8 {
		t.Errorf("told were %v", told)
	}
	t.Logf("told were %v in %d updates", told, updates.Load())
}

// TestSettlingWaitsAsLongAsItIsAskedTo has an answer of unknown outcome that asks for more time than MaxDelay.
func TestSettlingWaitsAsLongAsItIsAskedTo(t *testing.T) {
	t.Parallel()
	p := newLockingPlatform()
	p.onPut(func(w http.ResponseWriter, _ []byte) {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	_, change := counted(toClosed)
	_, err := p.start(t).ModifySession(t.Context(), acmeID, change)
	wantCallError(t, err, "updateSession", true)
	p.wantRequests(t, 2, 1)
}
