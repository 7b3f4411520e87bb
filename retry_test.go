package kodexa_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/http/httptrace"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	kodexa "github.com/kodexa-community/kodexa-go"
)

// reaction is what a scripted transport does with a request that it is sent.
type reaction func(*http.Request) (*http.Response, error)

// script is a transport that reacts to one attempt after another, to all further ones as to the last. It serves one call.
type script struct {
	reactions []reaction
	sent      []sentRequest
	untraced  bool // it ignores the request's trace, as a transport may that is not net/http's
}

type sentRequest struct {
	at     time.Time
	header http.Header
	length int64
	body   []byte
}

func (s *script) RoundTrip(req *http.Request) (*http.Response, error) {
	sent := sentRequest{at: time.Now(), header: req.Header.Clone(), length: req.ContentLength}
	if req.Body != nil {
		sent.body, _ = io.ReadAll(req.Body)
		_ = req.Body.Close()
	}
	s.sent = append(s.sent, sent)
	if trace := httptrace.ContextClientTrace(req.Context()); trace != nil && !s.untraced {
		trace.GetConn("example.com") // as net/http's transport does first of all
	}
	return s.reactions[min(len(s.sent), len(s.reactions))-1](req)
}

// waits returns how long it was from each request to the next; attempts take no time unless they sleep.
func (s *script) waits() []time.Duration {
	waits := make([]time.Duration, 0, len(s.sent))
	for i := 1; i < len(s.sent); i++ {
		waits = append(waits, s.sent[i].at.Sub(s.sent[i-1].at))
	}
	return waits
}

// answers makes a reaction of a status and a header, and of no body.
func answers(status int, header ...string) reaction {
	return answersBody(http.NoBody, status, header...)
}

func answersBody(body io.ReadCloser, status int, header ...string) reaction {
	return func(req *http.Request) (*http.Response, error) {
		wrote(req)
		h := http.Header{}
		for i := 0; i < len(header); i += 2 {
			h.Set(header[i], header[i+1])
		}
		return &http.Response{StatusCode: status, Header: h, Body: body, ContentLength: -1, Request: req}, nil
	}
}

// succeeds is the reaction of an answer that keeps the contract.
func succeeds(req *http.Request) (*http.Response, error) {
	return answersBody(io.NopCloser(strings.NewReader(`{}`)), http.StatusOK, "Content-Type", "application/json")(req)
}

// fails makes a reaction without an answer. The hooks say how far the request got.
func fails(err error, hooks ...func(*http.Request)) reaction {
	return func(req *http.Request) (*http.Response, error) {
		for _, hook := range hooks {
			hook(req)
		}
		return nil, err
	}
}

// hangs makes a reaction that ends with the context of the request.
func hangs(hooks ...func(*http.Request)) reaction {
	return func(req *http.Request) (*http.Response, error) {
		_, _ = fails(nil, hooks...)(req)
		<-req.Context().Done()
		return nil, context.Cause(req.Context()) // as net/http's transport does
	}
}

// The hooks that net/http's transport calls on its way.
func wroteHeaders(req *http.Request) {
	if trace := httptrace.ContextClientTrace(req.Context()); trace != nil && trace.WroteHeaders != nil {
		trace.WroteHeaders()
	}
}

func wroteRequest(err error) func(*http.Request) {
	return func(req *http.Request) {
		if trace := httptrace.ContextClientTrace(req.Context()); trace != nil && trace.WroteRequest != nil {
			trace.WroteRequest(httptrace.WroteRequestInfo{Err: err})
		}
	}
}

func wrote(req *http.Request) {
	wroteHeaders(req)
	wroteRequest(nil)(req)
}

// outcome is what came of a call.
type outcome struct {
	session *kodexa.Session
	err     error
	took    time.Duration
}

// status returns that of an answer which is the outcome, or 0.
func (o outcome) status() int {
	if api, ok := errors.AsType[*kodexa.APIError](o.err); ok {
		return api.StatusCode
	}
	if broken, ok := errors.AsType[*kodexa.ContractError](o.err); ok {
		return broken.StatusCode
	}
	return 0
}

// call makes a call whose attempts are scripted.
func call(ctx context.Context, t *testing.T, s *script, opts ...kodexa.Option) outcome {
	t.Helper()
	c, err := kodexa.New(append([]kodexa.Option{
		kodexa.WithAPIKey("key"), kodexa.WithBaseURL("http://localhost"), kodexa.WithHTTPClient(&http.Client{Transport: s}),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	session, err := c.UpdateSession(ctx, uuid.Nil, kodexa.Session{State: new("OPEN")})
	return outcome{session, err, time.Since(start)}
}

func retrying(maxAttempts int, baseDelay, maxDelay time.Duration) kodexa.Option {
	return kodexa.WithRetry(kodexa.RetryPolicy{MaxAttempts: maxAttempts, BaseDelay: baseDelay, MaxDelay: maxDelay})
}

var (
	threeTimes  = retrying(3, time.Second, 10*time.Second)
	errReset    = &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
	errRefused  = &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	errTimedOut = &net.OpError{Op: "read", Net: "tcp", Err: os.ErrDeadlineExceeded}
)

func TestFailuresWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		err     error
		hooks   []func(*http.Request)
		again   bool
		unknown bool
	}{
		{"connection refused", errRefused, nil, true, false},
		{"no such host", &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", IsNotFound: true}}, nil, true, false},
		{"DNS timeout", &net.DNSError{Err: "timeout", IsTimeout: true}, nil, true, false},
		{"reset before anything was written", errReset, nil, true, false},
		{"reset while the request was written", errReset, []func(*http.Request){wroteHeaders, wroteRequest(errReset)}, true, false},
		{"reset after the header was written", errReset, []func(*http.Request){wroteHeaders}, true, true},
		{"reset after the request was written", errReset, []func(*http.Request){wrote}, true, true},
		{"EOF before anything was written", io.EOF, nil, true, false},
		{"EOF after the request was written", io.EOF, []func(*http.Request){wrote}, true, true},
		{"answer cut in its header", io.ErrUnexpectedEOF, []func(*http.Request){wrote}, true, true},
		{"time is up before anything was written", errTimedOut, nil, true, false},
		{"time is up after the request was written", errTimedOut, []func(*http.Request){wrote}, true, true},
		{"answer that is not HTTP", errors.New("malformed HTTP response"), []func(*http.Request){wrote}, true, true},
		{
			"stale connection, then another that fails before anything is written", errReset,
			[]func(*http.Request){wroteHeaders, wroteRequest(errReset)}, true, false,
		},
		{
			"stale connection, then a reset after the header was written", errReset,
			[]func(*http.Request){wroteHeaders, wroteRequest(errReset), wroteHeaders}, true, true,
		},
		{
			"stale connection, then a reset after the request was written", errReset,
			[]func(*http.Request){wroteHeaders, wroteRequest(errReset), wrote}, true, true,
		},
		{"certificate not trusted", &tls.CertificateVerificationError{Err: errors.New("x509: unknown authority")}, nil, false, false},
		{"server that does not speak TLS", tls.RecordHeaderError{Msg: "no TLS"}, nil, false, false},
		{"server that speaks plain HTTP", tls.RecordHeaderError{Msg: "no TLS", RecordHeader: [5]byte([]byte("HTTP/"))}, nil, false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &script{reactions: []reaction{fails(test.err, test.hooks...)}}
				got := call(t.Context(), t, s, threeTimes)
				want := 1
				if test.again {
					want = 3
				}
				if len(s.sent) != want {
					t.Errorf("sent %d times, want %d", len(s.sent), want)
				}
				if unknown := errors.Is(got.err, kodexa.ErrOutcomeUnknown); unknown != test.unknown {
					t.Errorf("outcome unknown is %t, want %t", unknown, test.unknown)
				}
				isScheme := errors.Is(got.err, http.ErrSchemeMismatch) // what http.Client makes of the last one
				if got.session != nil || !isScheme && !errors.Is(got.err, test.err) {
					t.Errorf("got %v, %v, want %v", got.session, got.err, test.err)
				}
			})
		})
	}

	t.Run("for real", func(t *testing.T) {
		t.Parallel()
		plain := httptest.NewServer(http.NotFoundHandler())
		defer plain.Close()
		secure := httptest.NewTLSServer(http.NotFoundHandler())
		defer secure.Close()
		secure.Config.ErrorLog = nil
		for name, url := range map[string]string{
			"server that speaks plain HTTP": strings.Replace(plain.URL, "http:", "https:", 1),
			"certificate not trusted":       secure.URL,
		} {
			var log records
			c, err := kodexa.New(kodexa.WithAPIKey("key"), kodexa.WithBaseURL(url), kodexa.WithLogger(slog.New(&log)), retrying(3, 1, 1))
			if err != nil {
				t.Fatal(err)
			}
			if _, err = c.UpdateSession(t.Context(), uuid.Nil, kodexa.Session{}); len(log) != 1 {
				t.Errorf("%s: sent %d times: %v", name, len(log), err)
			}
			if errors.Is(err, kodexa.ErrOutcomeUnknown) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
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
		}, errRefused, false},
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

func cancelledAfterASecond(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	time.AfterFunc(time.Second, cancel)
	return ctx, cancel
}

func expiringAfterASecond(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, time.Second)
}

func TestStatusesThatAreSentAgain(t *testing.T) {
	t.Parallel()
	again := []int{http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout}
	known := []int{http.StatusNotImplemented, http.StatusServiceUnavailable}
	synctest.Test(t, func(t *testing.T) {
		for status := 100; status < 1000; status++ {
			s := &script{reactions: []reaction{answers(status)}}
			got := call(t.Context(), t, s, threeTimes)
			want := 1
			if slices.Contains(again, status) {
				want = 3
			}
			api, isAPI := errors.AsType[*kodexa.APIError](got.err)
			if len(s.sent) != want || isAPI && api.Attempts != want {
				t.Errorf("%d: sent %d times, want %d: %#v", status, len(s.sent), want, api)
			}
			if isSuccess := status/100 == 2; isAPI == isSuccess || got.status() != status {
				t.Errorf("%d: got %v", status, got.err)
			}
			unknown := status/100 <= 2 || status == http.StatusSeeOther || status >= 500 && !slices.Contains(known, status)
			if errors.Is(got.err, kodexa.ErrOutcomeUnknown) != unknown {
				t.Errorf("%d: outcome unknown is %t, want %t", status, !unknown, unknown)
			}
		}
	})
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
				s := &script{reactions: []reaction{answers(503, "Retry-After", "3600"), succeeds}}
				if call(t.Context(), t, s, opts...); s.waits()[0] != 10*time.Second {
					t.Errorf("a long Retry-After is %v", s.waits())
				}
			})
		})
	}

	t.Run("MaxDelay is at least BaseDelay", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := &script{reactions: []reaction{answers(503, "Retry-After", "3600"), succeeds}}
			call(t.Context(), t, s, kodexa.WithRetry(kodexa.RetryPolicy{BaseDelay: time.Minute}))
			if s.waits()[0] != time.Minute {
				t.Errorf("a long Retry-After is %v", s.waits())
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
		{"20", limit, limit},
		{"3600", limit, limit},
		{"9223372036", limit, limit},
		{"9223372037", limit, limit},
		{"9223372036854775807", limit, limit},
		{"99999999999999999999999999", limit, limit},
		{"Sat, 01 Jan 2000 00:00:05 GMT", 5 * time.Second, 5*time.Second + base}, // a bubble starts at 2000-01-01T00:00:00Z
		{"Saturday, 01-Jan-00 00:00:05 GMT", 5 * time.Second, 5*time.Second + base},
		{"Sat Jan  1 00:00:05 2000", 5 * time.Second, 5*time.Second + base},
		{"Fri, 31 Dec 2100 23:59:59 GMT", limit, limit},
		{"Fri, 31 Dec 9999 23:59:59 GMT", limit, limit},
		{"Fri, 31 Dec 1999 23:59:59 GMT", 0, base},
		{"Mon, 01 Jan 0001 00:00:00 GMT", 0, base},
		{"", 0, base},
		{"soon", 0, base},
		{"-3", 0, base},
		{"+3", 0, base},
		{"3.5", 0, base},
		{"1e3", 0, base},
		{"0x10", 0, base},
		{"3 5", 0, base},
		{"٣", 0, base},
		{"Sat, 01 Jan 2000 00:00:05", 0, base},
	} {
		for _, status := range []int{429, 502, 503, 504} {
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
				"": 0, "soon": 0, "0": 0, "90": 90 * time.Second, "-1": 0,
				"Sat, 01 Jan 2000 00:01:00 GMT": time.Minute, "Fri, 31 Dec 1999 23:59:59 GMT": 0,
				"99999999999999999999": math.MaxInt64,
			} {
				got := call(t.Context(), t, &script{reactions: []reaction{answers(409, "Retry-After", header)}})
				if api, ok := errors.AsType[*kodexa.APIError](got.err); !ok || api.RetryAfter != want {
					t.Errorf("%q: %v, want %v", header, api.RetryAfter, want)
				}
			}
		})
	})
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
	for name, react := range map[string]reaction{
		"after an answer":        answers(503, "Retry-After", "9"),
		"after a failure":        fails(errReset),
		"after a timeout":        fails(errTimedOut, wrote),
		"after a gateway's word": answers(502, "Retry-After", "9"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := cancelledAfterASecond(t.Context())
				defer cancel()
				s := &script{reactions: []reaction{react}}
				got := call(ctx, t, s, retrying(2, 1e6*time.Hour, 1e6*time.Hour))
				if got.session != nil || !errors.Is(got.err, context.Canceled) || got.took != time.Second || len(s.sent) != 1 {
					t.Errorf("got %v, %v after %v and %d attempts", got.session, got.err, got.took, len(s.sent))
				}
				if unknown := strings.Contains(name, "timeout") || strings.Contains(name, "gateway"); errors.Is(got.err, kodexa.ErrOutcomeUnknown) != unknown {
					t.Errorf("outcome unknown is %t: %v", !unknown, got.err)
				}
			})
		})
	}
}

func TestEachAttemptSendsTheSameRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		body := []byte(`{ "x": "` + strings.Repeat("é", 1<<17) + `",` + "\n" + `"createdOn":"2023-11-07T05:31:56.100Z"}`)
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		s := &script{reactions: []reaction{
			answers(503, "Set-Cookie", "a=b"), fails(errReset, wrote), answers(502, "Set-Cookie", "a=b"), succeeds,
		}}
		var log records
		c, err := kodexa.New(kodexa.WithAPIKey("key"), kodexa.WithBaseURL("http://localhost"), kodexa.WithLogger(slog.New(&log)),
			kodexa.WithHTTPClient(&http.Client{Transport: s, Jar: jar}))
		if err != nil {
			t.Fatal(err)
		}
		given := watched(string(body))
		res, err := c.API().UpdateSessionWithBodyWithResponse(t.Context(), uuid.Nil, "application/json", given)
		if err != nil || res.JSON200 == nil || len(s.sent) != 4 || !given.closed {
			t.Fatalf("got %v, %v after %d attempts; the given body is closed: %t", res, err, len(s.sent), given.closed)
		}
		for i, sent := range s.sent {
			if !bytes.Equal(sent.body, body) || sent.length != int64(len(body)) {
				t.Errorf("attempt %d has another body: %d bytes, announced as %d", i+1, len(sent.body), sent.length)
			}
			cookies := sent.header.Values("Cookie")
			sent.header.Del("Cookie")
			if i > 0 && !slices.Equal(cookies, []string{"a=b"}) || fmt.Sprint(sent.header) != fmt.Sprint(s.sent[0].header) {
				t.Errorf("attempt %d has another header: %v and cookies %q", i+1, sent.header, cookies)
			}
		}
	})
}

// watchedBody notes what is done with a body.
type watchedBody struct {
	io.Reader
	read   int
	closed bool
}

func watched(body string) *watchedBody { return &watchedBody{Reader: strings.NewReader(body)} }

func (b *watchedBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	b.read += n
	return n, err
}

func (b *watchedBody) Close() error {
	b.closed = true
	return nil
}

// zeros is a body without end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// cut is a body whose connection is lost after text.
func cut(text string) *watchedBody {
	return &watchedBody{Reader: io.MultiReader(strings.NewReader(text), failing{io.ErrUnexpectedEOF})}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestARequestBodyThatCannotBeReadIsNotSent(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]io.ReadCloser{"cut": cut("{"), "failed to close": badCloser{strings.NewReader("{}")}} {
		s := &script{reactions: []reaction{succeeds}}
		c, err := kodexa.New(kodexa.WithAPIKey("key"), kodexa.WithBaseURL("http://localhost"), kodexa.WithHTTPClient(&http.Client{Transport: s}))
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.API().UpdateSessionWithBodyWithResponse(t.Context(), uuid.Nil, "application/json", body)
		if !errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, kodexa.ErrOutcomeUnknown) || len(s.sent) != 0 {
			t.Errorf("%s: %v after %d attempts", name, err, len(s.sent))
		}
	}
}

type badCloser struct{ io.Reader }

func (badCloser) Close() error { return io.ErrUnexpectedEOF }

func TestDiscardedBodiesAreDrainedAndClosed(t *testing.T) {
	t.Parallel()
	const bound = 64 << 10
	for _, test := range []struct {
		name string
		body *watchedBody
		read int
	}{
		{"empty", watched(""), 0},
		{"small", watched("0123456789"), 10},
		{"at the bound", &watchedBody{Reader: io.LimitReader(zeros{}, bound)}, bound},
		{"beyond the bound", &watchedBody{Reader: io.LimitReader(zeros{}, 10*bound)}, bound},
		{"without end", &watchedBody{Reader: zeros{}}, bound},
		{"cut", cut("012"), 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &script{reactions: []reaction{answersBody(test.body, 503), answersBody(watched("kept"), 503)}}
				got := call(t.Context(), t, s, retrying(2, time.Second, time.Second))
				if test.body.read != test.read || !test.body.closed {
					t.Errorf("%d bytes were read, closed is %t; want %d and true", test.body.read, test.body.closed, test.read)
				}
				if api, ok := errors.AsType[*kodexa.APIError](got.err); !ok || string(api.Body) != "kept" {
					t.Errorf("got %v without its body", got.err)
				}
			})
		})
	}
}

func TestEveryAnswerIsClosed(t *testing.T) {
	t.Parallel()
	const media = "application/json"
	for _, test := range []struct {
		name    string
		body    *watchedBody
		answer  func(*watchedBody) reaction
		options []kodexa.Option
	}{
		{name: "success", body: watched(`{}`)},
		{name: "empty success", body: watched(``)},
		{name: "broken contract", body: watched(`{"id":1}`)},
		{name: "no JSON", body: watched(`<html>`)},
		{name: "too large", body: &watchedBody{Reader: zeros{}}, options: []kodexa.Option{kodexa.WithMaxResponseBytes(1 << 10)}},
		{name: "cut", body: cut(`{`)},
		{name: "timed out", body: &watchedBody{Reader: failing{errTimedOut}}},
		{
			name: "reported only", body: watched(`<html>`),
			options: []kodexa.Option{kodexa.WithViolationHandler(func(context.Context, *kodexa.ContractError) error { return nil })},
		},
		{name: "refusal", body: watched(`{}`), answer: func(b *watchedBody) reaction { return answersBody(b, 404) }},
		{name: "refusal that is cut", body: cut(`{`), answer: func(b *watchedBody) reaction { return answersBody(b, 404) }},
		{name: "refusal without end", body: &watchedBody{Reader: zeros{}}, answer: func(b *watchedBody) reaction { return answersBody(b, 404) }},
		{name: "redirect", body: watched(`{}`), answer: func(b *watchedBody) reaction {
			return answersBody(b, 307, "Location", "http://localhost/y")
		}},
		{name: "unnamed status", body: watched(`{}`), answer: func(b *watchedBody) reaction { return answersBody(b, 204, "Content-Type", media) }},
		{name: "last of many", body: watched(`{}`), answer: func(b *watchedBody) reaction { return answersBody(b, 503) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { // which also fails if a goroutine of http.Client is left
				if test.answer == nil {
					test.answer = func(b *watchedBody) reaction { return answersBody(b, 200, "Content-Type", media) }
				}
				s := &script{reactions: []reaction{answers(503), test.answer(test.body)}}
				got := call(t.Context(), t, s, append(test.options, retrying(2, 1, 1))...)
				if !test.body.closed {
					t.Errorf("the body is left open: %v, %v", got.session, got.err)
				}
			})
		})
	}

	for name, cancelAfter := range map[string]time.Duration{"cancelled during the attempt": 0, "cancelled during the wait": time.Second} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				body := &watchedBody{Reader: zeros{}}
				s := &script{reactions: []reaction{func(req *http.Request) (*http.Response, error) {
					if cancelAfter == 0 {
						cancel()
					} else {
						time.AfterFunc(cancelAfter, cancel)
					}
					return answersBody(body, 503, "Retry-After", "9")(req)
				}}}
				if got := call(ctx, t, s, threeTimes); got.err == nil || !body.closed || len(s.sent) != 1 {
					t.Errorf("%v after %d attempts, and closed is %t", got.err, len(s.sent), body.closed)
				}
			})
		})
	}
}

func TestAttemptsAreLogged(t *testing.T) {
	t.Parallel()
	tooLong := strings.Repeat("a", 129)
	const prefix = "kodexa: request method=PUT path=/api/sessions/{id} attempt=1 duration=1.5s "
	for _, test := range []struct {
		name   string
		react  reaction
		record string
	}{
		{"success", succeeds, "DEBUG " + prefix + "status=200"},
		{"created", answers(201), "DEBUG " + prefix + "status=201"},
		{"redirect", answers(302), "WARN " + prefix + "status=302"},
		{"refusal", answers(404), "WARN " + prefix + "status=404"},
		{"failure of the server", answers(500), "WARN " + prefix + "status=500"},
		{"request id", answers(200, "X-Request-Id", "r-1 a"), "DEBUG " + prefix + "status=200 request_id=r-1 a"},
		{"longest request id", answers(404, "X-Request-Id", tooLong[1:]), "WARN " + prefix + "status=404 request_id=" + tooLong[1:]},
		{"request id that is too long", answers(200, "X-Request-Id", tooLong), "DEBUG " + prefix + "status=200"},
		{"request id that is not printable", answers(200, "X-Request-Id", "a\x1b[31m"), "DEBUG " + prefix + "status=200"},
		{"request id that is not ASCII", answers(200, "X-Request-Id", "é"), "DEBUG " + prefix + "status=200"},
		{"reset", fails(errReset), "WARN " + prefix + "error=read tcp: read: connection reset by peer"},
		{"end", fails(io.EOF), "WARN " + prefix + "error=EOF"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var log records
				sleeps := func(req *http.Request) (*http.Response, error) {
					time.Sleep(1500 * time.Millisecond)
					return test.react(req)
				}
				call(t.Context(), t, &script{reactions: []reaction{sleeps}}, retrying(1, 1, 1), kodexa.WithLogger(slog.New(&log)))
				if len(log) != 1 || log[0] != test.record {
					t.Errorf("got %q, want %q", log, test.record)
				}
			})
		})
	}

	t.Run("each", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var log records
			s := &script{reactions: []reaction{answers(503), fails(errReset), succeeds}}
			call(t.Context(), t, s, threeTimes, kodexa.WithLogger(slog.New(&log)))
			want := records{
				"WARN kodexa: request method=PUT path=/api/sessions/{id} attempt=1 duration=0s status=503",
				"WARN kodexa: request method=PUT path=/api/sessions/{id} attempt=2 duration=0s error=read tcp: read: connection reset by peer",
				"DEBUG kodexa: request method=PUT path=/api/sessions/{id} attempt=3 duration=0s status=200",
			}
			if !slices.Equal(log, want) {
				t.Errorf("got %q", log)
			}
		})
	})
}

// records is a slog.Handler that keeps what it handles as text.
type records []string

func (r *records) Enabled(context.Context, slog.Level) bool { return true }
func (r *records) WithAttrs([]slog.Attr) slog.Handler       { return r }
func (r *records) WithGroup(string) slog.Handler            { return r }

func (r *records) Handle(_ context.Context, record slog.Record) error {
	text := record.Level.String() + " " + record.Message
	record.Attrs(func(a slog.Attr) bool {
		text += " " + a.String()
		return true
	})
	*r = append(*r, text)
	return nil
}

func TestOutcomeUnknown(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		reactions []reaction
		also      error // what the error is besides
		unknown   bool
		text      string // "": success
	}{
		{"conflict", []reaction{answers(409)}, kodexa.ErrConflict, false, "409 Conflict"},
		{
			"conflict after an attempt that was written", []reaction{fails(errReset, wrote), answers(409)}, kodexa.ErrConflict, true,
			"409 Conflict after 2 attempts: the request may have been applied",
		},
		{
			"failed precondition after such an attempt", []reaction{fails(io.EOF, wrote), answers(412)}, kodexa.ErrConflict, true,
			"412 Precondition Failed after 2 attempts: the request may have been applied",
		},
		{
			"conflict after a gateway's answer", []reaction{answers(502), answers(503), answers(409)}, kodexa.ErrConflict, true,
			"409 Conflict after 3 attempts: the request may have been applied",
		},
		{
			"conflict after attempts that were refused", []reaction{fails(errRefused), answers(429), answers(429), answers(409)},
			kodexa.ErrConflict, false, "409 Conflict after 4 attempts",
		},
		{
			"conflict after a gateway's 503", []reaction{answers(503), answers(412)}, kodexa.ErrConflict, true,
			"412 Precondition Failed after 2 attempts: the request may have been applied",
		},
		{
			"not found after a 503", []reaction{answers(503), answers(404)}, kodexa.ErrNotFound, false,
			"404 Not Found after 2 attempts",
		},
		{
			"not found after an attempt that was written", []reaction{fails(errTimedOut, wrote), answers(404)}, kodexa.ErrNotFound, true,
			"404 Not Found after 2 attempts: the request may have been applied",
		},
		{
			"gateways to the end", []reaction{answers(504)}, nil, true,
			"504 Gateway Timeout after 4 attempts: the request may have been applied",
		},
		{"rate limit to the end", []reaction{answers(429)}, kodexa.ErrRateLimited, false, "429 Too Many Requests after 4 attempts"},
		{"failure of the server", []reaction{answers(500)}, nil, true, "500 Internal Server Error: the request may have been applied"},
		{"not implemented", []reaction{answers(501)}, nil, false, "501 Not Implemented"},
		{"unavailable to the end", []reaction{answers(503)}, nil, false, "503 Service Unavailable after 4 attempts"},
		{"redirect", []reaction{answers(307, "Location", "http://localhost/y")}, nil, false, "307 Temporary Redirect"},
		{"nobody listens", []reaction{fails(errRefused)}, errRefused, false, "dial tcp: connect: connection refused (after 4 attempts)"},
		{
			"no answer to any", []reaction{fails(errReset, wrote)}, errReset, true,
			"read tcp: read: connection reset by peer (after 4 attempts): the request may have been applied",
		},
		{
			"no answer to one", []reaction{fails(errReset, wrote), fails(errRefused)}, errRefused, true,
			"dial tcp: connect: connection refused (after 4 attempts): the request may have been applied",
		},
		{
			"success that breaks the contract", []reaction{answers(200)}, nil, true,
			"200 OK: response breaks the contract: Content-Type must be application/json",
		},
		{"success after all", []reaction{fails(errReset, wrote), answers(502), succeeds}, nil, false, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				got := call(t.Context(), t, &script{reactions: test.reactions})
				if test.text == "" {
					if got.session == nil || got.err != nil {
						t.Errorf("got %v, %v", got.session, got.err)
					}
					return
				}
				want := "kodexa: PUT /api/sessions/{id}: " + test.text
				if got.session != nil || got.err == nil || got.err.Error() != want {
					t.Fatalf("got %v, %v, want %s", got.session, got.err, want)
				}
				if unknown := errors.Is(got.err, kodexa.ErrOutcomeUnknown); unknown != test.unknown {
					t.Errorf("outcome unknown is %t, want %t", unknown, test.unknown)
				}
				if test.also != nil && !errors.Is(got.err, test.also) {
					t.Errorf("%v is not %v", got.err, test.also)
				}
			})
		})
	}
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
			s := &script{reactions: []reaction{func(req *http.Request) (*http.Response, error) {
				hanging := readerFunc(func([]byte) (int, error) {
					<-req.Context().Done()
					return 0, context.Cause(req.Context())
				})
				return answersBody(io.NopCloser(hanging), 200, "Content-Type", "application/json")(req)
			}}}
			got := call(t.Context(), t, s, kodexa.WithTimeout(limit))
			if got.took != limit || !isTimeout(got.err) || !errors.Is(got.err, kodexa.ErrOutcomeUnknown) || len(s.sent) != 1 {
				t.Errorf("got %v after %v and %d attempts", got.err, got.took, len(s.sent))
			}
		})
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func isTimeout(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}

// TestATransportThatTellsNothingMayHaveSentTheRequest has a transport that builds a request of its own.
func TestATransportThatTellsNothingMayHaveSentTheRequest(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err     error
		unknown bool
	}{
		{io.EOF, true},
		{errReset, true},
		{errors.New("something else"), true},
		{errRefused, false},
		{&net.DNSError{Err: "no such host", Name: "example.com", IsNotFound: true}, false},
		{&tls.CertificateVerificationError{Err: errors.New("expired")}, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &script{untraced: true, reactions: []reaction{func(*http.Request) (*http.Response, error) { return nil, test.err }}}
			got := call(t.Context(), t, s, threeTimes)
			if got.err == nil || errors.Is(got.err, kodexa.ErrOutcomeUnknown) != test.unknown {
				t.Errorf("%v: got %v", test.err, got.err)
			}
		})
	}
}

// TestNetHTTPsOwnReplayIsNoticed has a connection that fails after the request was written, and a replay that conflicts.
func TestNetHTTPsOwnReplayIsNoticed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{reactions: []reaction{func(req *http.Request) (*http.Response, error) {
			wrote(req)
			httptrace.ContextClientTrace(req.Context()).GetConn("example.com")
			return answers(http.StatusConflict)(req)
		}}}
		got := call(t.Context(), t, s, retrying(1, 0, 0))
		if !errors.Is(got.err, kodexa.ErrConflict) || !errors.Is(got.err, kodexa.ErrOutcomeUnknown) {
			t.Errorf("got %v", got.err)
		}
	})
}

// TestAnAnswerWhoseBodyHangsKeepsItsStatus has an answer to be sent again after, which is never complete.
func TestAnAnswerWhoseBodyHangsKeepsItsStatus(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable} {
		var attempts atomic.Int32
		c := bounded(t, func(w http.ResponseWriter, r *http.Request) {
			attempts.Add(1)
			w.Header().Set("Content-Length", "10")
			w.WriteHeader(status)
			w.(http.Flusher).Flush() //nolint:forcetypeassert // net/http's can
			<-r.Context().Done()
		}, kodexa.WithRetry(kodexa.RetryPolicy{MaxAttempts: 2, BaseDelay: 1, MaxDelay: 1}), kodexa.WithTimeout(2*time.Second))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		_, err := c.UpdateSession(ctx, uuid.Nil, kodexa.Session{})
		cancel()
		if api, ok := errors.AsType[*kodexa.APIError](err); !ok || api.StatusCode != status || api.Attempts != 2 || attempts.Load() != 2 {
			t.Errorf("%d: got %v after %d attempts", status, err, attempts.Load())
		}
	}
}
