package faults_test

import (
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

var faults = []fault{
	{
		name:    "none",
		happens: func(*scene) {},
		outcome: outcome{success, 1, 1},
	},

	// The network is slow.
	{
		name:    "latency, within the timeout",
		happens: func(s *scene) { s.toxic("latency", downstream, "latency", 50) },
		outcome: outcome{success, 1, 1},
	},
	{
		name:    "latency: the requests arrive after their timeout",
		happens: func(s *scene) { s.toxic("latency", upstream, "latency", 10_000) },
		timeout: short,
		outcome: outcome{timeout + unknown, 3, 1},
	},
	{
		name:    "latency: the answers arrive after their timeout",
		happens: func(s *scene) { s.toxic("latency", downstream, "latency", 10_000) },
		timeout: short,
		outcome: outcome{timeout + unknown, 3, 1},
	},
	{
		name: "latency: the first answer arrives after its timeout",
		happens: func(s *scene) {
			s.toxic("latency", downstream, "latency", 10_000)
			s.after(1, s.heal)
		},
		timeout: ample,
		outcome: outcome{statusText(409) + unknown, 2, 1},
	},
	{
		name:    "bandwidth, enough within the timeout",
		happens: func(s *scene) { s.toxic("bandwidth", downstream, "rate", 5) },
		outcome: outcome{success, 1, 1},
	},
	{
		name: "bandwidth: too little for the request",
		happens: func(s *scene) {
			s.toxic("bandwidth", upstream, "rate", 1)
			s.update.Token = new(strings.Repeat("x", 2000))
		},
		timeout: short,
		outcome: outcome{timeout + unknown, 3, 1},
	},
	{
		name: "bandwidth: enough for the answer's header, too little for its body",
		happens: func(s *scene) {
			s.toxic("bandwidth", downstream, "rate", 1)
			s.update.Token = new(strings.Repeat("x", 5000))
		},
		timeout: ample,
		outcome: outcome{timeout + unknown, 1, 1},
	},
	{
		name:    "answer in single bytes, within the timeout",
		happens: func(s *scene) { s.toxic("slicer", downstream, "average_size", 1) },
		outcome: outcome{success, 1, 1},
	},
	{
		name:    "answer byte by byte, beyond the timeout",
		happens: func(s *scene) { s.answer(applied(byteByByte)) },
		timeout: ample,
		outcome: outcome{timeout + unknown, 1, 1},
	},

	// The network loses what it carries.
	{
		name:    "timeout: requests vanish",
		happens: func(s *scene) { s.toxic("timeout", upstream, "timeout", 0) },
		timeout: short,
		outcome: outcome{timeout + unknown, 3, 0},
	},
	{
		name:    "timeout: answers vanish",
		happens: func(s *scene) { s.toxic("timeout", downstream, "timeout", 0) },
		timeout: short,
		outcome: outcome{timeout + unknown, 3, 1},
	},
	{
		name:    "timeout: answers vanish, then the connection closes",
		happens: func(s *scene) { s.toxic("timeout", downstream, "timeout", 100) },
		outcome: outcome{network + unknown, 3, 1},
	},
	{
		name:    "server silent after the update",
		happens: func(s *scene) { s.answer(applied(silence)) },
		timeout: ample,
		outcome: outcome{statusText(409) + unknown, 2, 1},
	},

	// The network breaks.
	{
		name: "reset before the request arrives, each time",
		happens: func(s *scene) {
			s.ledger.CloseIdleConnections() // as for goDown
			s.toxic("reset_peer", upstream, "timeout", 0)
		},
		outcome: outcome{network + unknown, 3, 0},
		over2:   outcome{network, 3, 0}, // within the handshake
	},
	{
		name: "reset before the request arrives, once",
		happens: func(s *scene) {
			s.toxic("reset_peer", upstream, "timeout", 0)
			s.after(1, s.heal)
		},
		outcome: outcome{success, 2, 1},
	},
	{
		name:    "reset after the update, each time",
		happens: func(s *scene) { s.toxic("reset_peer", downstream, "timeout", 0) },
		outcome: outcome{network + unknown, 3, 1},
	},
	{
		name: "reset after the update, once",
		happens: func(s *scene) {
			s.toxic("reset_peer", downstream, "timeout", 0)
			s.after(1, s.heal)
		},
		outcome: outcome{statusText(409) + unknown, 2, 1},
	},
	{
		name: "reset after the update, once, without changeSequence",
		happens: func(s *scene) {
			s.toxic("reset_peer", downstream, "timeout", 0)
			s.after(1, s.heal)
			s.update.ChangeSequence = nil
		},
		outcome: outcome{success, 2, 2},
	},
	{
		name: "reset of a pooled connection as it is used",
		happens: func(s *scene) {
			s.warmUp()
			s.answer(unapplied(reset))
		},
		outcome: outcome{success, 2, 1},
	},
	{
		name: "reset of a pooled connection after the update",
		happens: func(s *scene) {
			s.warmUp()
			s.answer(applied(reset))
		},
		outcome: outcome{statusText(409) + unknown, 2, 1},
	},
	{
		name:    "connection closed within the answer's header",
		happens: func(s *scene) { s.toxic("limit_data", downstream, "bytes", 30) },
		outcome: outcome{network + unknown, 3, 1},
	},
	{
		name: "connection closed within the answer's body",
		happens: func(s *scene) {
			s.toxic("limit_data", downstream, "bytes", 1000)
			s.update.Token = new(strings.Repeat("x", 2000))
		},
		outcome: outcome{broken + unknown, 1, 1},
	},
	{
		name: "connection closed within the request's body",
		happens: func(s *scene) {
			s.toxic("limit_data", upstream, "bytes", 1000)
			s.update.Token = new(strings.Repeat("x", 2000))
		},
		outcome: outcome{network + unknown, 3, 0},
	},
	{
		name:    "slow close after a complete answer",
		happens: func(s *scene) { s.toxic("slow_close", downstream, "delay", 10_000) },
		outcome: outcome{success, 1, 1},
	},
	{
		name: "slow close of an answer that ends with its connection",
		only: http1,
		happens: func(s *scene) {
			s.toxic("slow_close", downstream, "delay", 10_000)
			s.answer(applied(s.untilClosed))
		},
		timeout: ample,
		outcome: outcome{timeout + unknown, 1, 1},
	},

	// The server is not there.
	{
		name:    "connections refused",
		happens: func(s *scene) { s.goDown() },
		outcome: outcome{network, 3, 0},
	},
	{
		name: "server restarts before the update",
		happens: func(s *scene) {
			s.answer(unapplied(func(http.ResponseWriter, *http.Request) { s.goDown() }))
			s.after(2, s.comeBack)
		},
		outcome: outcome{success, 3, 1},
	},
	{
		name: "server restarts after the update",
		happens: func(s *scene) {
			s.answer(applied(func(http.ResponseWriter, *http.Request) { s.goDown() }))
			s.after(2, s.comeBack)
		},
		outcome: outcome{statusText(409) + unknown, 3, 1},
	},
	{
		name: "server goes down after the update",
		happens: func(s *scene) {
			s.answer(applied(func(http.ResponseWriter, *http.Request) { s.goDown() }))
		},
		outcome: outcome{network + unknown, 3, 1},
	},

	// The platform, or a gateway before it, says no.
	{
		name:    "429 storm",
		happens: func(s *scene) { s.answer(storm(unapplied(status(429)))...) },
		outcome: outcome{statusText(429), 3, 0},
	},
	{
		name:    "429 twice",
		happens: func(s *scene) { s.answer(unapplied(status(429)), unapplied(status(429))) },
		outcome: outcome{success, 3, 1},
	},
	{
		name:    "429, Retry-After beyond MaxDelay",
		happens: func(s *scene) { s.answer(unapplied(statusAfter(429, 3600))) },
		outcome: outcome{statusText(429), 1, 0},
	},
	{
		name:    "503 storm",
		happens: func(s *scene) { s.answer(storm(unapplied(status(503)))...) },
		outcome: outcome{statusText(503) + unknown, 3, 0},
	},
	{
		name:    "503 of a gateway that applied the update",
		happens: func(s *scene) { s.answer(applied(status(503))) },
		outcome: outcome{statusText(409) + unknown, 2, 1},
	},
	{
		name:    "503 of a gateway that applied the update, each time",
		happens: func(s *scene) { s.answer(storm(applied(status(503)))...) },
		outcome: outcome{statusText(503) + unknown, 3, 1},
	},
	{
		name:    "503 twice",
		happens: func(s *scene) { s.answer(unapplied(status(503)), unapplied(status(503))) },
		outcome: outcome{success, 3, 1},
	},
	{
		name:    "503, Retry-After beyond the call's deadline",
		happens: func(s *scene) { s.answer(unapplied(statusAfter(503, 3600))) },
		wait:    2 * time.Hour,
		outcome: outcome{statusText(503) + unknown, 1, 0},
	},
	{
		name:    "502 storm, nothing applied",
		happens: func(s *scene) { s.answer(storm(unapplied(status(502)))...) },
		outcome: outcome{statusText(502) + unknown, 3, 0},
	},
	{
		name:    "502 after the update",
		happens: func(s *scene) { s.answer(applied(status(502))) },
		outcome: outcome{statusText(409) + unknown, 2, 1},
	},
	{
		name:    "504 before the update",
		happens: func(s *scene) { s.answer(unapplied(status(504))) },
		outcome: outcome{success, 2, 1},
	},
	{
		name:    "504 after the update",
		happens: func(s *scene) { s.answer(applied(status(504))) },
		outcome: outcome{statusText(409) + unknown, 2, 1},
	},
	{
		name:    "504 after the update, then 503 storm",
		happens: func(s *scene) { s.answer(applied(status(504)), unapplied(status(503)), unapplied(status(503))) },
		outcome: outcome{statusText(503) + unknown, 3, 1},
	},
	{
		name:    "504 after the update, then 401",
		happens: func(s *scene) { s.answer(applied(status(504)), unapplied(status(401))) },
		outcome: outcome{statusText(401) + unknown, 2, 1},
	},
	{
		name: "504 before the update, then another's update",
		happens: func(s *scene) {
			s.answer(unapplied(status(504)))
			s.after(1, s.steal)
		},
		outcome: outcome{statusText(409) + unknown, 2, 0},
	},
	{
		name:    "500 after the update",
		happens: func(s *scene) { s.answer(applied(status(500))) },
		outcome: outcome{statusText(500) + unknown, 1, 1},
	},
	{
		name:    "another's update before",
		happens: func(s *scene) { s.steal() },
		outcome: outcome{statusText(409), 1, 0},
	},

	// The answer to an update that was applied is of no use.
	{
		name:    "login page in place of the answer",
		happens: func(s *scene) { s.answer(applied(loginPage)) },
		outcome: outcome{broken + unknown, 1, 1},
	},
	{
		name:    "half an answer",
		happens: func(s *scene) { s.answer(applied(halfAnAnswer)) },
		outcome: outcome{broken + unknown, 1, 1},
	},

	// The caller gives up.
	{
		name: "caller cancels before the answer to an update",
		happens: func(s *scene) {
			s.answer(applied(func(w http.ResponseWriter, r *http.Request) {
				s.cancel()
				silence(w, r)
			}))
		},
		outcome: outcome{canceled + unknown, 1, 1},
	},
	{
		name: "caller cancels during the wait after 429",
		happens: func(s *scene) {
			s.answer(unapplied(statusAfter(429, 30)))
			s.after(1, s.cancelSoon)
		},
		wait:    patient / 2,
		outcome: outcome{canceled, 1, 0},
	},
	{
		name: "caller cancels during the wait after 504, which came after the update",
		happens: func(s *scene) {
			s.answer(applied(statusAfter(504, 30)))
			s.after(1, s.cancelSoon)
		},
		wait:    patient / 2,
		outcome: outcome{canceled + unknown, 1, 1},
	},
	{
		name: "caller's deadline passes before the answer to an update",
		happens: func(s *scene) {
			s.toxic("timeout", downstream, "timeout", 0)
			s.deadline(ample)
		},
		outcome: outcome{deadline + unknown, 1, 1},
	},

	// Connections are dead, and nobody says so.
	{
		name: "dead connection in the pool: it swallows every byte",
		happens: func(s *scene) {
			network := s.through(nil)
			s.warmUp()
			network.deafen()
		},
		timeout: ample,
		outcome: outcome{success, 2, 1},
	},
	{
		name: "dead connection that another call waits on",
		only: http2,
		happens: func(s *scene) {
			network := s.through(nil)
			s.meanwhile(silence)
			network.deafen()
		},
		timeout: ample,
		outcome: outcome{success, 2, 1},
	},
	{
		name: "forgotten pool: 32 idle connections are reset when used",
		happens: func(s *scene) {
			network := s.through(nil)
			s.fillPool(32)
			network.forget()
		},
		outcome: outcome{success, 2, 1},
	},

	// HTTP/2 says what became of a stream.
	{
		name:    "GOAWAY, the stream processed",
		only:    http2,
		happens: func(s *scene) { s.frames(goAway(true)) },
		outcome: outcome{statusText(409) + unknown, 2, 1},
	},
	{
		name:    "GOAWAY, the stream not processed",
		only:    http2,
		happens: func(s *scene) { s.frames(goAway(false)) },
		outcome: outcome{success, 1, 1},
	},
	{
		name:    "GOAWAY, the stream not processed, each time",
		only:    http2,
		happens: func(s *scene) { s.frames(goAway(false).eachTime()) },
		timeout: short,
		outcome: outcome{timeout + unknown, 3, 0},
	},
	{
		name:    "GOAWAY that calls a stream not processed which was",
		only:    http2,
		happens: func(s *scene) { s.frames(goAway(false).disowned()) },
		outcome: outcome{statusText(409) + unknown, 1, 1}, // net/http sent it again
	},
	{
		name:    "REFUSED_STREAM, once",
		only:    http2,
		happens: func(s *scene) { s.frames(refuseStream()) },
		outcome: outcome{success, 1, 1},
	},
	{
		name:    "REFUSED_STREAM, each time",
		only:    http2,
		happens: func(s *scene) { s.frames(refuseStream().eachTime()) },
		timeout: short,
		outcome: outcome{timeout + unknown, 3, 0},
	},

	// A proxy stands in between.
	{
		name:    "proxy that connects",
		secure:  true,
		happens: func(s *scene) { s.connectProxy() },
		outcome: outcome{success, 1, 1},
	},
	{
		name:    "proxy whose CONNECT is slow, each time",
		secure:  true,
		happens: func(s *scene) { s.connectProxy(slices.Repeat([]http.HandlerFunc{slow(connect)}, maxAttempts)...) },
		timeout: short,
		outcome: outcome{timeout, 3, 0},
	},
	{
		name:    "proxy whose CONNECT is slow, once",
		secure:  true,
		happens: func(s *scene) { s.connectProxy(slow(connect)) },
		timeout: ample,
		outcome: outcome{success, 2, 1},
	},
	{
		name:    "proxy that refuses CONNECT with 403",
		secure:  true,
		happens: func(s *scene) { s.connectProxy(status(403)) },
		outcome: outcome{network, 1, 0},
	},
	{
		name:    "proxy that refuses CONNECT with 407",
		secure:  true,
		happens: func(s *scene) { s.connectProxy(status(407)) },
		outcome: outcome{network, 1, 0},
	},
	{
		name:    "proxy that refuses CONNECT with 503, once",
		secure:  true,
		happens: func(s *scene) { s.connectProxy(status(503)) },
		outcome: outcome{success, 2, 1},
	},

	// Someone else's transport stands in between.
	{
		name: "transport that flattens errors: connections refused",
		happens: func(s *scene) {
			s.renew(flattener{&s.ledger})
			s.goDown()
		},
		outcome: outcome{network, 3, 0},
	},
	{
		name: "transport that flattens errors: reset after the update, each time",
		happens: func(s *scene) {
			s.renew(flattener{&s.ledger})
			s.toxic("reset_peer", downstream, "timeout", 0)
		},
		outcome: outcome{network + unknown, 3, 1},
	},
	{
		name: "transport that flattens errors: requests vanish",
		happens: func(s *scene) {
			s.renew(flattener{&s.ledger})
			s.toxic("timeout", upstream, "timeout", 0)
		},
		timeout: short,
		outcome: outcome{timeout + unknown, 3, 0},
	},
	{
		name: "transport that flattens errors: caller cancels",
		happens: func(s *scene) {
			s.renew(flattener{&s.ledger})
			s.answer(applied(func(w http.ResponseWriter, r *http.Request) {
				s.cancel()
				silence(w, r)
			}))
		},
		outcome: outcome{canceled + unknown, 1, 1},
	},
	{
		name: "circuit breaker that opens after a reset, which came after the update",
		happens: func(s *scene) {
			s.renew(breaker{&s.ledger, new(atomic.Bool)})
			s.answer(applied(reset))
		},
		is:      errOpen,
		outcome: outcome{network + unknown, 3, 1},
	},
	{
		name: "circuit breaker that is open, and tells nothing of that",
		happens: func(s *scene) {
			b := breaker{&s.ledger, new(atomic.Bool)}
			s.renew(b)
			b.isOpen.Store(true)
		},
		is:      errOpen,
		outcome: outcome{network + unknown, 3, 0},
	},
	{
		name:    "otelhttp",
		happens: func(s *scene) { s.renew(newTraced(&s.ledger)) },
		outcome: outcome{success, 1, 1},
	},
	{
		name: "otelhttp: connections refused",
		happens: func(s *scene) {
			s.renew(newTraced(&s.ledger))
			s.goDown()
		},
		outcome: outcome{network, 3, 0},
	},
	{
		name: "otelhttp: reset after the update, once",
		happens: func(s *scene) {
			s.renew(newTraced(&s.ledger))
			s.answer(applied(reset))
		},
		outcome: outcome{statusText(409) + unknown, 2, 1},
	},
}
