package kodexa

import (
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
)

// isSafe reports whether requests of a method change nothing (RFC 9110, section 9.2.1), so that their outcome is never
// unknown.
func isSafe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions || method == http.MethodTrace
}

// isIdempotent reports whether sending a request twice is meant to do what sending it once does (section 9.2.2).
func isIdempotent(method string) bool {
	return isSafe(method) || method == http.MethodPut || method == http.MethodDelete
}

const statusClientClosedRequest = 499 // nginx: its client went away, and what became of the request is not known

// mayBeApplied reports whether a request may have been applied although it was answered with this status, other than 2xx.
// Gateways say 502 to 504 and 52x of requests that they passed on, 408 may come while the last byte is under way, and a 303
// leads to the result. 501 refuses from the start, and so does every other 4xx.
func mayBeApplied(status int) bool {
	switch status {
	case http.StatusSeeOther, http.StatusRequestTimeout, statusClientClosedRequest:
		return true
	case http.StatusNotImplemented:
		return false
	}
	return status >= 500 || status < 200
}

// trace is what net/http tells of one attempt. Its hooks run on goroutines of the transport, which may outlive the attempt.
type trace struct {
	hooks       httptrace.ClientTrace
	asked       atomic.Bool // for a connection
	reused      atomic.Bool // the connection served a request before
	begun       atomic.Bool // the header was written
	writeFailed atomic.Bool // writing failed
	replayed    atomic.Bool // net/http sent the request again by itself
}

func newTrace() *trace {
	t := &trace{}
	t.hooks = httptrace.ClientTrace{
		GetConn: func(string) {
			t.asked.Store(true)
			if t.isWritten() {
				t.replayed.Store(true)
			}
		},
		GotConn:      func(info httptrace.GotConnInfo) { t.reused.Store(info.Reused) },
		WroteHeaders: t.begin,
		WroteRequest: func(info httptrace.WroteRequestInfo) { t.writeFailed.Store(info.Err != nil) },
	}
	return t
}

// begin notes that the header was written.
func (t *trace) begin() {
	t.begun.Store(true)
	t.writeFailed.Store(false) // the transport may have taken another connection
}

// isWritten reports whether the request may have reached the server as a whole. The transport may fail before it reports that
// the request was written. So a request that was begun counts as written, unless writing is known to have failed.
func (t *trace) isWritten() bool { return t.begun.Load() && !t.writeFailed.Load() }

// mayHaveArrived reports whether a request may have been applied that no answer came to. A foreign transport that tells
// nothing may have sent it.
func (t *trace) mayHaveArrived(isForeign bool) bool {
	return t.isWritten() || isForeign && !t.asked.Load() && !t.begun.Load()
}
