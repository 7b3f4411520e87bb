package kodexa

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/kodexa-community/kodexa-go/gen"
)

// RetryPolicy says how often a request is sent and how long to wait in between. A zero field has its default.
//
// Sent again are requests to which no answer came (see the package documentation for the table) and those answered with
// 429, 502, 503 or 504. The wait before attempt n+1 is a random one of up to BaseDelay·2ⁿ⁻¹, or what Retry-After asks plus
// up to BaseDelay; in any case at most MaxDelay. A wait that would outlive the context is not begun: the call then fails at
// once with what the last attempt met. An operation whose method is not idempotent, such as POST, is sent once.
type RetryPolicy struct {
	MaxAttempts int           // the first one included; default 4, and 1 turns retries off
	BaseDelay   time.Duration // default 250ms
	MaxDelay    time.Duration // default 10s
}

var defaultRetry = RetryPolicy{MaxAttempts: 4, BaseDelay: 250 * time.Millisecond, MaxDelay: 10 * time.Second}

func (p RetryPolicy) withDefaults() (RetryPolicy, error) {
	if p.MaxAttempts < 0 || p.BaseDelay < 0 || p.MaxDelay < 0 {
		return p, fmt.Errorf("retry policy %+v has a negative field", p)
	}
	if p.MaxAttempts == 0 {
		p.MaxAttempts = defaultRetry.MaxAttempts
	}
	if p.BaseDelay == 0 {
		p.BaseDelay = defaultRetry.BaseDelay
	}
	if p.MaxDelay == 0 {
		p.MaxDelay = max(p.BaseDelay, defaultRetry.MaxDelay)
	}
	if p.BaseDelay > p.MaxDelay {
		return p, fmt.Errorf("retry policy %+v has a BaseDelay beyond its MaxDelay", p)
	}
	p.MaxDelay = min(p.MaxDelay, math.MaxInt64/2) // can be added to a time
	p.BaseDelay = min(p.BaseDelay, p.MaxDelay)
	return p, nil
}

// retrier is the step that sends a request, as often as its policy allows.
type retrier struct {
	next    gen.HttpRequestDoer
	policy  RetryPolicy
	timeout time.Duration // of an attempt
	logger  *slog.Logger

	keepsRequests bool // next never changes a request that it is given
}

// Do returns the last answer, or what the last attempt met in place of an answer.
func (r *retrier) Do(req *http.Request) (*http.Response, error) { return r.send(req, exchangeOf(req)) }

// send is Do for a call that is known.
func (r *retrier) send(req *http.Request, ex *exchange) (*http.Response, error) {
	res, err := r.attempt(req, ex)
	if r.policy.MaxAttempts == 1 || !isIdempotent(req.Method) || isFinal(req.Context(), res, err) {
		return res, err
	}
	return r.again(req, ex, res, err)
}

// isIdempotent reports whether sending a request twice is meant to do what sending it once does (RFC 9110, section 9.2.2).
func isIdempotent(method string) bool {
	switch method {
	case http.MethodPut, http.MethodDelete, http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	}
	return false
}

// isFinal reports whether an attempt that ended with res or err is the last one, however many are left.
func isFinal(ctx context.Context, res *http.Response, err error) bool {
	if err != nil {
		return !noAnswerCame(ctx, err)
	}
	return !isRetryable(res.StatusCode)
}

// errRetryable stands for an answer that asks for another attempt.
var errRetryable = errors.New("retryable answer")

// again goes on after a first attempt that ended with res or err and is not final.
func (r *retrier) again(req *http.Request, ex *exchange, res *http.Response, err error) (*http.Response, error) {
	ctx, isFirst := req.Context(), true
	attempt := func() (struct{}, error) {
		if !isFirst {
			res, err = r.attempt(req, ex)
		}
		isFirst = false
		if isFinal(ctx, res, err) {
			return struct{}{}, nil
		}
		return struct{}{}, cmp.Or(err, r.policy.waitFor(res))
	}
	var untilDeadline time.Duration // 0: there is none
	if deadline, ok := ctx.Deadline(); ok {
		untilDeadline = time.Until(deadline)
	}
	_, stopped := backoff.Retry(ctx, attempt,
		backoff.WithMaxTries(uint(r.policy.MaxAttempts)),
		backoff.WithMaxElapsedTime(untilDeadline),
		backoff.WithBackOff(r.policy.delays()),
		backoff.WithNotify(func(error, time.Duration) {
			discard(res)
			res, err = nil, nil
		}),
	)
	if res == nil && err == nil {
		return nil, stopped // the context ended a wait
	}
	return res, err
}

// waitFor returns what makes backoff wait as long as an answer asks for, or as long as usual if it does not ask.
func (p RetryPolicy) waitFor(res *http.Response) error {
	if res == nil {
		return nil
	}
	asked, ok := retryAfter(res.Header, time.Now())
	if !ok {
		return errRetryable
	}
	asked = min(asked, p.MaxDelay)
	asked += rand.N(1 + min(p.BaseDelay, p.MaxDelay-asked))
	return &backoff.RetryAfterError{Duration: asked}
}

// delays yields full jitter: each delay is random between 0 and a bound that doubles.
func (p RetryPolicy) delays() backoff.BackOff {
	return &backoff.ExponentialBackOff{
		InitialInterval:     p.BaseDelay / 2,
		RandomizationFactor: 1,
		Multiplier:          2,
		MaxInterval:         p.MaxDelay / 2,
	}
}

// attempt sends req once, logs it, and notes in ex whether it may have been applied unseen.
func (r *retrier) attempt(req *http.Request, ex *exchange) (*http.Response, error) {
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	ctx := context.WithValue(req.Context(), exchangeKey{}, ex)
	ctx, cancel := context.WithTimeoutCause(ctx, r.timeout, attemptTimeoutError(r.timeout))
	w := newWritten()
	ctx = httptrace.WithClientTrace(ctx, &w.trace)
	var again *http.Request
	if r.keepsRequests {
		again = req.WithContext(ctx)
	} else {
		again = req.Clone(ctx)
	}
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			cancel()
			return nil, err
		}
		again.Body = body
	}
	ex.attempts++
	start := time.Now()
	res, err := r.next.Do(again)
	if err != nil && w.maybe(err) {
		err = withoutAnswer(err)
		ex.outcomeUnknown = true
	}
	ex.outcomeUnknown = ex.outcomeUnknown || w.replayed.Load()
	r.log(req, ex, res, err, start)
	if err != nil {
		cancel()
		return nil, err
	}
	ex.note(res.StatusCode)
	res.Body = &timedBody{res.Body, cancel}
	return res, nil
}

// note keeps what an answer other than a success leaves open: the request may have been applied before a platform failed
// on the way, a gateway got no answer, or a 303 led to the result. 501 and 503 refuse it from the start, but a 503 may be
// the word of a gateway that knows no better, so a conflict that follows is in doubt.
func (ex *exchange) note(status int) {
	switch {
	case status == http.StatusServiceUnavailable:
		ex.conflictInDoubt = true
	case status == http.StatusNotImplemented:
	case status >= 500, status == http.StatusSeeOther, status < 200:
		ex.outcomeUnknown = true
	}
	if ex.conflictInDoubt && errors.Is(statusError(status), ErrConflict) {
		ex.outcomeUnknown = true
	}
}

// attemptTimeoutError is what an attempt fails with when the time of [WithTimeout] is up.
type attemptTimeoutError time.Duration

func (t attemptTimeoutError) Error() string {
	return fmt.Sprintf("no complete answer within %v", time.Duration(t))
}

// Timeout and Temporary make it a [net.Error], as net/http's own is. It is not [context.DeadlineExceeded]: the context of
// the call goes on.
func (t attemptTimeoutError) Timeout() bool   { return true }
func (t attemptTimeoutError) Temporary() bool { return true }

// timedBody ends the time of an attempt when its answer is closed.
type timedBody struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (b *timedBody) Close() error {
	defer b.cancel()
	return b.ReadCloser.Close()
}

// written tells whether a request that failed may have reached the server as a whole. The transport may fail before it
// tells that the request was written, so what was begun counts unless it is known to have failed.
type written struct {
	trace                           httptrace.ClientTrace
	traced, begun, failed, replayed atomic.Bool
}

func newWritten() *written {
	w := &written{}
	w.trace = httptrace.ClientTrace{GetConn: w.getConn, WroteHeaders: w.wroteHeaders, WroteRequest: w.wroteRequest}
	return w
}

func (w *written) getConn(string) {
	w.traced.Store(true)
	if w.begun.Load() && !w.failed.Load() { // net/http sends again what it takes for idempotent
		w.replayed.Store(true)
	}
}

func (w *written) wroteHeaders() {
	w.begun.Store(true)
	w.failed.Store(false) // the transport may have taken another connection
}

func (w *written) wroteRequest(info httptrace.WroteRequestInfo) { w.failed.Store(info.Err != nil) }

// maybe reports whether the request may have reached the server although sending it failed with err. A transport that
// tells nothing may have sent it, unless err says that there was no connection.
func (w *written) maybe(err error) bool {
	if w.traced.Load() || w.begun.Load() {
		return w.begun.Load() && !w.failed.Load()
	}
	op, isOp := errors.AsType[*net.OpError](err)
	_, isDNS := errors.AsType[*net.DNSError](err)
	_, isCertificate := errors.AsType[*tls.CertificateVerificationError](err)
	_, isPlain := errors.AsType[tls.RecordHeaderError](err)
	isUnconnected := isOp && op.Op == "dial" || isDNS || isCertificate || isPlain
	return !isUnconnected
}

func (r *retrier) log(req *http.Request, ex *exchange, res *http.Response, err error, start time.Time) {
	level := slog.LevelWarn
	if err == nil && res.StatusCode/100 == 2 {
		level = slog.LevelDebug
	}
	if !r.logger.Enabled(req.Context(), level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("method", req.Method),
		slog.String("path", ex.path),
		slog.Int("attempt", ex.attempts),
		slog.Duration("duration", time.Since(start)),
	}
	if err != nil {
		attrs = append(attrs, slog.String("error", withoutURL(err).Error()))
	} else {
		attrs = append(attrs, slog.Int("status", res.StatusCode))
		if id := requestID(res, ex); id != "" {
			attrs = append(attrs, slog.String("request_id", id))
		}
	}
	r.logger.LogAttrs(req.Context(), level, "kodexa: request", attrs...)
}

// withoutURL returns what happened, without http.Client's text of where.
func withoutURL(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// errMalformedAnswer stands for an error of net/http that quotes the answer which it could not read.
var errMalformedAnswer = errors.New("the answer is not HTTP")

// withoutAnswer returns err unless it may quote what a server sent, which may repeat secrets.
func withoutAnswer(err error) error {
	inner := withoutURL(err)
	_, isMalformed := errors.AsType[textproto.ProtocolError](inner)
	_, isNetwork := errors.AsType[net.Error](inner)
	_, isCertificate := errors.AsType[*tls.CertificateVerificationError](inner)
	if isMalformed || !isNetwork && !isCertificate && strings.Contains(inner.Error(), `"`) {
		return errMalformedAnswer
	}
	return err
}

// requestID returns an answer's X-Request-Id unless it could not be one: a server may send back anything, also what the
// request held.
func requestID(res *http.Response, ex *exchange) string {
	id := res.Header.Get("X-Request-Id")
	if len(id) > 128 || checkHeaderText("", id) != nil || ex.sent(id) {
		return ""
	}
	return id
}

// noAnswerCame reports whether err is a failure of the network that another attempt may not meet.
func noAnswerCame(ctx context.Context, err error) bool {
	if ctx.Err() != nil {
		return false
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return false
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return false
	}
	return !errors.Is(err, http.ErrSchemeMismatch)
}

func isRetryable(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// retryAfter reads Retry-After, which is seconds or a date; a date that has passed is 0.
func retryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	text := h.Get("Retry-After")
	if text == "" {
		return 0, false
	}
	if strings.Trim(text, "0123456789") == "" {
		seconds, err := strconv.ParseInt(text, 10, 64)
		if err != nil || seconds > int64(math.MaxInt64/time.Second) {
			return math.MaxInt64, true
		}
		return time.Duration(seconds) * time.Second, true
	}
	date, err := http.ParseTime(text)
	if err != nil {
		return 0, false
	}
	return max(0, date.Sub(now)), true
}

// discardTime is how long the rest of an answer that nobody reads may take to arrive.
const discardTime = 100 * time.Millisecond

// discard frees the connection of an answer that nobody reads. One with more to read than this, or that takes longer, is not
// worth keeping.
func discard(res *http.Response) {
	if res == nil {
		return
	}
	if body, ok := res.Body.(*timedBody); ok {
		defer time.AfterFunc(discardTime, body.cancel).Stop()
	}
	_, _ = io.CopyN(io.Discard, res.Body, 64<<10)
	_ = res.Body.Close()
}
