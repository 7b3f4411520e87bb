package cookbook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	kodexa "github.com/kodexa-community/kodexa-go"
)

// fairRetry leaves a longer Retry-After to all workers.
var fairRetry = kodexa.WithRetry(kodexa.RetryPolicy{MaxDelay: time.Second})

// forAll makes a call for each id, with so many workers, and tells progress of one after another.
func forAll(
	ctx context.Context, ids []uuid.UUID, workers int,
	call func(context.Context, uuid.UUID) error, progress func(done int, id uuid.UUID, err error),
) {
	var shared pause
	var pool sync.WaitGroup
	var mu sync.Mutex
	queue, done := make(chan uuid.UUID), 0
	for range max(1, workers) {
		pool.Go(func() {
			for id := range queue {
				err := patiently(ctx, &shared, func() error { return call(ctx, id) })
				mu.Lock()
				done++
				progress(done, id, err)
				mu.Unlock()
			}
		})
	}
	for _, id := range ids {
		queue <- id // when ctx has ended, each fails at once
	}
	close(queue)
	pool.Wait()
}

// patiently makes a call when no pause is on, and again after a pause that the platform asks for.
func patiently(ctx context.Context, shared *pause, call func() error) error {
	for {
		if err := shared.wait(ctx); err != nil {
			return err
		}
		err := call()
		if !errors.Is(err, kodexa.ErrRateLimited) || errors.Is(err, kodexa.ErrOutcomeUnknown) {
			return err
		}
		wait := time.Second
		if answer, ok := errors.AsType[*kodexa.APIError](err); ok {
			wait = max(wait, answer.RetryAfter)
		}
		shared.extend(wait)
	}
}

// pause is what the workers share.
type pause struct {
	mu    sync.Mutex
	until time.Time
}

func (p *pause) extend(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if until := time.Now().Add(d); until.After(p.until) {
		p.until = until
	}
}

func (p *pause) wait(ctx context.Context) error {
	for ctx.Err() == nil {
		p.mu.Lock()
		rest := time.Until(p.until)
		p.mu.Unlock()
		if rest <= 0 {
			return nil
		}
		select {
		case <-time.After(rest): // others may have extended it
		case <-ctx.Done():
		}
	}
	return ctx.Err()
}

// busyPlatform answers each 10th request with 429. It waits within a bubble of package synctest.
type busyPlatform struct {
	mu            sync.Mutex
	requests      int
	running, most int
	refused       time.Time
	tooSoon       []time.Duration // after a refusal, of calls that began in its pause
	closed        map[string]bool
}

const asked = 30 * time.Second

func (p *busyPlatform) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests++
	isRefused := p.requests%10 == 0
	p.running++
	p.most = max(p.most, p.running)
	if since := time.Since(p.refused); r.Method == http.MethodGet && since > 0 && since < asked { // a call begins with a GET
		p.tooSoon = append(p.tooSoon, since)
	}
	p.mu.Unlock()
	time.Sleep(time.Millisecond)
	p.mu.Lock()
	p.running--
	id, status, state, header := path.Base(r.URL.Path), http.StatusOK, "OPEN", http.Header{"Content-Type": {"application/json"}}
	switch {
	case isRefused:
		status, p.refused = http.StatusTooManyRequests, time.Now()
		header.Set("Retry-After", "30")
	case r.Method == http.MethodPut:
		p.closed[id], state = true, "CLOSED"
	}
	body := io.NopCloser(strings.NewReader(fmt.Sprintf(`{"id": %q, "changeSequence": 7, "state": %q}`, id, state)))
	return &http.Response{StatusCode: status, Header: header, Body: body, Request: r}, nil
}

// closer returns the call that closes a session.
func (p *busyPlatform) closer(t *testing.T) func(context.Context, uuid.UUID) error {
	t.Helper()
	client, err := kodexa.New(kodexa.WithAPIKey("key"), kodexa.WithHTTPClient(&http.Client{Transport: p}), fairRetry)
	if err != nil {
		t.Fatal(err)
	}
	return func(ctx context.Context, id uuid.UUID) error { return closeSession(ctx, client, id) }
}

func TestWorkerPool(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		platform := &busyPlatform{closed: map[string]bool{}}
		ids, last := make([]uuid.UUID, 40), 0
		for i := range ids {
			ids[i] = uuid.New()
		}
		forAll(t.Context(), ids, 4, platform.closer(t), func(done int, id uuid.UUID, err error) {
			if last++; done != last || err != nil {
				t.Errorf("%d are done, after %d: %s: %v", done, last, id, err)
			}
		})
		if len(platform.closed) != len(ids) || last != len(ids) || platform.most != 4 || platform.refused.IsZero() || len(platform.tooSoon) > 0 {
			t.Errorf("%d are done, by %d at once; calls began %v after a refusal", last, platform.most, platform.tooSoon)
		}
	})
}

func TestWorkerPoolEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		platform := &busyPlatform{closed: map[string]bool{}}
		ctx, cancel := context.WithTimeout(t.Context(), asked/2)
		defer cancel()
		stored, ended, begin := 0, 0, time.Now()
		forAll(ctx, make([]uuid.UUID, 40), 4, platform.closer(t), func(_ int, _ uuid.UUID, err error) {
			switch {
			case err == nil:
				stored++
			case errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, kodexa.ErrOutcomeUnknown):
				ended++
			}
		})
		if took := time.Since(begin); stored == 0 || ended == 0 || stored+ended != 40 || took != asked/2 { // the bubble's clock
			t.Errorf("%d stored, %d ended, after %v", stored, ended, took)
		}
	})
}
