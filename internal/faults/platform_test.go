package faults_test

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/google/uuid"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	kodexa "github.com/kodexa-community/kodexa-go"
	"github.com/kodexa-community/kodexa-go/kodexatest"
)

func TestMain(m *testing.M) {
	zerolog.SetGlobalLevel(zerolog.Disabled) // toxiproxy's toxics log on their own
	log.SetOutput(io.Discard)                // as servers do, of connections that break
	trustTestServers()
	goleak.VerifyTestMain(m, forgotten...)
}

// trustTestServers makes every transport that is made from net/http's own trust the one certificate of httptest.
func trustTestServers() {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		panic("http.DefaultTransport was replaced")
	}
	t.TLSClientConfig = &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
	t.TLSClientConfig.RootCAs.AddCert(server.Certificate())
}

// forgotten are goroutines that toxiproxy itself may leave behind: a toxic can't be interrupted while it hands on a chunk,
// and nobody takes the chunk once a connection is broken. A connection that a client leaks has others.
var forgotten = []goleak.Option{
	goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2/toxics.(*ToxicStub).Run"),
	goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2.(*ToxicLink).read"),
}

// platform is a kodexatest server behind a proxy whose toxics make the network between client and server fail.
type platform struct {
	*kodexatest.Server

	t       testing.TB
	speaks  protocol
	proxy   *toxiproxy.Proxy
	baseURL string          // leads through the proxy
	ledger  ledger          // a client's transport
	pastIt  *http.Client    // reaches the server past the proxy
	resting []goleak.Option // goroutines that are there without any call
}

type protocol int

const (
	http1 protocol = iota + 1 // in plaintext, unless the platform is secure
	http2                     // over TLS, as a client speaks to the real platform
)

var protocols = []protocol{http1, http2}

func (p protocol) String() string { return [...]string{http1: "HTTP/1.1", http2: "HTTP/2"}[p] }

// testName has no slash, which would part it.
func (p protocol) testName() string { return [...]string{http1: "http1", http2: "http2"}[p] }

func newPlatform(t testing.TB, speaks protocol, secure bool) *platform {
	t.Helper()
	newServer := kodexatest.NewServer
	if speaks == http2 || secure {
		newServer = kodexatest.NewTLSServer
	}
	server := newServer()
	t.Cleanup(server.Close)
	upstream, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	p := &platform{
		Server: server,
		t:      t,
		speaks: speaks,
		pastIt: &http.Client{Transport: kodexa.DefaultTransport()},
	}
	p.ledger.RoundTripper = p.transport()
	proxies := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	p.proxy = toxiproxy.NewProxy(proxies, t.Name(), "127.0.0.1:0", upstream.Host)
	if err := p.proxy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.proxy.Stop)
	t.Cleanup(p.heal)
	p.baseURL = upstream.Scheme + "://" + p.proxy.Listen + upstream.Path
	p.resting = append([]goleak.Option{
		goleak.IgnoreCurrent(),
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2.(*Proxy).server"),
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2.(*Proxy).freeBlocker"),
	}, forgotten...)
	return p
}

// transport returns a new one as New makes it, that speaks the protocol.
func (p *platform) transport() *http.Transport {
	t := kodexa.DefaultTransport()
	if p.speaks == http1 {
		t.Protocols = new(http.Protocols)
		t.Protocols.SetHTTP1(true)
		t.TLSClientConfig.NextProtos = nil // what http.DefaultTransport would offer stays in its clones
	}
	return t
}

// client returns a client that reaches the server through the proxy and tells the call in its context of each attempt. It
// sends with the transport, or with its own if that is nil.
func (p *platform) client(transport http.RoundTripper, opts ...kodexa.Option) *kodexa.Client {
	p.t.Helper()
	all := []kodexa.Option{
		kodexa.WithBaseURL(p.baseURL),
		kodexa.WithAPIKey(p.APIKey),
		kodexa.WithLogger(slog.New(attemptHandler{})),
	}
	if transport != nil {
		all = append(all, kodexa.WithHTTPClient(&http.Client{Transport: transport}))
	}
	client, err := kodexa.New(append(all, opts...)...)
	if err != nil {
		p.t.Fatal(err)
	}
	return client
}

// session returns the stored session with this id. There is one.
func (p *platform) session(id uuid.UUID) kodexa.Session {
	stored, ok := p.Session(id)
	if !ok {
		panic("the server lost a session")
	}
	return stored
}

const (
	upstream   = "upstream"   // from client to server
	downstream = "downstream" // from server to client
)

// toxic poisons one direction of the network; kind and attribute are as in toxiproxy's README.
func (p *platform) toxic(kind, direction, attribute string, value int) {
	p.t.Helper()
	const toxic = `{"type": %q, "stream": %q, "attributes": {%q: %d}}`
	if _, err := p.proxy.Toxics.AddToxicJson(strings.NewReader(fmt.Sprintf(toxic, kind, direction, attribute, value))); err != nil {
		p.t.Error(err)
	}
}

// heal removes all toxics. What they held back goes on its way.
func (p *platform) heal() { p.proxy.Toxics.ResetToxics(context.Background()) }

// goDown closes the server's port and every connection to it; what is stored stays.
func (p *platform) goDown() {
	p.ledger.CloseIdleConnections() // HTTP/2 may write to a connection that is about to be closed, or not any more
	p.proxy.Stop()
}

// comeBack opens the port again.
func (p *platform) comeBack() {
	if err := p.proxy.Start(); err != nil {
		p.t.Error(err)
	}
}

// calm waits until nothing is under way any more, on either side of the proxy, and fails if something never ends: a
// connection that is neither closed nor idle keeps goroutines of client, proxy and server.
func (p *platform) calm(client *kodexa.Client) {
	p.t.Helper()
	p.heal()
	var leak error
	// A connection may become idle only now: HTTP/2 forgets a stream a moment after its answer, and the handshakes of
	// connections that nobody waits for any more go on after a soak.
	for start := time.Now(); time.Since(start) < patient; {
		client.CloseIdleConnections()
		p.ledger.CloseIdleConnections()
		p.pastIt.CloseIdleConnections()
		if leak = cmp.Or(goleak.Find(p.resting...), p.ledger.balance()); leak == nil {
			return
		}
	}
	p.t.Error(leak)
}

// ledger is a transport that counts what a client has to end.
type ledger struct {
	http.RoundTripper

	bodies   atomic.Int64 // answers whose body is not closed
	contexts atomic.Int64 // attempts whose context, which has a timer, is not done
}

func (l *ledger) RoundTrip(req *http.Request) (*http.Response, error) {
	l.contexts.Add(1)
	context.AfterFunc(req.Context(), func() { l.contexts.Add(-1) })
	res, err := l.RoundTripper.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	l.bodies.Add(1)
	res.Body = &ledgerBody{ReadCloser: res.Body, close: sync.OnceFunc(func() { l.bodies.Add(-1) })}
	return res, nil
}

func (l *ledger) CloseIdleConnections() {
	if t, ok := l.RoundTripper.(*http.Transport); ok {
		t.CloseIdleConnections()
	}
}

func (l *ledger) balance() error {
	if bodies, contexts := l.bodies.Load(), l.contexts.Load(); bodies != 0 || contexts != 0 {
		return fmt.Errorf("the client left the bodies of %d answers and the contexts of %d attempts open", bodies, contexts)
	}
	return nil
}

type ledgerBody struct {
	io.ReadCloser

	close func()
}

func (b *ledgerBody) Close() error {
	b.close()
	return b.ReadCloser.Close()
}

// An answer is what a request gets in place of the server's own.
type answer struct {
	applied bool // the server stores the update before
	with    http.HandlerFunc
}

func applied(with http.HandlerFunc) answer   { return answer{true, with} }
func unapplied(with http.HandlerFunc) answer { return answer{false, with} }

// storm is an answer to every attempt.
func storm(a answer) []answer { return slices.Repeat([]answer{a}, maxAttempts) }

// answer gives the next requests these answers, in order.
func (p *platform) answer(answers ...answer) {
	if len(answers) == 0 {
		return
	}
	p.Enqueue(func(w http.ResponseWriter, r *http.Request) {
		if answers[0].applied {
			p.apply(r)
		}
		p.answer(answers[1:]...) // not before: apply sends a request too
		answers[0].with(w, r)
	})
}

// apply has the server do what r asks, whoever waits for it.
func (p *platform) apply(r *http.Request) {
	again := r.Clone(context.WithoutCancel(r.Context()))
	again.RequestURI = ""
	again.URL, _ = url.Parse(p.URL + r.URL.Path)
	res, err := p.pastIt.Do(again)
	if err != nil {
		return // in the soak this request may meet the next fault
	}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", code) }
}

// statusAfter is a status that asks for some seconds of patience.
func statusAfter(code, seconds int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
		status(code)(w, r)
	}
}

// reset breaks the connection, or over HTTP/2 the stream.
func reset(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor > 1 {
		panic(http.ErrAbortHandler)
	}
	conn := hijack(w)
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// silence keeps the connection open until the client goes away.
func silence(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// loginPage is what a proxy answers that wants to be logged in to.
func loginPage(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html")
	_, _ = io.WriteString(w, "<html>Log in</html>")
}

// halfAnAnswer breaks off in the middle of the body.
func halfAnAnswer(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", "1000")
	_, _ = io.WriteString(w, `{"state": "CL`)
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// byteByByte answers one byte a millisecond, for as long as anyone listens.
func byteByByte(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			_, _ = io.WriteString(w, " ")
			_ = http.NewResponseController(w).Flush()
		case <-r.Context().Done():
			return
		}
	}
}

func hijack(w http.ResponseWriter) net.Conn {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	return conn
}

// call is what a client logs of one call.
type call struct {
	statuses []int          // one an attempt; 0 is none
	failures []string       // of the attempts that failed without a status
	after    map[int]func() // what happens when this attempt is over
}

type callKey struct{}

func (c *call) in(ctx context.Context) context.Context { return context.WithValue(ctx, callKey{}, c) }

// attemptHandler hands each record to the call in its context.
type attemptHandler struct{}

func (attemptHandler) Enabled(context.Context, slog.Level) bool { return true }
func (h attemptHandler) WithAttrs([]slog.Attr) slog.Handler     { return h }
func (h attemptHandler) WithGroup(string) slog.Handler          { return h }

func (attemptHandler) Handle(ctx context.Context, r slog.Record) error {
	c, ok := ctx.Value(callKey{}).(*call)
	if !ok {
		return errors.New("an attempt of no call")
	}
	status := 0
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "status":
			status = int(a.Value.Int64())
		case "error":
			c.failures = append(c.failures, a.Value.String())
		}
		return true
	})
	c.statuses = append(c.statuses, status)
	if then := c.after[len(c.statuses)]; then != nil {
		then()
	}
	return nil
}

// What a caller can tell errors apart by.
const (
	success  = "success"
	timeout  = "timeout" // of an attempt
	deadline = "context.DeadlineExceeded"
	canceled = "context.Canceled"
	broken   = "ContractError"
	network  = "network error"
	unknown  = " + ErrOutcomeUnknown"
)

// kindOf names err as a caller sees it.
func kindOf(err error) string {
	if err == nil {
		return success
	}
	kind := network
	api, isAPI := errors.AsType[*kodexa.APIError](err)
	_, isBroken := errors.AsType[*kodexa.ContractError](err)
	var timer interface{ Timeout() bool }
	switch {
	case isAPI:
		kind = statusText(api.StatusCode)
	case isBroken:
		kind = broken
	case errors.Is(err, context.Canceled):
		kind = canceled
	case errors.Is(err, context.DeadlineExceeded):
		kind = deadline
	case errors.As(err, &timer) && timer.Timeout():
		kind = timeout
	}
	if errors.Is(err, kodexa.ErrOutcomeUnknown) {
		kind += unknown
	}
	return kind
}

func statusText(code int) string { return strconv.Itoa(code) + " " + http.StatusText(code) }
