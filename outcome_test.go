package kodexa_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	kodexa "github.com/kodexa-community/kodexa-go"
)

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
			"409 Conflict (after 2 attempts): the request may have been applied",
		},
		{
			"failed precondition after such an attempt", []reaction{fails(io.EOF, wrote), answers(412)}, kodexa.ErrConflict, true,
			"412 Precondition Failed (after 2 attempts): the request may have been applied",
		},
		{
			"conflict after a gateway's answer", []reaction{answers(502), answers(503), answers(409)}, kodexa.ErrConflict, true,
			"409 Conflict (after 3 attempts): the request may have been applied",
		},
		{
			"conflict after attempts that were refused", []reaction{fails(errRefused), answers(429), answers(429), answers(409)},
			kodexa.ErrConflict, false, "409 Conflict (after 4 attempts)",
		},
		{
			"conflict after a gateway's 503", []reaction{answers(503), answers(412)}, kodexa.ErrConflict, true,
			"412 Precondition Failed (after 2 attempts): the request may have been applied",
		},
		{
			"not found after a 503", []reaction{answers(503), answers(404)}, kodexa.ErrNotFound, true,
			"404 Not Found (after 2 attempts): the request may have been applied",
		},
		{
			"not found after a rate limit", []reaction{answers(429), answers(425), answers(404)}, kodexa.ErrNotFound, false,
			"404 Not Found (after 3 attempts)",
		},
		{
			"not found after an attempt that was written", []reaction{fails(errTimedOut, wrote), answers(404)}, kodexa.ErrNotFound, true,
			"404 Not Found (after 2 attempts): the request may have been applied",
		},
		{
			"gateways to the end", []reaction{answers(504)}, nil, true,
			"504 Gateway Timeout (after 4 attempts): the request may have been applied",
		},
		{"rate limit to the end", []reaction{answers(429)}, kodexa.ErrRateLimited, false, "429 Too Many Requests (after 4 attempts)"},
		{"failure of the server", []reaction{answers(500)}, nil, true, "500 Internal Server Error: the request may have been applied"},
		{"not implemented", []reaction{answers(501)}, nil, false, "501 Not Implemented"},
		{
			"unavailable to the end", []reaction{answers(503)}, nil, true,
			"503 Service Unavailable (after 4 attempts): the request may have been applied",
		},
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
			"200 OK: response breaks the contract: Content-Type must be application/json: the request may have been applied",
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
				want := "kodexa: PUT /api/sessions/00000000-0000-0000-0000-000000000000: " + test.text
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
				if got.session != nil || !errors.Is(got.err, test.err) {
					t.Errorf("got %v, %v, want %v", got.session, got.err, test.err)
				}
			})
		})
	}
}

// TestATransportThatTellsNothingMayHaveSentTheRequest has a transport that builds a request of its own.
func TestATransportThatTellsNothingMayHaveSentTheRequest(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		io.EOF, errReset, errors.New("something else"), errRefused,
		&net.DNSError{Err: "no such host", Name: "example.com", IsNotFound: true},
		&tls.CertificateVerificationError{Err: errors.New("expired")},
	} {
		for method, send := range methods {
			synctest.Test(t, func(t *testing.T) {
				s := &script{untraced: true, reactions: []reaction{fails(err)}}
				got := send(t.Context(), newClient(t, s, threeTimes))
				if !errors.Is(got.err, err) || errors.Is(got.err, kodexa.ErrOutcomeUnknown) != (method == "PUT") {
					t.Errorf("%s, %v: got %v", method, err, got.err)
				}
			})
		}
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

// TestARequestWithoutABodyMayArriveBeforeItIsKnownToBeWritten has the call end while the transport has yet to learn that what
// it wrote is written. Over HTTP/2 that is the header alone, to which a body would still have to come.
func TestARequestWithoutABodyMayArriveBeforeItIsKnownToBeWritten(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "{}"} {
		overBoth(t, func(t *testing.T, speaks protocol) {
			t.Helper()
			var arrived atomic.Bool
			n := newNetwork(t, speaks, func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					stored(w, r)
					return
				}
				arrived.Store(true)
				_, _ = io.Copy(io.Discard, r.Body) // else the server does not see the client go
				<-r.Context().Done()
			})
			c := n.client(t, oneTry)
			if got := read(t.Context(), c); got.err != nil { // so that there is a connection
				t.Fatal(got.err)
			}
			time.Sleep(time.Second) // in which both ends say all that they have to say
			n.each(func(w *wire) { w.isSlow.Store(true) })
			ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
			defer cancel()
			_, err := c.API().UpdateSessionWithBody(ctx, sessionID, jsonMedia, strings.NewReader(body))
			isUnknown := body == "" || speaks == http1
			if !arrived.Load() || !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, kodexa.ErrOutcomeUnknown) != isUnknown {
				t.Errorf("%q: arrived is %t: %v", body, arrived.Load(), err)
			}
			n.each(func(w *wire) { w.isSlow.Store(false) })
			time.Sleep(time.Minute) // until it has written all
		})
	}
}

// TestTheTraceOfTheCallIsCalledOnce has requests with and without a body, and the hooks of a caller beside ours.
func TestTheTraceOfTheCallIsCalledOnce(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	for _, body := range []string{"", "{}"} {
		var written atomic.Int32
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{WroteHeaders: func() { written.Add(1) }})
		_, err := server.Client(oneTry).API().UpdateSessionWithBody(ctx, sessionID, jsonMedia, strings.NewReader(body))
		if callError(t, body, err).Attempts != 1 || written.Load() != 1 {
			t.Errorf("%q: written %d times, %v", body, written.Load(), err)
		}
	}
}

// statuses are those that say more than their class does.
var statuses = map[int]struct{ isUnknown bool }{
	303: {true}, 408: {true}, 499: {true}, 501: {false},
}

func TestWhatAStatusSaysOfTheOutcome(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for status := 100; status < 1000; status++ {
			unknown := status < 300 || status >= 500
			if says, ok := statuses[status]; ok {
				unknown = says.isUnknown
			}
			for method, send := range methods {
				got := send(t.Context(), newClient(t, &script{reactions: []reaction{answers(status)}}, threeTimes))
				if got.err == nil || errors.Is(got.err, kodexa.ErrOutcomeUnknown) != (unknown && method == "PUT") {
					t.Errorf("%s: %d: got %v", method, status, got.err)
				}
			}
		}
	})
}

// sentinels are what the errors of a call can be by errors.Is, besides ErrOutcomeUnknown.
var sentinels = []error{
	kodexa.ErrUnauthorized, kodexa.ErrForbidden, kodexa.ErrNotFound, kodexa.ErrConflict, kodexa.ErrRateLimited, kodexa.ErrResponseTooLarge,
	context.Canceled, context.DeadlineExceeded, syscall.ECONNREFUSED, syscall.ECONNRESET, os.ErrDeadlineExceeded,
}

// failure is a row of the table in the package documentation.
type failure struct {
	name      string
	serve     http.HandlerFunc      // nil: stored
	change    func(*http.Transport) // of the client
	edit      func(*http.Request)   // by an editor
	end       func(context.Context) (context.Context, context.CancelFunc)
	only      protocol // 0: both
	again     bool     // an update is sent again
	readAgain bool     // a read too; where again is true it always is
	unknown   bool     // of an update; that of a read is never unknown
	unsent    bool
	is        error            // of the sentinels, the one; nil: none
	as        func(error) bool // nil: is says it all
	kind      string           // of the error that CallError has: api, contract or other
}

func failures() []failure {
	status := func(status int, again, unknown bool, is error) failure {
		return failure{
			name: fmt.Sprint(status), serve: answerWith(status, "application/json", []byte(`{}`)),
			again: again, unknown: unknown, is: is, kind: "api",
		}
	}
	success := func(body string) http.HandlerFunc { return answerWith(http.StatusOK, "application/json", []byte(body)) }
	dialing := func(talk func(net.Conn)) func(*http.Transport) {
		return func(tr *http.Transport) {
			tr.DialContext = func(context.Context, string, string) (net.Conn, error) {
				near, far := net.Pipe()
				go talk(far)
				return near, nil
			}
		}
	}
	announces := func(status int, then func(http.ResponseWriter, *http.Request)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", "10")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, "{")
			_ = http.NewResponseController(w).Flush()
			then(w, r)
		}
	}
	breaksOff := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	hangs := func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}
	return slices.Concat([]failure{
		{
			name: "nobody listens", again: true, is: syscall.ECONNREFUSED, kind: "other",
			change: func(tr *http.Transport) {
				tr.DialContext = func(context.Context, string, string) (net.Conn, error) { return nil, errRefused }
			},
		},
		{
			name: "no such host", again: true, as: as[*net.DNSError], kind: "other",
			change: func(tr *http.Transport) {
				tr.DialContext = func(context.Context, string, string) (net.Conn, error) {
					return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", IsNotFound: true}}
				}
			},
		},
		{
			name: "connecting takes longer than WithTimeout", again: true, as: isTimeout, kind: "other",
			change: func(tr *http.Transport) {
				tr.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
					<-ctx.Done()
					return nil, ctx.Err()
				}
			},
		},
		{
			name: "the TLS handshake takes longer than WithTimeout", again: true, as: isTimeout, kind: "other",
			change: dialing(func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }),
		},
		{
			name: "the connection ends in the TLS handshake", again: true, as: func(err error) bool { return errors.Is(err, io.EOF) }, kind: "other",
			change: dialing(func(conn net.Conn) {
				_, _ = conn.Read(make([]byte, 1<<16))
				_ = conn.Close()
			}),
		},
		{
			name: "the certificate is not trusted", as: as[*tls.CertificateVerificationError], kind: "other",
			change: func(tr *http.Transport) { tr.TLSClientConfig.RootCAs = x509.NewCertPool() },
		},
		{
			name: "the server does not speak TLS", as: func(err error) bool { return errors.Is(err, http.ErrSchemeMismatch) || as[tls.RecordHeaderError](err) },
			kind: "other",
			change: dialing(func(conn net.Conn) {
				_, _ = conn.Read(make([]byte, 1<<16))
				_, _ = io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\n\r\n")
				_ = conn.Close()
			}),
		},
		{
			name: "the connection is lost after the request", serve: breaksOff, again: true, unknown: true, as: func(error) bool { return true }, kind: "other",
		},
		{name: "no answer within WithTimeout", serve: hangs, again: true, unknown: true, as: isTimeout, kind: "other"},
		{
			name: "the answer is not HTTP", only: http1, again: true, unknown: true, as: func(error) bool { return true }, kind: "other",
			serve: func(w http.ResponseWriter, _ *http.Request) {
				conn, _, err := http.NewResponseController(w).Hijack()
				if err == nil {
					_, _ = io.WriteString(conn, "SSH-2.0-OpenSSH\r\n")
					_ = conn.Close()
				}
			},
		},
		{
			name: "the header is too large", again: true, unknown: true, as: func(error) bool { return true }, kind: "other",
			serve: func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Long", strings.Repeat("a", 2*mib))
				stored(w, r)
			},
		},
		{
			name: "an editor sets what can't be sent", unsent: true, as: func(error) bool { return true }, kind: "other",
			edit: func(req *http.Request) { req.Header.Set("X-Test", "a\nb") },
		},
		{
			name: "an editor breaks the contract", unsent: true, kind: "contract",
			edit: func(req *http.Request) { req.Header.Del("X-Api-Key") },
		},
		{name: "a success that breaks the contract", serve: success(`{"state":1}`), unknown: true, kind: "contract"},
		{name: "a success that the contract does not name", serve: answerWith(204, "", nil), unknown: true, kind: "contract"},
		{name: "a success that is too large", serve: success(`{"x":"` + strings.Repeat("a", 2000) + `"}`), unknown: true, is: kodexa.ErrResponseTooLarge, kind: "other"},
		{name: "a success that breaks off", serve: announces(200, breaksOff), readAgain: true, unknown: true, kind: "contract"},
		{name: "a success that is not complete within WithTimeout", serve: announces(200, hangs), readAgain: true, unknown: true, as: isTimeout, kind: "other"},
		{name: "a refusal that breaks off", serve: announces(404, breaksOff), is: kodexa.ErrNotFound, kind: "api"},
		{name: "a refusal that is not complete within WithTimeout", serve: announces(404, hangs), is: kodexa.ErrNotFound, kind: "api"},
		{name: "cancelled before", end: func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			return ctx, cancel
		}, unsent: true, is: context.Canceled, kind: "other"},
		{name: "cancelled while waiting", serve: hangs, end: cancelledAfterASecond, unknown: true, is: context.Canceled, kind: "other"},
		{name: "cancelled in the body", serve: announces(200, hangs), end: cancelledAfterASecond, unknown: true, is: context.Canceled, kind: "other"},
		{name: "deadline while waiting", serve: hangs, end: expiringAfterASecond, unknown: true, is: context.DeadlineExceeded, kind: "other"},
		{name: "deadline in the body", serve: announces(200, hangs), end: expiringAfterASecond, unknown: true, is: context.DeadlineExceeded, kind: "other"},
	}, []failure{
		status(301, false, false, nil), status(302, false, false, nil), status(303, false, true, nil), status(304, false, false, nil),
		status(307, false, false, nil), status(308, false, false, nil), status(400, false, false, nil),
		status(401, false, false, kodexa.ErrUnauthorized), status(403, false, false, kodexa.ErrForbidden),
		status(404, false, false, kodexa.ErrNotFound), status(408, true, true, nil), status(409, false, false, kodexa.ErrConflict),
		status(412, false, false, kodexa.ErrConflict), status(413, false, false, nil), status(421, false, false, nil),
		status(422, false, false, nil), status(425, true, false, nil), status(429, true, false, kodexa.ErrRateLimited),
		status(499, false, true, nil), status(500, false, true, nil), status(501, false, false, nil), status(502, true, true, nil),
		status(503, true, true, nil), status(504, true, true, nil), status(505, false, true, nil), status(511, false, true, nil),
		status(520, true, true, nil), status(521, true, true, nil), status(522, true, true, nil), status(523, true, true, nil),
		status(524, true, true, nil), status(525, false, true, nil), status(530, false, true, nil),
	})
}

func as[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// TestFailuresAndWhatTheyMean holds the client to the table in the package documentation.
func TestFailuresAndWhatTheyMean(t *testing.T) {
	t.Parallel()
	for _, test := range failures() {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			overBoth(t, func(t *testing.T, speaks protocol) {
				t.Helper()
				if test.only != 0 && test.only != speaks {
					t.Skip("the other version of HTTP can't do that")
				}
				for method, send := range methods {
					test.check(t, speaks, method, send)
				}
			})
		})
	}
}

func (f failure) check(t *testing.T, speaks protocol, method string, send func(context.Context, *kodexa.Client) outcome) {
	t.Helper()
	serve, change, edit := f.serve, f.change, f.edit
	if serve == nil {
		serve = stored
	}
	n := newNetwork(t, speaks, serve)
	tr := n.transport()
	if change != nil {
		change(tr)
	}
	c := newClient(t, tr, kodexa.WithBaseURL("https://example.com"), threeTimes, kodexa.WithTimeout(2*time.Second),
		kodexa.WithMaxResponseBytes(1000), kodexa.WithRequestEditor(func(_ context.Context, req *http.Request) error {
			if edit != nil {
				edit(req)
			}
			return nil
		}))
	defer c.CloseIdleConnections()
	ctx := t.Context()
	if f.end != nil {
		var cancel context.CancelFunc
		ctx, cancel = f.end(ctx)
		defer cancel()
	}
	got := send(ctx, c)

	failed, ok := got.err.(*kodexa.CallError)
	if !ok || got.session != nil {
		t.Fatalf("%s: got %v, %v", method, got.session, got.err)
	}
	isRead := method == "GET"
	want := 1
	switch {
	case f.unsent:
		want = 0
	case f.again, isRead && f.readAgain:
		want = 3
	}
	if failed.Attempts != want {
		t.Errorf("%s: sent %d times, want %d: %v", method, failed.Attempts, want, got.err)
	}
	unknown := f.unknown && !isRead
	if failed.OutcomeUnknown != unknown || errors.Is(got.err, kodexa.ErrOutcomeUnknown) != unknown {
		t.Errorf("%s: outcome unknown is %t: %v", method, failed.OutcomeUnknown, got.err)
	}
	for _, sentinel := range sentinels {
		if errors.Is(got.err, sentinel) != (sentinel == f.is) {
			t.Errorf("%s: being %q is %t: %v", method, sentinel, sentinel != f.is, got.err)
		}
	}
	if f.as != nil && !f.as(got.err) {
		t.Errorf("%s: got %#v", method, failed.Err)
	}
	kind := "other"
	switch {
	case as[*kodexa.APIError](got.err):
		kind = "api"
	case as[*kodexa.ContractError](got.err):
		kind = "contract"
	}
	if kind != f.kind {
		t.Errorf("%s: got an error of kind %s: %v", method, kind, got.err)
	}
}
