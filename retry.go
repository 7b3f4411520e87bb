package kodexa

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// RetryPolicy says how often a request is sent and how long to wait in between. A zero field has its default.
//
// Sent again are requests to which no answer came and those answered with 408, 425, 429, 502, 503, 504 or 520 to 524; see the
// package documentation for the table. The wait before attempt n+1 is random, up to BaseDelay·2ⁿ⁻¹ and at most MaxDelay; or it
// is what Retry-After asks plus up to BaseDelay. A Retry-After beyond MaxDelay, or a wait that would outlive the context, is
// not begun: the call fails at once with what the last attempt met. An operation whose method is not idempotent, such as POST,
// is sent once.
type RetryPolicy struct {
	MaxAttempts int           // of a request, the first included, and rounds of a ModifySession; default 4; 1 turns retries off
	BaseDelay   time.Duration // default 250ms
	MaxDelay    time.Duration // default 10s, or BaseDelay if that is longer
}

func (p RetryPolicy) withDefaults() (RetryPolicy, error) {
	if p.MaxAttempts < 0 || p.BaseDelay < 0 || p.MaxDelay < 0 {
		return p, fmt.Errorf("retry policy %+v has a negative field", p)
	}
	p.MaxAttempts = cmp.Or(p.MaxAttempts, 4)
	p.BaseDelay = cmp.Or(p.BaseDelay, 250*time.Millisecond)
	p.MaxDelay = cmp.Or(p.MaxDelay, max(p.BaseDelay, 10*time.Second))
	return p, refuse(p.BaseDelay > p.MaxDelay, "retry policy %+v has a BaseDelay beyond its MaxDelay", p)
}

// wait returns how long to wait after an attempt, counted from 1, and whether to wait at all. asked is what Retry-After asks
// for, random a number from 0 to below 1.
func (p RetryPolicy) wait(attempt int, asked time.Duration, random float64) (time.Duration, bool) {
	bound := p.MaxDelay
	if doubled := math.Ldexp(float64(p.BaseDelay), attempt-1); doubled < float64(bound) {
		bound = time.Duration(doubled)
	}
	if asked > 0 {
		bound = min(p.BaseDelay, p.MaxDelay-asked)
	}
	return asked + time.Duration(random*float64(bound)), asked <= p.MaxDelay
}

// next returns how long to wait after an attempt, and whether to: a wait that would outlive the context is not begun.
func (p RetryPolicy) next(ctx context.Context, attempt int, asked time.Duration) (time.Duration, bool) {
	wait, ok := p.wait(attempt, asked, rand.Float64())
	deadline, bounded := ctx.Deadline()
	return wait, ok && (!bounded || time.Until(deadline) >= wait)
}

// send sends the request until there is an answer to keep, or no use in sending it again. Its error is that of the context.
func (k *call) send() error {
	ctx := k.req.Context()
	if err := ctx.Err(); err != nil {
		return err
	}
	for {
		k.attempt()
		if k.attempts == k.retry.MaxAttempts || !k.mayDoBetter() {
			return nil
		}
		wait, ok := k.retry.next(ctx, k.attempts, retryAfter(k.Header, time.Now()))
		if !ok {
			return nil
		}
		k.log(k.err)
		k.discard()
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// mayDoBetter reports whether sending the request again is permitted and may help.
func (k *call) mayDoBetter() bool {
	switch {
	case !isIdempotent(k.req.Method) || k.req.Context().Err() != nil:
		return false
	case k.StatusCode == 0:
		return !k.isFinal
	case k.err != nil:
		return isSafe(k.req.Method) && !errors.Is(k.err, ErrResponseTooLarge)
	default:
		return isRetryable(k.StatusCode)
	}
}

// isFinal reports whether another attempt would fail too, or must not be made: a proxy may lock an account after failed logins.
func isFinal(err error) bool {
	_, isCertificate := errors.AsType[*tls.CertificateVerificationError](err)
	_, isPlain := errors.AsType[tls.RecordHeaderError](err)
	return isCertificate || isPlain || errors.Is(err, http.ErrSchemeMismatch) || errors.Is(err, errProxyForbids)
}

// isRetryable reports whether a status says that a later attempt may be answered otherwise. 520 to 524 are Cloudflare's, for
// what went wrong between it and the platform.
func isRetryable(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return status >= 520 && status <= 524
}

// retryAfter reads Retry-After: seconds, of which fractions are rounded up, or a date. A date is counted from the answer's own
// Date, so that a skewed clock does no harm, or from now if it has none. A date that has passed is 0.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if strings.Trim(text, "0123456789.") == "" {
		seconds, err := strconv.ParseFloat(text, 64)
		switch {
		case err != nil && !errors.Is(err, strconv.ErrRange):
			return 0
		case seconds > math.MaxInt64/float64(time.Second)-1:
			return math.MaxInt64
		}
		return time.Duration(math.Ceil(seconds)) * time.Second
	}
	date, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	if sent, err := http.ParseTime(h.Get("Date")); err == nil {
		now = sent
	}
	return max(0, date.Sub(now))
}

// sleep waits for d, or returns the context's error if that ends before.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
	return ctx.Err()
}

// attemptTimeoutError is what an attempt fails with when the time of [WithTimeout] is up. It is a [net.Error].
type attemptTimeoutError struct{ shownError }

func (*attemptTimeoutError) Timeout() bool   { return true }
func (*attemptTimeoutError) Temporary() bool { return true }

// explain returns why an attempt failed: the context of the call has ended, or the time of the attempt is up, or else err,
// with a text that can be shown. net/http's own error for the first two is the cause that somebody gave the context.
func (k *call) explain(err error) error {
	switch {
	case k.req.Context().Err() != nil:
		return k.req.Context().Err()
	case k.ctx.Err() == nil:
		return k.showable(err)
	case errors.Is(err, context.DeadlineExceeded):
		err = nil // the context of the call goes on
	}
	return &attemptTimeoutError{shownError{err, fmt.Sprintf("no complete answer within %v", k.timeout)}}
}
