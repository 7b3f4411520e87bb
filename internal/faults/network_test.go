package faults_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"
)

// tunnel carries connections to an address, and can do something to those that are open at a time and not to later ones,
// which toxics can't.
type tunnel struct {
	listener net.Listener
	to       string

	mu    sync.Mutex
	links []*link
}

// link is a connection of a client and the one that it is carried by.
type link struct {
	client, server net.Conn
	isDeaf         atomic.Bool // what it is sent vanishes
	isForgotten    atomic.Bool // it is reset when the client next uses it
}

// through leads the scene's clients through a tunnel, and renews its client.
func (s *scene) through(transport http.RoundTripper) *tunnel {
	s.t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	t := &tunnel{listener: listener, to: s.proxy.Listen}
	s.t.Cleanup(func() { _ = listener.Close() })
	s.resting = append(s.resting, goleak.IgnoreAnyFunction("github.com/kodexa-community/kodexa-go/internal/faults_test.(*tunnel).serve"))
	go t.serve()
	base, err := url.Parse(s.baseURL)
	if err != nil {
		s.t.Fatal(err)
	}
	base.Host = listener.Addr().String()
	s.baseURL = base.String()
	s.renew(transport)
	return t
}

func (t *tunnel) serve() {
	for {
		client, err := t.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", t.to)
		if err != nil {
			_ = client.Close()
			continue
		}
		l := &link{client: client, server: server}
		t.mu.Lock()
		t.links = append(t.links, l)
		t.mu.Unlock()
		go l.carry(server, client)
		go l.carry(client, server)
	}
}

// carry copies what from sends.
func (l *link) carry(to io.Writer, from net.Conn) {
	defer func() { _, _ = l.client.Close(), l.server.Close() }()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		switch {
		case n > 0 && l.isForgotten.Load() && from == l.client:
			if tcp, ok := l.client.(*net.TCPConn); ok {
				_ = tcp.SetLinger(0)
			}
			return
		case n > 0 && !l.isDeaf.Load():
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// deafen makes the open connections swallow what they are sent, in either direction.
func (t *tunnel) deafen() { t.each(func(l *link) { l.isDeaf.Store(true) }) }

// forget makes the open connections be reset when they are next used, as a balancer does that has forgotten them.
func (t *tunnel) forget() { t.each(func(l *link) { l.isForgotten.Store(true) }) }

func (t *tunnel) each(do func(*link)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, l := range t.links {
		do(l)
	}
}

// fillPool leaves so many idle connections in the client's pool, or one over HTTP/2.
func (s *scene) fillPool(connections int) {
	s.t.Helper()
	if s.speaks == http2 {
		s.warmUp()
		return
	}
	var arrived, done sync.WaitGroup
	arrived.Add(connections)
	for range connections {
		id := uuid.New()
		s.Enqueue(func(w http.ResponseWriter, _ *http.Request) {
			arrived.Done()
			arrived.Wait() // so that each needs a connection of its own
			status(http.StatusNotFound)(w, nil)
		})
		done.Go(func() { _, _ = s.client.GetSession(new(call).in(s.ctx), id) })
	}
	done.Wait()
}

// connectProxy leads the scene's client through a proxy whose answers to CONNECT are these, in order. After them it connects.
func (s *scene) connectProxy(answers ...http.HandlerFunc) {
	s.t.Helper()
	var asked atomic.Int64
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n := int(asked.Add(1)); n <= len(answers) {
			answers[n-1](w, r)
			return
		}
		connect(w, r)
	}))
	s.t.Cleanup(proxy.Close)
	s.resting = append(s.resting, goleak.IgnoreCurrent())
	at, err := url.Parse(proxy.URL)
	if err != nil {
		s.t.Fatal(err)
	}
	at.User = url.UserPassword("user", proxyPassword)
	transport := s.transport()
	transport.Proxy = http.ProxyURL(at)
	s.ledger.CloseIdleConnections()
	s.ledger.RoundTripper = transport
}

const proxyPassword = "secret-of-the-proxy"

// connect does what CONNECT asks.
func connect(w http.ResponseWriter, r *http.Request) {
	server, err := new(net.Dialer).DialContext(context.WithoutCancel(r.Context()), "tcp", r.Host)
	if err != nil {
		status(http.StatusBadGateway)(w, r)
		return
	}
	l := &link{client: hijack(w), server: server}
	_, _ = io.WriteString(l.client, "HTTP/1.1 200 Connection established\r\n\r\n")
	go l.carry(l.server, l.client)
	go l.carry(l.client, l.server)
}

// slow answers after the client's patience, or at once if the client has gone.
func slow(then http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(2 * ample):
			then(w, r)
		case <-r.Context().Done():
		}
	}
}
