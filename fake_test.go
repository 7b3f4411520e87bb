package kodexa_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"os"
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

// hangsInTheBody makes a reaction of an answer whose body ends with the context of the request.
func hangsInTheBody(status int) reaction {
	return func(req *http.Request) (*http.Response, error) {
		hanging := readerFunc(func([]byte) (int, error) {
			<-req.Context().Done()
			return 0, context.Cause(req.Context())
		})
		return answersBody(io.NopCloser(hanging), status, "Content-Type", "application/json")(req)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

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

// attempts returns how many the error says that there were, or 0.
func (o outcome) attempts() int {
	if call, ok := errors.AsType[*kodexa.CallError](o.err); ok {
		return call.Attempts
	}
	return 0
}

// newClient returns a client that sends through a transport.
func newClient(tb testing.TB, rt http.RoundTripper, opts ...kodexa.Option) *kodexa.Client {
	tb.Helper()
	c, err := kodexa.New(append([]kodexa.Option{
		kodexa.WithAPIKey("key"), kodexa.WithBaseURL("http://localhost"), kodexa.WithHTTPClient(&http.Client{Transport: rt}),
	}, opts...)...)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// call makes a call whose attempts are scripted.
func call(ctx context.Context, tb testing.TB, s *script, opts ...kodexa.Option) outcome {
	tb.Helper()
	return update(ctx, newClient(tb, s, opts...))
}

// update makes a call that sends something.
func update(ctx context.Context, c *kodexa.Client) outcome {
	start := time.Now()
	session, err := c.UpdateSession(ctx, uuid.Nil, kodexa.Session{State: new("OPEN")})
	return outcome{session, err, time.Since(start)}
}

// read makes a call that changes nothing.
func read(ctx context.Context, c *kodexa.Client) outcome {
	start := time.Now()
	session, err := c.GetSession(ctx, uuid.Nil)
	return outcome{session, err, time.Since(start)}
}

// methods are the ways to make a call.
var methods = map[string]func(context.Context, *kodexa.Client) outcome{"GET": read, "PUT": update}

func retrying(maxAttempts int, baseDelay, maxDelay time.Duration) kodexa.Option {
	return kodexa.WithRetry(kodexa.RetryPolicy{MaxAttempts: maxAttempts, BaseDelay: baseDelay, MaxDelay: maxDelay})
}

var (
	threeTimes  = retrying(3, time.Second, 10*time.Second)
	errReset    = &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
	errRefused  = &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	errTimedOut = &net.OpError{Op: "read", Net: "tcp", Err: os.ErrDeadlineExceeded}
)

func cancelledAfterASecond(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	time.AfterFunc(time.Second, cancel)
	return ctx, cancel
}

func expiringAfterASecond(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, time.Second)
}

func isTimeout(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
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

type badCloser struct{ io.Reader }

func (badCloser) Close() error { return io.ErrUnexpectedEOF }

// countingReader hides the length of what it reads.
type countingReader struct {
	r     io.Reader
	reads int
}

func (c *countingReader) Read(p []byte) (int, error) {
	c.reads++
	return c.r.Read(p)
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

const (
	kib = 1 << 10
	mib = 1 << 20
	gib = 1 << 30
)

// bounded returns a client of a server on loopback with one handler, which tries once.
func bounded(tb testing.TB, h http.HandlerFunc, opts ...kodexa.Option) *kodexa.Client {
	tb.Helper()
	server := httptest.NewServer(h)
	tb.Cleanup(server.Close)
	c, err := kodexa.New(append([]kodexa.Option{
		kodexa.WithAPIKey("key"), kodexa.WithBaseURL(server.URL), kodexa.WithRetry(kodexa.RetryPolicy{MaxAttempts: 1}),
	}, opts...)...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.CloseIdleConnections)
	return c
}

// stored answers as the platform does that has stored a session.
func stored(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{}`)
}

// protocol is a version of HTTP.
type protocol int

const (
	http1 protocol = 1
	http2 protocol = 2
)

// overBoth runs a test in a bubble for each version of HTTP. Time passes in it only while all wait.
func overBoth(t *testing.T, test func(t *testing.T, speaks protocol)) {
	t.Helper()
	for name, speaks := range map[string]protocol{"HTTP 1.1": http1, "HTTP 2": http2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { test(t, speaks) })
		})
	}
}

// network leads to a server over TLS whose connections stay in memory, so that it can be used in a bubble.
type network struct {
	server *httptest.Server
	accept chan net.Conn
	closed chan struct{}
	close  func()

	mu    sync.Mutex
	wires []*wire
}

// newNetwork starts the server.
func newNetwork(t *testing.T, speaks protocol, h http.HandlerFunc) *network {
	t.Helper()
	n := &network{accept: make(chan net.Conn), closed: make(chan struct{})}
	n.close = sync.OnceFunc(func() { close(n.closed) })
	var serving sync.WaitGroup
	t.Cleanup(serving.Wait) // after the server is closed: a handler may still sleep
	n.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		serving.Add(1)
		defer serving.Done()
		h(w, r)
	}))
	_ = n.server.Listener.Close()
	n.server.Listener = n
	n.server.EnableHTTP2 = speaks == http2
	n.server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	n.server.StartTLS()
	t.Cleanup(n.server.Close)
	return n
}

// Accept, Close and Addr make it the listener of the server.
func (n *network) Accept() (net.Conn, error) {
	select {
	case conn := <-n.accept:
		return conn, nil
	case <-n.closed:
		return nil, net.ErrClosed
	}
}

func (n *network) Close() error {
	n.close()
	return nil
}

func (*network) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 443} }

func (n *network) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case n.accept <- far:
	case <-n.closed:
		return nil, errRefused
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	w := &wire{Conn: near}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.wires = append(n.wires, w)
	return w, nil
}

// each does something to all connections that there are.
func (n *network) each(do func(*wire)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, w := range n.wires {
		do(w)
	}
}

func (n *network) dials() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.wires)
}

// transport returns a transport of DefaultTransport that leads there.
func (n *network) transport() *http.Transport {
	tr := kodexa.DefaultTransport()
	tr.Proxy = nil
	tr.DialContext = n.dial
	tr.TLSClientConfig = &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS13}
	tr.TLSClientConfig.RootCAs.AddCert(n.server.Certificate())
	return tr
}

// client returns a client that leads there through a transport which is not its own.
func (n *network) client(t *testing.T, opts ...kodexa.Option) *kodexa.Client {
	t.Helper()
	c := newClient(t, n.transport(), append([]kodexa.Option{kodexa.WithBaseURL("https://example.com")}, opts...)...)
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// ownClient returns a client that leads there through the transport of New. It replaces a variable of net/http for a moment,
// so the test must not be parallel.
func (n *network) ownClient(t *testing.T, opts ...kodexa.Option) *kodexa.Client {
	t.Helper()
	before := http.DefaultTransport
	defer func() { http.DefaultTransport = before }()
	http.DefaultTransport = n.transport()
	c, err := kodexa.New(append([]kodexa.Option{kodexa.WithAPIKey("key"), kodexa.WithBaseURL("https://example.com")}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// wire is a client's end of a connection.
type wire struct {
	net.Conn

	isDead      atomic.Bool // it swallows what is written
	isForgotten atomic.Bool // it is reset when something is written
	isSlow      atomic.Bool // it takes a second to say that something was written
	isReset     atomic.Bool
}

func (w *wire) Write(p []byte) (int, error) {
	switch {
	case w.isDead.Load():
		return len(p), nil
	case w.isForgotten.Load():
		w.isReset.Store(true)
		return len(p), w.SetReadDeadline(time.Unix(1, 0))
	case w.isSlow.Load():
		defer time.Sleep(time.Second)
	}
	return w.Conn.Write(p)
}

func (w *wire) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	if w.isReset.Load() {
		return 0, errReset
	}
	return n, err
}
