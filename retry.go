package kodexa

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptrace"
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
// once with what the last attempt met.
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
	return p, nil
}

// retrier is the step that sends a request, as often as its policy allows.
type retrier struct {
	next   gen.HttpRequestDoer
	policy RetryPolicy
	logger *slog.Logger
}

// retryStatus stands for an answer that asks to be retried.
var retryStatus = errors.New("retry")

// Do returns the last answer, or what the last attempt met in place of an answer.
func (r *retrier) Do(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	ex := exchangeOf(req)
	var res *http.Response
	attempt := func() (struct{}, error) {
		var err error
		res, err = r.attempt(req, ex)
		switch {
		case err != nil && noAnswerCame(ctx, err):
			return struct{}{}, err
		case err != nil:
			return struct{}{}, backoff.Permanent(err)
		case !isRetryable(res.StatusCode):
			return struct{}{}, nil
		}
		if asked, ok := retryAfter(res.Header, time.Now()); ok {
			asked = min(asked, r.policy.MaxDelay) + rand.N(r.policy.BaseDelay)
			return struct{}{}, errors.Join(retryStatus, &backoff.RetryAfterError{Duration: min(asked, r.policy.MaxDelay)})
		}
		return struct{}{}, retryStatus
	}
	var untilDeadline time.Duration // 0: there is none
	if deadline, ok := ctx.Deadline(); ok {
		untilDeadline = time.Until(deadline)
	}
	_, err := backoff.Retry(ctx, attempt,
		backoff.WithMaxTries(uint(r.policy.MaxAttempts)),
		backoff.WithMaxElapsedTime(untilDeadline),
		backoff.WithBackOff(r.policy.delays()),
		backoff.WithNotify(func(error, time.Duration) { discard(res); res = nil }),
	)
	if errors.Is(err, retryStatus) || err == nil {
		return res, nil
	}
	return nil, err
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
	var sent, failed atomic.Bool
	ctx := httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
		// The transport may fail before it tells that the request was written, so what was begun counts.
		WroteHeaders: func() { sent.Store(true) },
		WroteRequest: func(info httptrace.WroteRequestInfo) { failed.Store(info.Err != nil) },
	})
	again := req.Clone(ctx)
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return nil, err
		}
		again.Body = body
	}
	ex.attempts++
	start := time.Now()
	res, err := r.next.Do(again)
	r.log(req, ex, res, err, time.Since(start))
	if err != nil {
		ex.outcomeUnknown = ex.outcomeUnknown || sent.Load() && !failed.Load()
		return nil, err
	}
	ex.outcomeUnknown = ex.outcomeUnknown || mayBeApplied(res.StatusCode)
	return res, nil
}

func (r *retrier) log(req *http.Request, ex *exchange, res *http.Response, err error, took time.Duration) {
	attrs := []slog.Attr{
		slog.String("method", req.Method),
		slog.String("path", ex.path),
		slog.Int("attempt", ex.attempts),
		slog.Duration("duration", took),
	}
	level := slog.LevelWarn
	if err != nil {
		attrs = append(attrs, slog.String("error", withoutURL(err).Error()))
	} else {
		attrs = append(attrs, slog.Int("status", res.StatusCode))
		if id := requestID(res); id != "" {
			attrs = append(attrs, slog.String("request_id", id))
		}
		if res.StatusCode/100 == 2 {
			level = slog.LevelDebug
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

// requestID returns an answer's X-Request-Id unless it could not be one: a server may send back anything, the key included.
func requestID(res *http.Response) string {
	id := res.Header.Get("X-Request-Id")
	key := ""
	if res.Request != nil {
		key = res.Request.Header.Get(apiKeyHeader)
	}
	if len(id) > 128 || checkHeaderText("", id) != nil || key != "" && strings.Contains(id, key) {
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
	return true
}

func isRetryable(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// mayBeApplied reports whether status leaves open what became of the request: a gateway that got no answer, or a platform
// that failed on the way. 501 and 503 refuse it from the start.
func mayBeApplied(status int) bool {
	return status >= 500 && status != http.StatusNotImplemented && status != http.StatusServiceUnavailable
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

// discard frees the connection of an answer that nobody reads. One with more to read than this is not worth keeping.
func discard(res *http.Response) {
	if res == nil {
		return
	}
	_, _ = io.CopyN(io.Discard, res.Body, 64<<10)
	_ = res.Body.Close()
}
