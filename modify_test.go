package kodexa_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kodexa-community/kodexa-go"
)

// toClosed is the change of most of these tests.
func toClosed(s *kodexa.Session) error {
	s.State = new("CLOSED")
	return nil
}

// counted returns a change that says how often it was run.
func counted(change func(*kodexa.Session) error) (count *int, counting func(*kodexa.Session) error) {
	count = new(int)
	return count, func(s *kodexa.Session) error {
		*count++
		return change(s)
	}
}

func TestModifiedSessionIsStoredWithTheChangeSequenceThatWasRead(t *testing.T) {
	t.Parallel()
	p := newLockingPlatform()
	session, err := p.start(t).ModifySession(t.Context(), acmeID, toClosed)
	if err != nil {
		t.Fatal(err)
	}
	if pages, _ := session.Get("pages"); *session.State != "CLOSED" || *session.ChangeSequence != 8 || string(pages) != "12345678901234567890" {
		t.Errorf("session has state %s, changeSequence %d and pages %s", *session.State, *session.ChangeSequence, pages)
	}
	p.wantRequests(t, 1, 1)
	before, after := newLockingPlatform(), p.sent(http.MethodPut)[0].body
	before.write(`{"state": "CLOSED", "changeSequence": 7}`)
	if want := before.stored(); !sameJSON(t, after, want) {
		t.Errorf("sent was %s, want all that was read but for the state: %s", after, want)
	}
}

func sameJSON(t *testing.T, a, b string) bool {
	t.Helper()
	var values [2]any
	for i, text := range []string{a, b} {
		decoder := json.NewDecoder(strings.NewReader(text))
		decoder.UseNumber()
		if err := decoder.Decode(&values[i]); err != nil {
			t.Fatal(err)
		}
	}
	return reflect.DeepEqual(values[0], values[1])
}

func TestChangeThatChangesNothingSendsNothing(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*kodexa.Session) error{
		"nothing is done":       func(*kodexa.Session) error { return nil },
		"the same value is set": func(s *kodexa.Session) error { s.State = new("PROCESSING"); return nil },
		"an equal raw value is set": func(s *kodexa.Session) error {
			(*s.Organization.Properties)["region"] = json.RawMessage(" \"eu\\u002dcentral-1\"\n")
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newLockingPlatform()
			session, err := p.start(t).ModifySession(t.Context(), acmeID, change)
			if err != nil || *session.State != "PROCESSING" || *session.ChangeSequence != 7 {
				t.Errorf("session is %v, error %v", session, err)
			}
			p.wantRequests(t, 1, 0)
		})
	}
}

func TestErrorOfChangeIsReturnedAndNothingIsSent(t *testing.T) {
	t.Parallel()
	full := errors.New("the archive is full")
	others := &kodexa.CallError{Method: http.MethodPut, Path: "/api/other", OutcomeUnknown: true, Err: full}
	for name, failure := range map[string]error{
		"plain": full, "wrapped": fmt.Errorf("closing: %w", full), "a conflict": errors.Join(kodexa.ErrConflict, full), "another call's": others,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newLockingPlatform()
			runs, change := counted(func(s *kodexa.Session) error {
				s.State = new("CLOSED")
				return failure
			})
			session, err := p.start(t).ModifySession(t.Context(), acmeID, change)
			e, ok := err.(*kodexa.CallError)
			if !ok || session != nil || !errors.Is(err, full) || e.Err != failure || e.OutcomeUnknown || e.Attempts != 0 {
				t.Errorf("session is %v, error %#v %v", session, err, err)
			} else if e.Operation != "updateSession" || e.Method != http.MethodPut || e.Path != "/api/sessions/"+acmeID.String() {
				t.Errorf("error is of %s, %s %s", e.Operation, e.Method, e.Path)
			}
			if *runs != 1 {
				t.Errorf("change ran %d times", *runs)
			}
			p.wantRequests(t, 1, 0)
		})
	}
}

func TestChangeRunsAgainOnTheSessionThatAnotherWriterStored(t *testing.T) {
	t.Parallel()
	p := newLockingPlatform()
	p.onPut(p.before(`{"token": "st_other"}`, p.update), p.before(`{"pages": 2}`, p.update))
	runs, change := counted(toClosed)
	session, err := p.start(t).ModifySession(t.Context(), acmeID, change)
	if err != nil {
		t.Fatal(err)
	}
	if pages, _ := session.Get("pages"); *session.State != "CLOSED" || *session.Token != "st_other" || string(pages) != "2" || *session.ChangeSequence != 10 {
		t.Errorf("stored is %s", p.stored())
	}
	if *runs != 3 {
		t.Errorf("change ran %d times, want 3", *runs)
	}
	p.wantRequests(t, 3, 3)
}

func TestChangeThatFailsOnItsSecondRunLeavesNothing(t *testing.T) {
	t.Parallel()
	p := newLockingPlatform()
	p.onPut(p.before(`{"state": "ARCHIVED"}`, p.update))
	archived := errors.New("the session is archived")
	_, err := p.start(t).ModifySession(t.Context(), acmeID, func(s *kodexa.Session) error {
		if *s.State == "ARCHIVED" {
			return archived
		}
		return toClosed(s)
	})
	if e := wantCallError(t, err, "updateSession", false); e.Err != archived || errors.Is(err, kodexa.ErrConflict) {
		t.Errorf("error is %v", err)
	}
	p.wantRequests(t, 2, 1)
}

func TestWithoutRetriesAConflictIsReturnedAtOnce(t *testing.T) {
	t.Parallel()
	p := newLockingPlatform()
	p.onPut(p.before(`{"token": "st_other"}`, p.update))
	runs, change := counted(toClosed)
	_, err := p.start(t, kodexa.WithRetry(kodexa.RetryPolicy{MaxAttempts: 1})).ModifySession(t.Context(), acmeID, change)
	if wantCallError(t, err, "updateSession", false); !errors.Is(err, kodexa.ErrConflict) || *runs != 1 {
		t.Errorf("change ran %d times, error is %v", *runs, err)
	}
	p.wantRequests(t, 1, 1)
}

func TestFailedReadAndRefusedUpdateEndTheModification(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		prepare    func(p *lockingPlatform)
		operation  string
		want       error
		gets, puts int
	}{
		"no such session": {
			func(p *lockingPlatform) { p.write("null") }, "getSession", kodexa.ErrNotFound, 1, 0,
		},
		"reading fails": {
			func(p *lockingPlatform) { p.onGet(answerStatus(http.StatusInternalServerError)) }, "getSession", nil, 1, 0,
		},
		"another session is read": {
			func(p *lockingPlatform) { p.onGet(answerJSON(`{"id": "` + otherID.String() + `"}`)) }, "getSession", nil, 1, 0,
		},
		"the update is forbidden": {
			func(p *lockingPlatform) { p.onPut(answerStatus(http.StatusForbidden)) }, "updateSession", kodexa.ErrForbidden, 1, 1,
		},
		"deleted before the update": {
			func(p *lockingPlatform) { p.onPut(answerStatus(http.StatusNotFound)) }, "updateSession", kodexa.ErrNotFound, 1, 1,
		},
		"deleted after a conflict": {
			func(p *lockingPlatform) { p.onPut(p.before("null", answerStatus(http.StatusConflict))) }, "getSession", kodexa.ErrNotFound, 2, 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newLockingPlatform()
			test.prepare(p)
			session, err := p.start(t).ModifySession(t.Context(), acmeID, toClosed)
			if wantCallError(t, err, test.operation, false); session != nil || test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("session is %v, error %v", session, err)
			}
			p.wantRequests(t, test.gets, test.puts)
		})
	}
}

func TestPanicOfChangeReachesTheCallerAndNothingIsSent(t *testing.T) {
	t.Parallel()
	p := newLockingPlatform()
	client := p.start(t)
	func() {
		defer func() {
			if got := recover(); got != "no state" {
				t.Errorf("recovered %v", got)
			}
		}()
		_, _ = client.ModifySession(t.Context(), acmeID, func(*kodexa.Session) error { panic("no state") })
	}()
	p.wantRequests(t, 1, 0)
	if _, err := client.ModifySession(t.Context(), acmeID, toClosed); err != nil {
		t.Errorf("the client after that: %v", err)
	}
}

func TestChangeOfWhatSaysWhichSessionItIsIsRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change  func(*kodexa.Session)
		pointer string
	}{
		"another id":                   {func(s *kodexa.Session) { s.ID = new(otherID.String()) }, "/id"},
		"the same id in another form":  {func(s *kodexa.Session) { s.ID = new(strings.ToUpper(*s.ID)) }, "/id"},
		"no id":                        {func(s *kodexa.Session) { s.ID = nil }, "/id"},
		"another uuid":                 {func(s *kodexa.Session) { s.UUID = new("9d1c5b3a0e2f4c6d8b7a5f4e3d2c1b0a") }, "/uuid"},
		"no uuid":                      {func(s *kodexa.Session) { s.UUID = nil }, "/uuid"},
		"a later changeSequence":       {func(s *kodexa.Session) { *s.ChangeSequence++ }, "/changeSequence"},
		"no changeSequence":            {func(s *kodexa.Session) { s.ChangeSequence = nil }, "/changeSequence"},
		"another session in its place": {func(s *kodexa.Session) { *s = kodexa.Session{ID: s.ID, UUID: s.UUID} }, "/changeSequence"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newLockingPlatform()
			session, err := p.start(t).ModifySession(t.Context(), acmeID, func(s *kodexa.Session) error {
				test.change(s)
				return toClosed(s)
			})
			if e := wantCallError(t, err, "updateSession", false); session != nil || e.Attempts != 0 {
				t.Errorf("session is %v, error %v after %d attempts", session, err, e.Attempts)
			}
			wantBroken(t, err, kodexa.InRequest, test.pointer)
			p.wantRequests(t, 1, 0)
		})
	}
}

func TestSessionThatCannotBeLockedIsNotChanged(t *testing.T) {
	t.Parallel()
	p := newLockingPlatform()
	p.write(`{"changeSequence": null}`)
	runs, change := counted(toClosed)
	_, err := p.start(t).ModifySession(t.Context(), acmeID, change)
	if wantCallError(t, err, "updateSession", false); *runs != 0 {
		t.Errorf("change ran %d times", *runs)
	}
	wantBroken(t, err, kodexa.InRequest, "/changeSequence")
	p.wantRequests(t, 1, 0)
}

func TestChangeThatBreaksTheContractIsNotSent(t *testing.T) {
	t.Parallel()
	p := newLockingPlatform()
	client := p.start(t)
	_, err := client.ModifySession(t.Context(), acmeID, func(s *kodexa.Session) error {
		s.Set("State", json.RawMessage(`"st_secret"`))
		return nil
	})
	wantCallError(t, err, "updateSession", false)
	wantBroken(t, err, kodexa.InRequest, "/State")

	for name, test := range map[string]struct {
		change func(*kodexa.Session)
		text   string // in the error
	}{
		"a raw value that is not JSON":   {func(s *kodexa.Session) { s.Set("pages", json.RawMessage(`st_secret`)) }, "the raw value is not JSON"},
		"a member of the contract":       {func(s *kodexa.Session) { s.Set("state", json.RawMessage(`"st_secret"`)) }, "the contract names"},
		"a string that is not UTF-8":     {func(s *kodexa.Session) { s.State = new("st_secret\xff") }, "/state"},
		"a year that no date-time has":   {func(s *kodexa.Session) { s.UpdatedOn = new(time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)) }, "year outside of"},
		"a raw value that repeats names": {func(s *kodexa.Session) { s.Set("pages", json.RawMessage(`{"a":"st_secret","a":1}`)) }, "/pages"},
	} {
		session, err := client.ModifySession(t.Context(), acmeID, func(s *kodexa.Session) error { test.change(s); return nil })
		wantCallError(t, err, "updateSession", false)
		if text := err.Error(); session != nil || strings.Contains(text, "st_secret") || !strings.Contains(text, test.text) {
			t.Errorf("%s: session is %v, error %v", name, session, err)
		}
	}
	p.wantRequests(t, 6, 0)
}

func TestNothingIsStoredOverAReadThatReportOnlyLeftAMemberOutOf(t *testing.T) {
	t.Parallel()
	for name, member := range map[string]string{
		"a date-time without a zone": `"updatedOn": "2024-03-15T10:20:30"`,
		"null":                       `"state": null`,
		"another type":               `"organization": {"name": 5}`,
		"a repeated member":          `"pages": 1, "pages": 2`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var reports atomic.Int32
			p := newLockingPlatform()
			p.onGet(answerJSON(`{"changeSequence": 7, "id": "` + acmeID.String() + `", ` + member + `}`))
			client := p.start(t, kodexa.WithReportOnly(func(context.Context, *kodexa.CallError) { reports.Add(1) }))
			runs, change := counted(toClosed)
			session, err := client.ModifySession(t.Context(), acmeID, change)
			e, ok := errors.AsType[*kodexa.ContractError](err)
			if wantCallError(t, err, "getSession", false); session != nil || !ok || e.In != kodexa.InResponse || *runs != 0 || reports.Load() != 1 {
				t.Errorf("change ran %d times, %d reports, session is %v, error %v", *runs, reports.Load(), session, err)
			}
			p.wantRequests(t, 1, 0)

			p.onGet()
			if session, err := client.ModifySession(t.Context(), acmeID, toClosed); err != nil || *session.State != "CLOSED" {
				t.Errorf("of a read that keeps the contract: session is %v, error %v", session, err)
			}
		})
	}
}

func TestChangeMayKeepItsSession(t *testing.T) {
	t.Parallel()
	var kept *kodexa.Session
	spoil := func() {
		*kept.State, kept.Organization = "SPOILT", nil
		kept.Set("pages", json.RawMessage("0"))
	}
	keeping := func(s *kodexa.Session) error {
		kept = s
		return toClosed(s)
	}
	p := newLockingPlatform()
	p.onPut(func(w http.ResponseWriter, _ []byte) {
		spoil()
		w.WriteHeader(http.StatusInternalServerError)
	})
	client := p.direct(t)
	if _, err := client.ModifySession(t.Context(), acmeID, keeping); err != nil {
		t.Fatal(err)
	}
	if puts := p.sent(http.MethodPut); len(puts) != 2 || puts[0].body != puts[1].body {
		t.Errorf("sent was %v, want the same twice", puts)
	}
	session, err := client.ModifySession(t.Context(), acmeID, keeping) // which changes nothing
	if err != nil {
		t.Fatal(err)
	}
	spoil()
	if pages, _ := session.Get("pages"); *session.State != "CLOSED" || session.Organization == nil || string(pages) != "12345678901234567890" {
		t.Error("what change kept is in the session that was returned")
	}
}

func TestNilChangeIsAnError(t *testing.T) {
	t.Parallel()
	p := newLockingPlatform()
	session, err := p.start(t).ModifySession(t.Context(), acmeID, nil)
	if wantCallError(t, err, "updateSession", false); session != nil || !strings.Contains(err.Error(), "change is nil") {
		t.Errorf("session is %v, error %v", session, err)
	}
	p.wantRequests(t, 0, 0)
}

func TestRequestEditorsRunForEachRequestOfAModification(t *testing.T) {
	t.Parallel()
	p := newLockingPlatform()
	p.onPut(answerStatus(http.StatusConflict), p.loses)
	var seen []string
	_, err := p.start(t).ModifySession(t.Context(), acmeID, toClosed, func(_ context.Context, r *http.Request) error {
		seen = append(seen, r.Method)
		return nil
	})
	if got := strings.Join(seen, " "); err != nil || got != "GET PUT GET PUT GET" {
		t.Errorf("the editor saw %s, error %v", got, err)
	}
}

// TestContextThatEndsWithinAModification ends it in each of its phases.
func TestContextThatEndsWithinAModification(t *testing.T) {
	t.Parallel()
	fails := answerStatus(http.StatusInternalServerError)
	for name, test := range map[string]struct {
		prepare    func(p *lockingPlatform, end func(platformReply) platformReply)
		operation  string
		isUnknown  bool
		gets, puts int
	}{
		"before it is read": {nil, "getSession", false, 0, 0},
		"while it is read": {
			func(p *lockingPlatform, end func(platformReply) platformReply) { p.onGet(end(p.read)) }, "getSession", false, 1, 0,
		},
		"while it is changed": {
			func(*lockingPlatform, func(platformReply) platformReply) {}, "updateSession", false, 1, 0,
		},
		"while it is stored": {
			func(p *lockingPlatform, end func(platformReply) platformReply) { p.onPut(end(p.update)) }, "updateSession", true, 1, 1,
		},
		"in the wait after a conflict": {
			func(p *lockingPlatform, end func(platformReply) platformReply) {
				p.onPut(later(end, answerStatus(http.StatusConflict)))
			}, "updateSession", false, 1, 1,
		},
		"while it is read after a conflict": {
			func(p *lockingPlatform, end func(platformReply) platformReply) {
				p.onPut(answerStatus(http.StatusConflict))
				p.onGet(p.read, end(p.read))
			}, "getSession", false, 2, 1,
		},
		"while it is read to settle": {
			func(p *lockingPlatform, end func(platformReply) platformReply) {
				p.onPut(p.loses)
				p.onGet(p.read, end(p.read))
			},
			"updateSession", true, 2, 1,
		},
		"in the wait before it is sent again": {
			func(p *lockingPlatform, end func(platformReply) platformReply) { p.onPut(later(end, fails)) }, "updateSession", true, 2, 1,
		},
		"while it is sent again": {
			func(p *lockingPlatform, end func(platformReply) platformReply) { p.onPut(fails, end(p.update)) }, "updateSession", true, 2, 2,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				cause := errors.New("the other call failed")
				ctx, cancel := context.WithCancelCause(t.Context())
				p := newLockingPlatform()
				change := toClosed
				switch {
				case test.prepare == nil:
					cancel(cause)
				case name == "while it is changed":
					change = func(s *kodexa.Session) error {
						cancel(cause)
						return toClosed(s)
					}
				default:
					test.prepare(p, func(reply platformReply) platformReply {
						return func(w http.ResponseWriter, body []byte) {
							reply(w, body)
							cancel(cause)
						}
					})
				}
				policy := kodexa.RetryPolicy{BaseDelay: 1e6 * time.Hour}
				if !strings.Contains(name, "wait") {
					policy.BaseDelay = time.Second
				}
				start := time.Now()
				session, err := p.direct(t, kodexa.WithRetry(policy)).ModifySession(ctx, acmeID, change)
				wantCallError(t, err, test.operation, test.isUnknown)
				if session != nil || !errors.Is(err, context.Canceled) || errors.Is(err, cause) || errors.Is(err, kodexa.ErrConflict) {
					t.Errorf("session is %v, error %v", session, err)
				}
				if took := time.Since(start); took > 10*time.Second {
					t.Errorf("it took %v", took)
				}
				p.wantRequests(t, test.gets, test.puts)
			})
		})
	}
}

// later ends the context a second after the reply.
func later(end func(platformReply) platformReply, reply platformReply) platformReply {
	return func(w http.ResponseWriter, body []byte) {
		reply(w, body)
		time.AfterFunc(time.Second, func() { end(func(http.ResponseWriter, []byte) {})(nil, nil) })
	}
}

func TestWaitOfAModificationThatWouldOutliveTheContextIsNotBegun(t *testing.T) {
	t.Parallel()
	for status, isUnknown := range map[int]bool{http.StatusConflict: false, http.StatusInternalServerError: true} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				p := newLockingPlatform()
				p.onPut(answerStatus(status))
				start := time.Now()
				_, err := p.direct(t, kodexa.WithRetry(kodexa.RetryPolicy{BaseDelay: 1e6 * time.Hour})).ModifySession(ctx, acmeID, toClosed)
				wantCallError(t, err, "updateSession", isUnknown)
				if api, ok := errors.AsType[*kodexa.APIError](err); !ok || api.StatusCode != status || time.Since(start) != 0 {
					t.Errorf("error is %v after %v", err, time.Since(start))
				}
			})
		})
	}
}
