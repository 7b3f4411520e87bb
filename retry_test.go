package kodexa_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	kodexa "github.com/kodexa-community/kodexa-go"
)

func TestStatusesThatAreSentAgain(t *testing.T) {
	t.Parallel()
	again := []int{408, 425, 429, 502, 503, 504, 520, 521, 522, 523, 524}
	for method, send := range methods {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for status := 100; status < 1000; status++ {
					s := &script{reactions: []reaction{answers(status)}}
					got := send(t.Context(), newClient(t, s, threeTimes))
					want := 1
					if slices.Contains(again, status) {
						want = 3
					}
					if len(s.sent) != want || got.attempts() != want {
						t.Errorf("%d: sent %d times, want %d: %v", status, len(s.sent), want, got.err)
					}
					_, isAPI := errors.AsType[*kodexa.APIError](got.err)
					if isAPI == (status/100 == 2) || got.status() != status || got.session != nil {
						t.Errorf("%d: got %v, %v", status, got.session, got.err)
					}
				}
			})
		})
	}
}

func TestAttemptsEndWithTheFirstAnswerToKeep(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		reactions []reaction
		status    int // 0: success
		sent      int
	}{
		{"at once", []reaction{succeeds, answers(500)}, 0, 1},
		{"after failures", []reaction{fails(errReset, wrote), fails(errRefused), succeeds}, 0, 3},
		{"after answers", []reaction{answers(503), answers(429), answers(404)}, 404, 3},
		{"after a failure and an answer", []reaction{fails(errReset), answers(502), answers(409)}, 409, 3},
		{"the last of many", []reaction{answers(502), answers(429), answers(503), succeeds}, 503, 3},
		{"a success that breaks the contract", []reaction{answers(503), answers(200), succeeds}, 200, 2},
		{"a success that is cut", []reaction{answersBody(cut(`{`), 200, "Content-Type", "application/json"), succeeds}, 200, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &script{reactions: test.reactions}
				got := call(t.Context(), t, s, threeTimes)
				if (got.err == nil) != (test.status == 0) || got.status() != test.status || len(s.sent) != test.sent {
					t.Errorf("got %v, %v after %d attempts", got.session, got.err, len(s.sent))
				}
			})
		})
	}

	t.Run("no answer after an answer", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := &script{reactions: []reaction{answers(503), answers(503), fails(errRefused)}}
			if got := call(t.Context(), t, s, threeTimes); got.session != nil || !errors.Is(got.err, errRefused) {
				t.Errorf("got %v, %v", got.session, got.err)
			}
		})
	})
}

func TestMaxAttemptsOneTurnsRetriesOff(t *testing.T) {
	t.Parallel()
	for name, react := range map[string]reaction{"answer": answers(503, "Retry-After", "1"), "failure": fails(errReset)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &script{reactions: []reaction{react}}
				if got := call(t.Context(), t, s, kodexa.WithRetry(kodexa.RetryPolicy{MaxAttempts: 1})); len(s.sent) != 1 || got.took != 0 {
					t.Errorf("sent %d times in %v", len(s.sent), got.took)
				}
			})
		})
	}
}

func TestRetryPolicyDefaults(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]kodexa.Option{
		"no policy":   nil,
		"zero policy": {kodexa.WithRetry(kodexa.RetryPolicy{})},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				longest := make([]time.Duration, 3)
				for range 200 {
					s := &script{reactions: []reaction{fails(errReset)}}
					call(t.Context(), t, s, opts...)
					if len(s.sent) != 4 {
						t.Fatalf("sent %d times", len(s.sent))
					}
					for i, wait := range s.waits() {
						longest[i] = max(longest[i], wait)
					}
				}
				for i, bound := range []time.Duration{250 * time.Millisecond, 500 * time.Millisecond, time.Second} {
					if longest[i] > bound || longest[i] < bound/2 {
						t.Errorf("the longest wait %d of many is %v", i+1, longest[i])
					}
				}
				s := &script{reactions: []reaction{answers(503, "Retry-After", "10"), succeeds}}
				if call(t.Context(), t, s, opts...); len(s.sent) != 2 || s.waits()[0] != 10*time.Second {
					t.Errorf("the longest Retry-After is %v", s.waits())
				}
				s = &script{reactions: []reaction{answers(503, "Retry-After", "11"), succeeds}}
				if got := call(t.Context(), t, s, opts...); len(s.sent) != 1 || got.took != 0 {
					t.Errorf("a longer Retry-After is waited for: sent %d times in %v", len(s.sent), got.took)
				}
			})
		})
	}

	t.Run("MaxDelay is at least BaseDelay", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := &script{reactions: []reaction{answers(503, "Retry-After", "60"), succeeds}}
			call(t.Context(), t, s, kodexa.WithRetry(kodexa.RetryPolicy{BaseDelay: time.Minute}))
			if waits := s.waits(); len(waits) != 1 || waits[0] != time.Minute {
				t.Errorf("a long Retry-After is %v", waits)
			}
		})
	})
}

func TestRetryPoliciesThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		policy  kodexa.RetryPolicy
		refusal string // "": none
	}{
		{kodexa.RetryPolicy{MaxAttempts: -1}, "negative"},
		{kodexa.RetryPolicy{BaseDelay: -1}, "negative"},
		{kodexa.RetryPolicy{MaxDelay: -1}, "negative"},
		{kodexa.RetryPolicy{MaxDelay: time.Millisecond}, "BaseDelay beyond its MaxDelay"},
		{kodexa.RetryPolicy{BaseDelay: 2, MaxDelay: 1}, "BaseDelay beyond its MaxDelay"},
		{kodexa.RetryPolicy{BaseDelay: 1, MaxDelay: 1}, ""},
		{kodexa.RetryPolicy{MaxDelay: 250 * time.Millisecond}, ""},
		{kodexa.RetryPolicy{MaxAttempts: math.MaxInt, BaseDelay: math.MaxInt64, MaxDelay: math.MaxInt64}, ""},
	} {
		_, err := kodexa.New(kodexa.WithAPIKey("key"), kodexa.WithRetry(test.policy))
		if (err != nil) != (test.refusal != "") || err != nil && !strings.Contains(err.Error(), test.refusal) {
			t.Errorf("%+v: %v", test.policy, err)
		}
	}
}

func TestWaitsHaveFullJitter(t *testing.T) {
	t.Parallel()
	bounds := []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 5 * time.Second, 5 * time.Second}
	for name, react := range map[string]reaction{"answer": answers(503), "failure": fails(errReset)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				shortest, longest := slices.Clone(bounds), make([]time.Duration, len(bounds))
				for range 300 {
					s := &script{reactions: []reaction{react}}
					call(t.Context(), t, s, retrying(len(bounds)+1, time.Second, 5*time.Second))
					for i, wait := range s.waits() {
						if wait < 0 || wait > bounds[i] {
							t.Errorf("wait %d is %v, want at most %v", i+1, wait, bounds[i])
						}
						shortest[i], longest[i] = min(shortest[i], wait), max(longest[i], wait)
					}
				}
				for i, bound := range bounds { // all of 300 miss a tenth of the range once in 10¹³ runs
					if shortest[i] > bound/10 || longest[i] < bound-bound/10 {
						t.Errorf("wait %d is between %v and %v, want up to %v", i+1, shortest[i], longest[i], bound)
					}
				}
			})
		})
	}
}

func TestTheShortestDelaysWork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, react := range []reaction{answers(503), answers(503, "Retry-After", "0"), fails(errReset)} {
			s := &script{reactions: []reaction{react}}
			if got := call(t.Context(), t, s, retrying(5, 1, 1)); len(s.sent) != 5 || got.took > 4 {
				t.Errorf("sent %d times in %v", len(s.sent), got.took)
			}
		}
	})
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	const base, limit = time.Second, 20 * time.Second
	for _, test := range []struct {
		header   string
		min, max time.Duration
	}{
		{"0", 0, base},
		{"3", 3 * time.Second, 3*time.Second + base},
		{"007", 7 * time.Second, 7*time.Second + base},
		{"3.5", 4 * time.Second, 4*time.Second + base},
		{"3.0", 3 * time.Second, 3*time.Second + base},
		{"0.001", time.Second, time.Second + base},
		{"20", limit, limit},
		{"19.5", limit, limit},
		{"Sat, 01 Jan 2000 00:00:05 GMT", 5 * time.Second, 5*time.Second + base}, // a bubble starts at 2000-01-01T00:00:00Z
		{"Saturday, 01-Jan-00 00:00:05 GMT", 5 * time.Second, 5*time.Second + base},
		{"Sat Jan  1 00:00:05 2000", 5 * time.Second, 5*time.Second + base},
		{"Fri, 31 Dec 1999 23:59:59 GMT", 0, base},
		{"Mon, 01 Jan 0001 00:00:00 GMT", 0, base},
		{"", 0, base},
		{"soon", 0, base},
		{"-3", 0, base},
		{"+3", 0, base},
		{"3.5.1", 0, base},
		{".", 0, base},
		{"1e3", 0, base},
		{"0x10", 0, base},
		{"3 5", 0, base},
		{"٣", 0, base},
		{"Sat, 01 Jan 2000 00:00:05", 0, base},
	} {
		for _, status := range []int{408, 425, 429, 502, 503, 504, 520, 524} {
			t.Run(fmt.Sprint(status, " ", test.header), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := &script{reactions: []reaction{answers(status, "Retry-After", test.header), succeeds}}
					call(t.Context(), t, s, retrying(2, base, limit))
					if waits := s.waits(); len(waits) != 1 || waits[0] < test.min || waits[0] > test.max {
						t.Errorf("waited %v, want %v to %v", waits, test.min, test.max)
					}
				})
			})
		}
	}

	t.Run("has jitter", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := &script{reactions: []reaction{answers(503, "Retry-After", "2")}}
			call(t.Context(), t, s, retrying(50, base, limit))
			if waits := s.waits(); slices.Max(waits)-slices.Min(waits) < base/2 {
				t.Errorf("all waits are alike: %v", waits)
			}
		})
	})
	t.Run("leaves the doubling as it is", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := &script{reactions: []reaction{answers(503, "Retry-After", "2"), answers(503), answers(503, "Retry-After", "3"), succeeds}}
			call(t.Context(), t, s, retrying(4, base, limit))
			waits := s.waits()
			if len(waits) != 3 || waits[0] < 2*time.Second || waits[0] > 3*time.Second || waits[1] > 2*time.Second || waits[2] < 3*time.Second {
				t.Errorf("waited %v", waits)
			}
		})
	})
	t.Run("never overflows", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			s := &script{reactions: []reaction{answers(503, "Retry-After", "99999999999999999999")}}
			if got := call(ctx, t, s, retrying(5, base, math.MaxInt64)); len(s.sent) != 1 || got.took != 0 {
				t.Errorf("sent %d times in %v: a wait beyond the deadline was begun", len(s.sent), got.took)
			}
		})
	})
	t.Run("says nothing with other statuses", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			for _, status := range []int{200, 301, 409, 500} {
				s := &script{reactions: []reaction{answers(status, "Retry-After", "1")}}
				if got := call(t.Context(), t, s, threeTimes); len(s.sent) != 1 || got.took != 0 {
					t.Errorf("%d: sent %d times in %v", status, len(s.sent), got.took)
				}
			}
		})
	})
	t.Run("is told", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			for header, want := range map[string]time.Duration{
				"": 0, "soon": 0, "0": 0, "90": 90 * time.Second, "-1": 0, "1.5": 2 * time.Second,
				"Sat, 01 Jan 2000 00:01:00 GMT": time.Minute, "Fri, 31 Dec 1999 23:59:59 GMT": 0,
				"99999999999999999999": math.MaxInt64,
			} {
				got := call(t.Context(), t, &script{reactions: []reaction{answers(409, "Retry-After", header)}})
				if api, ok := errors.AsType[*kodexa.APIError](got.err); !ok || api.RetryAfter != want {
					t.Errorf("%q: %v, want %v", header, got.err, want)
				}
			}
		})
	})
}

func TestARetryAfterBeyondMaxDelayIsNotBegun(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, header string
		policy       kodexa.Option
		asked        time.Duration
		text         string
	}{
		{"60 with a MaxDelay of 10s", "60", retrying(4, 250*time.Millisecond, 10*time.Second), time.Minute, "(retry after 1m0s)"},
		{"120 with a MaxDelay of 50ms", "120", retrying(4, 1, 50*time.Millisecond), 2 * time.Minute, "(retry after 2m0s)"},
		{"11 with the default", "11", kodexa.WithRetry(kodexa.RetryPolicy{}), 11 * time.Second, "(retry after 11s)"},
		{"a fraction beyond it", "10.001", kodexa.WithRetry(kodexa.RetryPolicy{}), 11 * time.Second, "(retry after 11s)"},
		{"a date", "Sat, 01 Jan 2000 00:00:21 GMT", retrying(4, 1, 20*time.Second), 21 * time.Second, "(retry after 21s)"},
		{"a late date", "Fri, 31 Dec 9999 23:59:59 GMT", retrying(4, 1, 20*time.Second), math.MaxInt64, "(retry after "},
		{"an hour", "3600", threeTimes, time.Hour, "(retry after 1h0m0s)"},
		{"seconds that don't fit", "9223372037", threeTimes, math.MaxInt64, "(retry after "},
		{"more than an int64", "99999999999999999999999999", threeTimes, math.MaxInt64, "(retry after "},
		{"more than a float64", strings.Repeat("9", 400), threeTimes, math.MaxInt64, "(retry after "},
	} {
		for _, status := range []int{408, 425, 429, 502, 503, 504, 522} {
			t.Run(fmt.Sprint(status, " ", test.name), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := &script{reactions: []reaction{answers(status, "Retry-After", test.header), succeeds}}
					got := call(t.Context(), t, s, test.policy)
					if len(s.sent) != 1 || got.took != 0 {
						t.Errorf("sent %d times in %v", len(s.sent), got.took)
					}
					api, ok := errors.AsType[*kodexa.APIError](got.err)
					if !ok || api.StatusCode != status || api.RetryAfter != test.asked || !strings.Contains(got.err.Error(), test.text) {
						t.Errorf("got %v, want %s", got.err, test.text)
					}
				})
			})
		}
	}
}

// TestARetryAfterDateIsComparedWithTheAnswersOwn has servers whose clock differs from that of the client.
func TestARetryAfterDateIsComparedWithTheAnswersOwn(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, date, until string
		want              time.Duration
	}{
		{"a server that is a day late", "Fri, 31 Dec 1999 00:00:00 GMT", "Fri, 31 Dec 1999 00:00:05 GMT", 5 * time.Second},
		{"a server that is a year ahead", "Mon, 01 Jan 2001 00:00:00 GMT", "Mon, 01 Jan 2001 00:00:05 GMT", 5 * time.Second},
		{"a date that had passed there", "Mon, 01 Jan 2001 00:00:10 GMT", "Mon, 01 Jan 2001 00:00:05 GMT", 0},
		{"another way of writing a date", "Mon, 01 Jan 2001 00:00:00 GMT", "Mon Jan  1 00:00:05 2001", 5 * time.Second},
		{"no date of its own", "", "Sat, 01 Jan 2000 00:00:05 GMT", 5 * time.Second},
		{"no readable date of its own", "today", "Sat, 01 Jan 2000 00:00:05 GMT", 5 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				got := call(t.Context(), t, &script{reactions: []reaction{answers(409, "Retry-After", test.until, "Date", test.date)}})
				if api, ok := errors.AsType[*kodexa.APIError](got.err); !ok || api.RetryAfter != test.want {
					t.Errorf("got %v, want %v", got.err, test.want)
				}
				s := &script{reactions: []reaction{answers(503, "Retry-After", test.until, "Date", test.date), succeeds}}
				call(t.Context(), t, s, retrying(2, 1, time.Minute))
				if waits := s.waits(); len(waits) != 1 || waits[0].Round(time.Millisecond) != test.want {
					t.Errorf("waited %v, want %v", waits, test.want)
				}
			})
		})
	}
}

func TestAWaitBeyondTheDeadlineIsNotBegun(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		policy    kodexa.Option
		deadline  time.Duration
		reactions []reaction
		sent      int
		took      time.Duration // rounded to seconds
		status    int           // of the outcome; 0: success; -1: no answer
	}{
		{
			"after an answer", threeTimes, 2 * time.Second,
			[]reaction{answers(503, "Retry-After", "5")}, 1, 0, 503,
		},
		{
			"after a second answer", retrying(3, 1, time.Minute), 10 * time.Second,
			[]reaction{answers(429, "Retry-After", "6")}, 2, 6 * time.Second, 429,
		},
		{
			"after a failure", retrying(3, 1, time.Minute), 10 * time.Second,
			[]reaction{answers(429, "Retry-After", "6"), fails(errReset)}, 3, 6 * time.Second, -1,
		},
		{
			"after a failure, by jitter", retrying(3, 1e6*time.Hour, 1e6*time.Hour), time.Second,
			[]reaction{fails(errReset)}, 1, 0, -1,
		},
		{
			"and one before it is", threeTimes, 20 * time.Second,
			[]reaction{answers(503, "Retry-After", "9"), succeeds}, 2, 9 * time.Second, 0,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), test.deadline)
				defer cancel()
				s := &script{reactions: test.reactions}
				got := call(ctx, t, s, test.policy)
				if len(s.sent) != test.sent || got.took.Truncate(time.Second) != test.took {
					t.Errorf("sent %d times in %v, want %d in %v", len(s.sent), got.took, test.sent, test.took)
				}
				switch {
				case test.status < 0 && !errors.Is(got.err, errReset):
					t.Errorf("got %v, want what the last attempt met", got.err)
				case test.status >= 0 && (got.status() != test.status || (got.err == nil) != (test.status == 0)):
					t.Errorf("got %v, want the last answer", got.err)
				}
			})
		})
	}
}

func TestCancellingAWaitEndsIt(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		react   reaction
		unknown bool
	}{
		{"after an answer", answers(429, "Retry-After", "9"), false},
		{"after a gateway's word", answers(502, "Retry-After", "9"), true},
		{"after a 503", answers(503, "Retry-After", "9"), true},
		{"after a failure", fails(errReset), false},
		{"after a timeout", fails(errTimedOut, wrote), true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := cancelledAfterASecond(t.Context())
				defer cancel()
				s := &script{reactions: []reaction{test.react}}
				got := call(ctx, t, s, retrying(2, 1e6*time.Hour, 1e6*time.Hour))
				if got.session != nil || !errors.Is(got.err, context.Canceled) || got.took != time.Second || len(s.sent) != 1 {
					t.Errorf("got %v, %v after %v and %d attempts", got.session, got.err, got.took, len(s.sent))
				}
				if errors.Is(got.err, kodexa.ErrOutcomeUnknown) != test.unknown {
					t.Errorf("outcome unknown is %t: %v", !test.unknown, got.err)
				}
			})
		})
	}
}

func TestTheCallersContextEndsTheAttempts(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		ctx     func(context.Context) (context.Context, context.CancelFunc)
		react   reaction
		err     error
		unknown bool
	}{
		{"cancelled while connecting", cancelledAfterASecond, hangs(), context.Canceled, false},
		{"cancelled after the request was written", cancelledAfterASecond, hangs(wrote), context.Canceled, true},
		{"deadline while connecting", expiringAfterASecond, hangs(), context.DeadlineExceeded, false},
		{"deadline after the request was written", expiringAfterASecond, hangs(wrote), context.DeadlineExceeded, true},
		{"cancelled but answered with a failure", cancelledAfterASecond, func(req *http.Request) (*http.Response, error) {
			_, _ = hangs()(req)
			return nil, errRefused
		}, context.Canceled, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := test.ctx(t.Context())
				defer cancel()
				s := &script{reactions: []reaction{test.react}}
				got := call(ctx, t, s, threeTimes)
				if !errors.Is(got.err, test.err) || got.session != nil || len(s.sent) != 1 || got.took != time.Second {
					t.Errorf("got %v, %v after %v and %d attempts", got.session, got.err, got.took, len(s.sent))
				}
				if unknown := errors.Is(got.err, kodexa.ErrOutcomeUnknown); unknown != test.unknown {
					t.Errorf("outcome unknown is %t, want %t", unknown, test.unknown)
				}
			})
		})
	}

	t.Run("before it begins", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			s := &script{reactions: []reaction{hangs()}}
			got := call(ctx, t, s, threeTimes)
			if !errors.Is(got.err, context.Canceled) || errors.Is(got.err, kodexa.ErrOutcomeUnknown) || len(s.sent) > 1 || got.took != 0 {
				t.Errorf("got %v, %v after %v and %d attempts", got.session, got.err, got.took, len(s.sent))
			}
		})
	})
}

func TestAnAttemptThatTakesTooLongIsSentAgain(t *testing.T) {
	t.Parallel()
	const limit = 5 * time.Second
	for _, test := range []struct {
		name   string
		client time.Duration
		opts   []kodexa.Option
	}{
		{"by WithTimeout", 0, []kodexa.Option{kodexa.WithTimeout(limit)}},
		{"by WithTimeout and not by the http.Client's longer one", time.Hour, []kodexa.Option{kodexa.WithTimeout(limit)}},
		{"by WithTimeout and not by the http.Client's shorter one", time.Second, []kodexa.Option{kodexa.WithTimeout(limit)}},
		{"by the http.Client", limit, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &script{reactions: []reaction{hangs(), hangs(wrote), answers(404)}}
				hc := &http.Client{Transport: s, Timeout: test.client}
				got := call(t.Context(), t, s, append(test.opts, kodexa.WithHTTPClient(hc), threeTimes)...)
				if !errors.Is(got.err, kodexa.ErrNotFound) || !errors.Is(got.err, kodexa.ErrOutcomeUnknown) || len(s.sent) != 3 {
					t.Fatalf("got %v after %d attempts", got.err, len(s.sent))
				}
				for i, wait := range s.waits() {
					if wait < limit || wait > limit+time.Second<<i {
						t.Errorf("attempt %d came after %v", i+2, wait)
					}
				}
			})
		})
	}

	t.Run("by default after 30 seconds", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := &script{reactions: []reaction{hangs(wrote)}}
			got := call(t.Context(), t, s, retrying(1, 1, 1))
			if got.took != 30*time.Second || !isTimeout(got.err) || !errors.Is(got.err, kodexa.ErrOutcomeUnknown) {
				t.Errorf("got %v after %v", got.err, got.took)
			}
		})
	})
	t.Run("but not for its body", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := &script{reactions: []reaction{hangsInTheBody(200)}}
			got := call(t.Context(), t, s, kodexa.WithTimeout(limit))
			if got.took != limit || !isTimeout(got.err) || !errors.Is(got.err, kodexa.ErrOutcomeUnknown) || len(s.sent) != 1 {
				t.Errorf("got %v after %v and %d attempts", got.err, got.took, len(s.sent))
			}
		})
	})
	t.Run("for its body too if it changes nothing", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := &script{reactions: []reaction{hangsInTheBody(200), succeeds}}
			got := read(t.Context(), newClient(t, s, kodexa.WithTimeout(limit), threeTimes))
			if got.session == nil || got.err != nil || got.took < limit || len(s.sent) != 2 {
				t.Errorf("got %v, %v after %v and %d attempts", got.session, got.err, got.took, len(s.sent))
			}
		})
	})
}

// TestAnAnswerThatBreaksOffIsAskedForAgainIfNothingWasToChange has a body that is lost on its way.
func TestAnAnswerThatBreaksOffIsAskedForAgainIfNothingWasToChange(t *testing.T) {
	t.Parallel()
	lost := func(err error, status int) reaction {
		return answersBody(io.NopCloser(failing{err}), status, "Content-Type", "application/json")
	}
	whole := func(body io.Reader) reaction {
		return answersBody(io.NopCloser(body), 200, "Content-Type", "application/json")
	}
	for _, test := range []struct {
		name   string
		react  reaction
		sent   int // of reads; an update is sent once
		isFine bool
	}{
		{"lost", lost(io.ErrUnexpectedEOF, 200), 2, true},
		{"reset", lost(errReset, 200), 2, true},
		{"out of time", lost(errTimedOut, 200), 2, true},
		{"lost within a refusal", lost(io.ErrUnexpectedEOF, 404), 1, false},
		{"whole, but it breaks the contract", whole(strings.NewReader(`{`)), 1, false},
		{"too large", whole(zeros{}), 1, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &script{reactions: []reaction{test.react, succeeds}}
				got := read(t.Context(), newClient(t, s, threeTimes, kodexa.WithMaxResponseBytes(100)))
				if len(s.sent) != test.sent || (got.err == nil) != test.isFine || errors.Is(got.err, kodexa.ErrOutcomeUnknown) {
					t.Errorf("a read: got %v after %d attempts", got.err, len(s.sent))
				}
				s = &script{reactions: []reaction{test.react, succeeds}}
				got = call(t.Context(), t, s, threeTimes, kodexa.WithMaxResponseBytes(100))
				if len(s.sent) != 1 || got.err == nil || errors.Is(got.err, kodexa.ErrOutcomeUnknown) != (got.status() != 404) {
					t.Errorf("an update: got %v after %d attempts", got.err, len(s.sent))
				}
			})
		})
	}
}

// FuzzRetryAfter reads the header from a refusal.
func FuzzRetryAfter(f *testing.F) {
	for _, header := range []string{
		"", "0", "7", "007", "-1", "+1", "1.5", "1.", ".5", ".", "1.2.3", "1e3", "soon", "9223372035", "9223372036", "9223372037",
		"18446744073709551616", "１", " 7 ", "Fri, 31 Dec 1999 23:59:59 GMT", "Friday, 31-Dec-99 23:59:59 GMT",
		"Fri Dec 31 23:59:59 1999", "Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 0001 00:00:00 GMT",
	} {
		f.Add(header, "")
		f.Add(header, "Fri, 31 Dec 1999 23:59:50 GMT")
	}
	number := regexp.MustCompile(`^([0-9]+(\.[0-9]*)?|\.[0-9]+)$`)
	f.Fuzz(func(t *testing.T, text, sent string) {
		c := newClient(t, &script{reactions: []reaction{answers(http.StatusConflict, "Retry-After", text, "Date", sent)}})
		before := time.Now()
		got := read(t.Context(), c)
		after := time.Now()
		api, ok := errors.AsType[*kodexa.APIError](got.err)
		if !ok {
			t.Fatalf("got %v", got.err)
		}
		var least, most time.Duration
		text = strings.TrimSpace(text)
		if number.MatchString(text) {
			seconds, _ := new(big.Rat).SetString(text)
			least, most = roundUp(seconds, big.NewRat(-1, 1e6)), roundUp(seconds, new(big.Rat)) // a float64 is as exact as that
		} else if date, err := http.ParseTime(text); err == nil {
			if own, err := http.ParseTime(sent); err == nil {
				before, after = own, own
			}
			least, most = max(0, date.Sub(after)), max(0, date.Sub(before))
		}
		if api.RetryAfter < least || api.RetryAfter > most {
			t.Errorf("%q is %v, want %v to %v", text, api.RetryAfter, least, most)
		}
	})
}

// roundUp returns the sum of two numbers of seconds, with what is begun of a second counted as one. What hardly fits is as
// long as can be.
func roundUp(a, b *big.Rat) time.Duration {
	sum := new(big.Rat).Add(a, b)
	whole := new(big.Int).Div(sum.Num(), sum.Denom()) // rounds down
	if !sum.IsInt() {
		whole.Add(whole, big.NewInt(1))
	}
	if whole.Cmp(big.NewInt(math.MaxInt64/int64(time.Second)-1)) > 0 {
		return math.MaxInt64
	}
	return time.Duration(whole.Int64()) * time.Second
}
