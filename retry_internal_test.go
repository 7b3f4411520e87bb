package kodexa

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/kodexa-community/kodexa-go/internal/contract"
)

// counting is a transport that does the same for every request, and counts them.
type counting struct {
	answer func() (*http.Response, error)
	sent   int
}

func (c *counting) RoundTrip(*http.Request) (*http.Response, error) {
	c.sent++
	return c.answer()
}

// The contract has no operation yet that could show it.
func TestOnlyIdempotentRequestsAreSentAgain(t *testing.T) {
	t.Parallel()
	const idempotent, safe = 1, 2
	kinds := map[string]int{
		http.MethodGet: safe, http.MethodHead: safe, http.MethodOptions: safe, http.MethodTrace: safe,
		http.MethodPut: idempotent, http.MethodDelete: idempotent,
		http.MethodPost: 0, http.MethodPatch: 0, http.MethodConnect: 0, "PURGE": 0, "get": 0,
	}
	for name, test := range map[string]struct {
		answer func() (*http.Response, error)
		needs  int // the kind of method that is sent again
	}{
		"answer": {func() (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusServiceUnavailable, Body: http.NoBody}, nil
		}, idempotent},
		"failure": {func() (*http.Response, error) { return nil, errors.New("connection lost") }, idempotent},
		"answer that breaks off": {func() (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(io.MultiReader(strings.NewReader("{"), broken{}))}, nil
		}, safe},
	} {
		for method, kind := range kinds {
			next := &counting{answer: test.answer}
			k := &call{
				sender: &sender{
					config: &config{
						timeout: time.Hour, retry: RetryPolicy{MaxAttempts: 3, BaseDelay: 1, MaxDelay: 1}, maxResponseBytes: 1 << 10,
						logger: slog.New(slog.DiscardHandler),
					},
					transport: transport{RoundTripper: next, isForeign: true},
				},
				req:       httptest.NewRequestWithContext(context.Background(), method, "http://localhost/", nil),
				operation: &contract.Operation{},
			}
			err := k.send()
			want := 1
			if kind >= test.needs {
				want = 3
			}
			if err != nil || next.sent != want || k.attempts != want {
				t.Errorf("%s to a %s: sent %d times, want %d: %v", name, method, next.sent, want, k.err)
			}
			if unknown := kind != safe && test.needs == idempotent; k.outcomeUnknown() != unknown {
				t.Errorf("%s to a %s: outcome unknown is %t", name, method, !unknown)
			}
		}
	}
}

// broken is a body that can't be read.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
