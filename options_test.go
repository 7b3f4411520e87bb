package kodexa

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/kodexa-community/kodexa-go/gen"
)

// contextWith returns the context of req with what the steps of a call tell one another.
func contextWith(req *http.Request, ex *exchange) context.Context {
	return context.WithValue(req.Context(), exchangeKey{}, ex)
}

// The contract has no operation yet that could show it.
func TestOnlyIdempotentRequestsAreSentAgain(t *testing.T) {
	t.Parallel()
	for method, want := range map[string]int{
		http.MethodGet: 3, http.MethodHead: 3, http.MethodPut: 3, http.MethodDelete: 3, http.MethodOptions: 3, http.MethodTrace: 3,
		http.MethodPost: 1, http.MethodPatch: 1, http.MethodConnect: 1, "PURGE": 1,
	} {
		for name, next := range map[string]*counting{
			"answer":  {res: &http.Response{StatusCode: http.StatusServiceUnavailable, Body: http.NoBody}},
			"failure": {err: errors.New("connection lost")},
		} {
			r := &retrier{
				next: next, policy: RetryPolicy{MaxAttempts: 3, BaseDelay: 1, MaxDelay: 1}, timeout: time.Hour, logger: slog.New(slog.DiscardHandler),
			}
			res, err := r.Do(httptest.NewRequest(method, "http://localhost/", nil))
			if (res == nil) == (err == nil) || next.sent != want {
				t.Errorf("%s, %s: sent %d times, want %d: %v, %v", method, name, next.sent, want, res, err)
			}
			if res != nil {
				_ = res.Body.Close()
			}
		}
	}
}

// counting is a step that does the same for every request, and counts them.
type counting struct {
	res  *http.Response
	err  error
	sent int
}

func (c *counting) Do(*http.Request) (*http.Response, error) {
	c.sent++
	if c.err != nil {
		return nil, c.err
	}
	res := *c.res
	return &res, nil
}

var _ gen.HttpRequestDoer = (*counting)(nil)

func TestOptionsThatAreRefusedChangeNothing(t *testing.T) {
	t.Parallel()
	for name, opt := range map[string]Option{
		"key":               WithAPIKey(" key"),
		"base URL":          WithBaseURL(""),
		"HTTP client":       WithHTTPClient(nil),
		"timeout":           WithTimeout(0),
		"retry":             WithRetry(RetryPolicy{MaxAttempts: -1}),
		"response limit":    WithMaxResponseBytes(0),
		"violation handler": WithViolationHandler(nil),
		"logger":            WithLogger(nil),
		"user agent":        WithUserAgent(" "),
		"request editor":    WithRequestEditor(nil),
	} {
		before := config{apiKey: "key", baseURL: "url", timeout: 1, retry: defaultRetry, maxResponseBytes: 1, product: "product"}
		after := before
		err := opt(&after)
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
		if after.apiKey != before.apiKey || after.baseURL != before.baseURL || after.timeout != before.timeout || after.retry != before.retry ||
			after.maxResponseBytes != before.maxResponseBytes || after.product != before.product || after.httpClient != nil || after.logger != nil ||
			after.onViolation != nil || after.editors != nil {
			t.Errorf("%s: became %+v", name, after)
		}
	}
}
