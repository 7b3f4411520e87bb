package faults_test

import (
	"errors"
	"net/http"
	"sync/atomic"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
)

// flattener is a transport that makes texts of errors, so that nothing can be told by their type.
type flattener struct{ http.RoundTripper }

func (f flattener) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := f.RoundTripper.RoundTrip(req)
	if err != nil {
		return nil, errors.New("transport: " + err.Error())
	}
	return res, nil
}

func (f flattener) CloseIdleConnections() { closeIdle(f.RoundTripper) }

// breaker is a transport that sends nothing after a failure.
type breaker struct {
	http.RoundTripper

	isOpen *atomic.Bool
}

var errOpen = errors.New(`circuit breaker "kodexa" is open`)

func (b breaker) RoundTrip(req *http.Request) (*http.Response, error) {
	if b.isOpen.Load() {
		_ = req.Body.Close()
		return nil, errOpen
	}
	res, err := b.RoundTripper.RoundTrip(req)
	if err != nil {
		b.isOpen.Store(true)
	}
	return res, err
}

func (b breaker) CloseIdleConnections() { closeIdle(b.RoundTripper) }

// traced is a transport as most programs have it that record traces.
type traced struct {
	*otelhttp.Transport

	next http.RoundTripper
}

func newTraced(next http.RoundTripper) traced { return traced{otelhttp.NewTransport(next), next} }

func (t traced) CloseIdleConnections() { closeIdle(t.next) }

func closeIdle(t http.RoundTripper) {
	if c, ok := t.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}
