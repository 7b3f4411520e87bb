package kodexa_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	kodexa "github.com/kodexa-community/kodexa-go"
)

// Not parallel: it needs the transport of New, see ownClient.
func TestADeadConnectionIsNoticedWithinAnAttempt(t *testing.T) { //nolint:paralleltest // see above
	const limit = 2 * time.Second
	for _, speaks := range []protocol{http1, http2} { //nolint:paralleltest // see above
		for method, send := range methods {
			t.Run(fmt.Sprintf("%s over HTTP %d", method, speaks), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					n := newNetwork(t, speaks, stored)
					c := n.ownClient(t, kodexa.WithTimeout(limit))
					if got := send(t.Context(), c); got.err != nil {
						t.Fatal(got.err)
					}
					n.each(func(w *wire) { w.isDead.Store(true) })
					got := send(t.Context(), c)
					if got.err != nil || n.dials() != 2 || got.took > limit+250*time.Millisecond {
						t.Errorf("got %v after %v and %d connections", got.err, got.took, n.dials())
					}
					if speaks == http2 && got.took > limit/2+250*time.Millisecond {
						t.Errorf("it took %v, want half an attempt: a quarter to ask, and a quarter to give up", got.took)
					}
					if got := send(t.Context(), c); got.err != nil || got.took != 0 || n.dials() != 2 {
						t.Errorf("the next call: %v after %v and %d connections", got.err, got.took, n.dials())
					}
				})
			})
		}
	}
}

// Not parallel: it needs the transport of New, see ownClient.
func TestAConnectionIsCheckedAfterFiveSecondsAtMost(t *testing.T) { //nolint:paralleltest // see above
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, http2, stored)
		c := n.ownClient(t, kodexa.WithTimeout(time.Hour))
		update(t.Context(), c)
		n.each(func(w *wire) { w.isDead.Store(true) })
		if got := update(t.Context(), c); got.err != nil || got.took < 10*time.Second || got.took > 11*time.Second {
			t.Errorf("got %v after %v", got.err, got.took)
		}
	})
}

// counter is a slog.Handler that counts what it handles.
type counter struct{ records atomic.Int32 }

func (*counter) Enabled(context.Context, slog.Level) bool    { return true }
func (c *counter) WithAttrs([]slog.Attr) slog.Handler        { return c }
func (c *counter) WithGroup(string) slog.Handler             { return c }
func (c *counter) Handle(context.Context, slog.Record) error { c.records.Add(1); return nil }

// TestAForgottenPoolCostsOneAttempt has idle connections that a balancer forgot: each is reset when it is used.
// Not parallel: it needs the transport of New, see ownClient.
func TestAForgottenPoolCostsOneAttempt(t *testing.T) { //nolint:paralleltest // see above
	const idle = 32
	for _, speaks := range []protocol{http1, http2} { //nolint:paralleltest // see above
		t.Run(fmt.Sprintf("HTTP %d", speaks), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log counter
				n := newNetwork(t, speaks, func(w http.ResponseWriter, r *http.Request) {
					if r.Method == http.MethodGet {
						time.Sleep(time.Second) // until all are there, so that each needs a connection
					}
					stored(w, r)
				})
				c := n.ownClient(t, kodexa.WithLogger(slog.New(&log)))
				update(t.Context(), c)
				var calls sync.WaitGroup
				for range idle {
					calls.Go(func() {
						if got := read(t.Context(), c); got.err != nil {
							t.Error(got.err)
						}
					})
				}
				calls.Wait()
				pool := n.dials()
				if want := map[protocol]int{http1: idle, http2: 1}[speaks]; pool != want {
					t.Fatalf("%d connections, want %d", pool, want)
				}
				n.each(func(w *wire) { w.isForgotten.Store(true) })
				log.records.Store(0)
				if got := update(t.Context(), c); got.err != nil || log.records.Load() != 2 || n.dials() != pool+1 {
					t.Errorf("the first call: %v after %d attempts and %d new connections", got.err, log.records.Load(), n.dials()-pool)
				}
				for range 4 {
					log.records.Store(0)
					if got := update(t.Context(), c); got.err != nil || log.records.Load() != 1 || n.dials() != pool+1 {
						t.Errorf("a later call: %v after %d attempts and %d new connections", got.err, log.records.Load(), n.dials()-pool)
					}
				}
			})
		})
	}
}

// TestTheCallersPoolIsLeftAlone has a transport that may serve others too.
func TestTheCallersPoolIsLeftAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		next := &closing{script: script{reactions: []reaction{func(req *http.Request) (*http.Response, error) {
			httptrace.ContextClientTrace(req.Context()).GotConn(httptrace.GotConnInfo{Reused: true})
			return fails(errReset, wrote)(req)
		}}}}
		if got := update(t.Context(), newClient(t, next, threeTimes)); got.attempts() != 3 || next.closed {
			t.Errorf("%v; its idle connections were closed: %t", got.err, next.closed)
		}
	})
}

// TestTheContextsErrorIsNotItsCause has contexts as errgroup makes them: what another call was answered is the cause.
func TestTheContextsErrorIsNotItsCause(t *testing.T) {
	t.Parallel()
	cause := &kodexa.CallError{Method: "PUT", Path: "/other", OutcomeUnknown: true, Err: &kodexa.APIError{StatusCode: 409, Message: "of another call"}}
	contexts := map[string]struct {
		is  error
		end func(context.Context) (context.Context, context.CancelFunc)
	}{
		"cancelled": {context.Canceled, func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancelCause(ctx)
			time.AfterFunc(time.Second, func() { cancel(cause) })
			return ctx, func() { cancel(nil) }
		}},
		"out of time": {context.DeadlineExceeded, func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeoutCause(ctx, time.Second, cause)
		}},
	}
	slowly := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, "{")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
			panic(http.ErrAbortHandler) // else the server would complete the answer
		}
	}
	for _, phase := range []struct {
		name     string
		before   time.Duration // that passes before the call begins
		serve    http.HandlerFunc
		dial     bool
		status   int // of an APIError, which stays
		attempts int
		unknown  bool
	}{
		{name: "before the call", before: 2 * time.Second, serve: stored},
		{name: "while connecting", serve: stored, dial: true, attempts: 1},
		{name: "while waiting for the header", serve: func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		}, attempts: 1, unknown: true},
		{name: "in the body", serve: slowly(200), attempts: 1, unknown: true},
		{name: "in the body of a refusal", serve: slowly(404), status: 404, attempts: 1},
		{name: "between attempts", serve: answerWith(429, "", nil), attempts: 1},
	} {
		for name, kind := range contexts {
			t.Run(name+" "+phase.name, func(t *testing.T) {
				t.Parallel()
				overBoth(t, func(t *testing.T, speaks protocol) {
					t.Helper()
					for method, send := range methods {
						n := newNetwork(t, speaks, phase.serve)
						tr := n.transport()
						if phase.dial {
							tr.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
								<-ctx.Done()
								return nil, context.Cause(ctx)
							}
						}
						c := newClient(t, tr, kodexa.WithBaseURL("https://example.com"), retrying(3, 1e6*time.Hour, 1e6*time.Hour))
						ctx, cancel := kind.end(t.Context())
						time.Sleep(phase.before)
						got := send(ctx, c)
						if phase.name == "between attempts" && name == "out of time" {
							// The wait is not begun: it would outlive the context.
							if got.status() != 429 || got.took != 0 {
								t.Errorf("%s: got %v after %v", method, got.err, got.took)
							}
						} else {
							if !errors.Is(got.err, kind.is) || got.session != nil || got.status() != phase.status {
								t.Errorf("%s: got %v", method, got.err)
							}
							cause := got.err
							for errors.Unwrap(cause) != nil {
								cause = errors.Unwrap(cause)
							}
							if cause != ctx.Err() {
								t.Errorf("%s: it comes from %#v", method, cause)
							}
						}
						if errors.Is(got.err, kodexa.ErrConflict) || errors.Is(got.err, cause) || strings.Contains(got.err.Error(), "another") {
							t.Errorf("%s: the cause is in %v", method, got.err)
						}
						if unknown := phase.unknown && method == "PUT"; got.attempts() != phase.attempts || errors.Is(got.err, kodexa.ErrOutcomeUnknown) != unknown {
							t.Errorf("%s: got %v after %d attempts", method, got.err, got.attempts())
						}
						cancel()
						c.CloseIdleConnections()
					}
				})
			})
		}
	}
}

// TestTheTimeoutOfAnAttemptIsNotTheCallersDeadline has contexts without a deadline.
func TestTheTimeoutOfAnAttemptIsNotTheCallersDeadline(t *testing.T) {
	t.Parallel()
	const limit = 2 * time.Second
	check := func(t *testing.T, got outcome) {
		t.Helper()
		if !isTimeout(got.err) || errors.Is(got.err, context.DeadlineExceeded) || errors.Is(got.err, context.Canceled) || got.took != limit {
			t.Errorf("got %#v after %v", got.err, got.took)
		}
		if !strings.Contains(got.err.Error(), "no complete answer within 2s") {
			t.Errorf("got %v", got.err)
		}
	}
	for name, serve := range map[string]http.HandlerFunc{
		"for the header": func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		},
		"for the body": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Type", "application/json")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
			panic(http.ErrAbortHandler) // else the server would complete the answer
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			overBoth(t, func(t *testing.T, speaks protocol) {
				t.Helper()
				for _, send := range methods {
					check(t, send(t.Context(), newNetwork(t, speaks, serve).client(t, kodexa.WithTimeout(limit), oneTry)))
				}
			})
		})
	}
	for name, react := range map[string]reaction{"by another transport": hangs(wrote), "in the body by another transport": hangsInTheBody(200)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for _, send := range methods {
					check(t, send(t.Context(), newClient(t, &script{reactions: []reaction{react}}, kodexa.WithTimeout(limit), oneTry)))
				}
			})
		})
	}
}

// TestAnEarlyAnswerToALargeBodyIsSeen has a server that answers as soon as it has the header, and closes the connection with
// the rest unread, so that it is reset.
func TestAnEarlyAnswerToALargeBodyIsSeen(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusUnauthorized, http.StatusRequestEntityTooLarge} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = listener.Close() }()
		go func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
					time.Sleep(5 * time.Millisecond) // the client writes meanwhile
					_, _ = fmt.Fprintf(conn, "HTTP/1.1 %d A\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", status)
				}
				_ = conn.Close()
			}
		}()
		c, err := kodexa.New(kodexa.WithAPIKey("key"), kodexa.WithBaseURL("http://"+listener.Addr().String()), oneTry)
		if err != nil {
			t.Fatal(err)
		}
		large := kodexa.Session{State: new(strings.Repeat("a", 8*mib))}
		for range 5 {
			session, err := c.UpdateSession(t.Context(), uuid.Nil, large)
			if got := (outcome{session: session, err: err}); got.status() != status || errors.Is(err, kodexa.ErrOutcomeUnknown) {
				t.Errorf("%d: got %v", status, err)
			}
		}
	}
}

// deaf is a connection whose writes fail.
type deaf struct {
	net.Conn

	failed func()
}

func (d *deaf) Write([]byte) (int, error) {
	d.failed()
	return 0, errReset
}

// TestAFailedWriteWaitsForWhatIsRead has answers that are read a while after a write has failed, as on a busy machine.
// Not parallel: it needs the transport of New, see ownClient.
func TestAFailedWriteWaitsForWhatIsRead(t *testing.T) { //nolint:paralleltest // see above
	const late = 700 * time.Millisecond
	for name, test := range map[string]struct { //nolint:paralleltest // see above
		read   func(io.WriteCloser)
		status int // 0: none
		took   time.Duration
	}{
		"a late answer": {func(w io.WriteCloser) {
			time.Sleep(late)
			_, _ = io.WriteString(w, "HTTP/1.1 413 A\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		}, http.StatusRequestEntityTooLarge, late},
		"the end at once": {func(w io.WriteCloser) { _ = w.Close() }, 0, 0},
		"a late end": {func(w io.WriteCloser) {
			time.Sleep(late)
			_ = w.Close()
		}, 0, late},
		"nothing": {func(io.WriteCloser) {}, 0, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tr := kodexa.DefaultTransport()
				tr.Proxy = nil
				tr.DialContext = func(context.Context, string, string) (net.Conn, error) {
					near, far := net.Pipe()
					t.Cleanup(func() { _ = far.Close() })
					return &deaf{near, sync.OnceFunc(func() { go test.read(far) })}, nil
				}
				before := http.DefaultTransport
				defer func() { http.DefaultTransport = before }()
				http.DefaultTransport = tr
				c, err := kodexa.New(kodexa.WithAPIKey("key"), kodexa.WithBaseURL("http://localhost"), oneTry)
				if err != nil {
					t.Fatal(err)
				}
				got := update(t.Context(), c)
				if got.err == nil || got.status() != test.status || got.took.Truncate(10*time.Millisecond) != test.took {
					t.Errorf("got %v after %v", got.err, got.took)
				}
				time.Sleep(time.Second) // so long a write may wait for nothing
			})
		})
	}
}

func TestAProxyThatRefusesToConnectIsNamed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		status   int
		attempts int
		text     string
	}{
		{http.StatusForbidden, 1, "403 Forbidden"},
		{http.StatusProxyAuthRequired, 1, "407 Proxy Authentication Required"},
		{http.StatusBadGateway, 3, "502 Bad Gateway"},
		{http.StatusServiceUnavailable, 3, "503 Service Unavailable"},
	} {
		t.Run(test.text, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int32
			proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodConnect {
					t.Errorf("%s reached the proxy", r.Method)
				}
				asked.Add(1)
				w.Header().Set("Proxy-Authenticate", `Basic realm="canary"`)
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, "canary")
			}))
			defer proxy.Close()
			at, err := url.Parse(proxy.URL)
			if err != nil {
				t.Fatal(err)
			}
			address := at.Host
			at.User = url.UserPassword("canary-user", "canary-password")
			tr := kodexa.DefaultTransport()
			tr.Proxy = http.ProxyURL(at)
			got := update(t.Context(), newClient(t, tr, kodexa.WithBaseURL("https://example.com"), retrying(3, 1, 1)))
			tr.CloseIdleConnections()
			want := "kodexa: PUT /api/sessions/" + uuid.Nil.String() + ": the proxy " + address + " refused to connect: " + test.text
			if got.err == nil || !strings.HasPrefix(got.err.Error(), want) || strings.Contains(got.err.Error(), "canary") {
				t.Errorf("got %v, want %s", got.err, want)
			}
			if got.attempts() != test.attempts || int(asked.Load()) != test.attempts || errors.Is(got.err, kodexa.ErrOutcomeUnknown) {
				t.Errorf("asked %d times, want %d: %v", asked.Load(), test.attempts, got.err)
			}
			if got.status() != 0 || errors.Is(got.err, kodexa.ErrForbidden) {
				t.Errorf("the proxy's word is taken for the platform's: %v", got.err)
			}
		})
	}

	t.Run("and one that is not there has no password in the text", func(t *testing.T) {
		t.Parallel()
		tr := kodexa.DefaultTransport()
		tr.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: "127.0.0.1:1", User: url.UserPassword("canary-user", "canary-password")})
		got := update(t.Context(), newClient(t, tr, kodexa.WithBaseURL("https://example.com"), retrying(3, 1, 1)))
		if !errors.Is(got.err, syscall.ECONNREFUSED) || got.attempts() != 3 || errors.Is(got.err, kodexa.ErrOutcomeUnknown) ||
			strings.Contains(got.err.Error(), "canary") || !strings.Contains(got.err.Error(), "proxy") {
			t.Errorf("got %v after %d attempts", got.err, got.attempts())
		}
	})
}

// TestACallThatItsCallerEndsLeavesThePoolAlone has idle connections that nothing is wrong with.
// Not parallel: it needs the transport of New, see ownClient.
func TestACallThatItsCallerEndsLeavesThePoolAlone(t *testing.T) { //nolint:paralleltest // see above
	const idle = 5
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, http1, func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Second)
			stored(w, r)
		})
		c := n.ownClient(t)
		atOnce := func() {
			var calls sync.WaitGroup
			for range idle {
				calls.Go(func() {
					if got := read(t.Context(), c); got.err != nil {
						t.Error(got.err)
					}
				})
			}
			calls.Wait()
		}
		atOnce()
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if got := read(ctx, c); !errors.Is(got.err, context.DeadlineExceeded) {
			t.Fatal(got.err)
		}
		atOnce()
		if n.dials() != idle+1 { // the one that was in use is gone
			t.Errorf("%d connections, want %d", n.dials(), idle+1)
		}
	})
}
