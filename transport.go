package kodexa

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"sync/atomic"
	"time"
)

// DefaultTransport returns a new transport as [New] makes it, for [WithHTTPClient]: to add a CA, a proxy or otelhttp. It is
// net/http's own with a pool of 256 idle connections, answers of at most 1 MiB of header, and health checks of HTTP/2
// connections: one that is silent for 5 seconds is asked for a sign of life, and closed after 5 more. An idle connection is
// closed after 90 seconds, before load balancers commonly forget it. It uses the proxies of the environment, and an error names
// the proxy that refused to connect. An answer that comes before a large request is written, such as a 413, is returned, where
// net/http may report that the write failed.
//
// A client without [WithHTTPClient] checks more often where a quarter of [WithTimeout] is less than 5 seconds, and closes its
// idle connections after one of them failed.
func DefaultTransport() *http.Transport { return newDefaultTransport(defaultTimeout) }

func newDefaultTransport(timeout time.Duration) *http.Transport {
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		t = &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true}
	}
	t = t.Clone()
	t.MaxIdleConns, t.MaxIdleConnsPerHost = 256, 256
	t.MaxResponseHeaderBytes = 1 << 20
	// Load balancers and NAT forget a connection after a few minutes without a word; the next request on it would be reset.
	t.IdleConnTimeout = 90 * time.Second
	// A dead HTTP/2 connection swallows every request until somebody notices.
	ping := min(timeout/4, 5*time.Second)
	t.HTTP2 = &http.HTTP2Config{SendPingTimeout: ping, PingTimeout: ping}
	t.OnProxyConnectResponse = checkProxy
	dial := t.DialContext
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		return &patientConn{Conn: conn}, err
	}
	return t
}

// patientConn delays the error of a write until reading fails too, but for a second at most. In that time net/http reads an
// answer that came early, such as a 413; else it would fail with the error and lose the answer.
type patientConn struct {
	net.Conn

	hasEnded atomic.Bool // by what the last read says
}

func (c *patientConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.hasEnded.Store(err != nil)
	return n, err
}

func (c *patientConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	for waits := 0; err != nil && !errors.Is(err, net.ErrClosed) && !c.hasEnded.Load() && waits < 1000; waits++ {
		time.Sleep(time.Millisecond)
	}
	return n, err
}

// errProxyForbids is a proxy's answer that another attempt would get too, or that may lock an account.
var errProxyForbids = errors.New("refused to connect")

func checkProxy(_ context.Context, proxy *url.URL, _ *http.Request, res *http.Response) error {
	switch res.StatusCode {
	case http.StatusOK:
		return nil
	case http.StatusForbidden, http.StatusProxyAuthRequired:
		return fmt.Errorf("the proxy %s %w: %s", proxy.Host, errProxyForbids, statusLine(res.StatusCode))
	}
	return fmt.Errorf("the proxy %s refused to connect: %s", proxy.Host, statusLine(res.StatusCode))
}

// transport is how requests are sent: as http.Client does, except that nothing is ever redirected.
type transport struct {
	http.RoundTripper

	jar       http.CookieJar
	isForeign bool // not net/http's: it may tell nothing to httptrace
}

func newTransport(hc *http.Client, timeout time.Duration) transport {
	if hc == nil {
		return transport{RoundTripper: newDefaultTransport(timeout)}
	}
	given := cmp.Or(hc.Transport, http.DefaultTransport)
	_, isNetHTTP := given.(*http.Transport)
	return transport{RoundTripper: given, jar: hc.Jar, isForeign: !isNetHTTP}
}

func (t transport) closeIdle() { (&http.Client{Transport: t.RoundTripper}).CloseIdleConnections() }

// send sends req once, with the cookies of the jar. It returns either an answer whose fields can be used, or an error.
func (t transport) send(req *http.Request) (*http.Response, error) {
	if t.jar != nil {
		for _, cookie := range t.jar.Cookies(req.URL) {
			req.AddCookie(cookie)
		}
	}
	res, err := t.RoundTrip(req)
	if err == nil && (res == nil || res.StatusCode == 0) {
		err = errors.New("the transport returned neither an answer nor an error")
	}
	if err != nil {
		if res != nil && res.Body != nil {
			_ = res.Body.Close()
		}
		return nil, err
	}
	res.Body = cmp.Or[io.ReadCloser](res.Body, http.NoBody)
	if res.Header == nil {
		res.Header = http.Header{}
	}
	if t.jar != nil {
		t.jar.SetCookies(req.URL, res.Cookies())
	}
	return res, nil
}

// answer is how an attempt ended: with a response, or with an error in place of one.
type answer struct {
	*http.Response // with status 0 and nothing else if none came

	begun    time.Time
	received []byte          // the body, as far as it was read
	err      error           // why there is no response, or why received is not all of its body
	isFinal  bool            // another attempt can't do better
	ctx      context.Context //nolint:containedctx // the attempt ends with its body
	cancel   context.CancelFunc
}

var noResponse = &http.Response{Body: http.NoBody}

// attempt sends the request once. It notes whether it may have been applied unseen, and reads the body of a 2xx.
func (k *call) attempt() {
	begun := time.Now()
	ctx, cancel := context.WithTimeout(k.req.Context(), k.timeout)
	t := newTrace()
	if len(k.sent) == 0 && !isSafe(k.req.Method) { // the header is all of it, which HTTP/2 sends before it calls WroteHeaders
		t.hooks.WroteHeaderField = func(string, []string) { t.begin() }
	}
	req := k.req.WithContext(httptrace.WithClientTrace(ctx, &t.hooks))
	if k.transport.isForeign || k.transport.jar != nil { // which may change it
		req = req.Clone(req.Context())
	}
	if len(k.sent) > 0 {
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(k.sent)), nil }
		req.Body, _ = req.GetBody() // of a type that net/http sends in one write with the header
	}
	k.attempts++
	res, err := k.transport.send(req)
	k.inDoubt = k.inDoubt || t.replayed.Load() || err != nil && t.mayHaveArrived(k.transport.isForeign)
	k.answer = answer{Response: res, begun: begun, ctx: ctx, cancel: cancel}
	switch {
	case err != nil:
		k.Response = noResponse
		k.isFinal = isFinal(err) || !k.transport.isForeign && !t.asked.Load()
		k.err = k.explain(err)
		cancel()
		if k.httpClient == nil && t.reused.Load() && k.req.Context().Err() == nil {
			k.transport.closeIdle() // what ended this connection may have ended the others in a pool that nobody else uses
		}
	case res.StatusCode/100 == 2:
		k.read(k.maxResponseBytes)
	default:
		k.inDoubt = k.inDoubt || mayBeApplied(res.StatusCode)
	}
}

// read reads the body of an answer up to limit and ends the attempt. What there is comes with the error.
func (k *call) read(limit int64) {
	defer k.cancel()
	defer func() { _ = k.Body.Close() }()
	if k.StatusCode != http.StatusSwitchingProtocols { // what follows that is no body and may never end
		k.received, k.err = readAll(k.Body, k.ContentLength, limit)
	}
	if k.err != nil && !errors.Is(k.err, ErrResponseTooLarge) {
		k.err = k.explain(k.err)
	}
}

// maxAnnounced is the most that is allocated for a Content-Length before the bytes have come.
const maxAnnounced = 16 << 20

// readAll reads all of r, whose length is expected to be size, or is not known if that is not positive. It reads one byte more
// than expected, and one more than the limit, to find out whether there is more.
func readAll(r io.Reader, size, limit int64) (body []byte, err error) {
	limit = min(limit, math.MaxInt64-1)
	if size > 0 {
		buffer := make([]byte, min(size, limit, maxAnnounced)+1)
		for len(body) < len(buffer) && err == nil {
			var n int
			n, err = r.Read(buffer[len(body):])
			body = buffer[:len(body)+n]
		}
	}
	if err == nil && int64(len(body)) <= limit {
		var rest []byte
		rest, err = io.ReadAll(io.LimitReader(r, limit+1-int64(len(body))))
		if len(body) > 0 {
			rest = slices.Concat(body, rest)
		}
		body = rest
	}
	if int64(len(body)) > limit {
		return body[:limit], fmt.Errorf("%w: more than %d bytes", ErrResponseTooLarge, limit)
	}
	if err == io.EOF {
		err = nil
	}
	return body, err
}

// discard gives up an answer that nobody reads. Its connection is kept if there is little more to read and it comes soon.
func (a *answer) discard() {
	defer a.cancel()
	defer time.AfterFunc(100*time.Millisecond, a.cancel).Stop()
	_, _ = io.CopyN(io.Discard, a.Body, 64<<10)
	_ = a.Body.Close()
}
