package cookbook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	kodexa "github.com/kodexa-community/kodexa-go"
	"github.com/kodexa-community/kodexa-go/kodexatest"
)

func newLogger(w io.Writer) *slog.Logger {
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{
		Level: slog.LevelInfo, // Debug has the attempts that went well, too
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Value.Kind() == slog.KindDuration { // else in nanoseconds
				return slog.Int64(a.Key+"_ms", a.Value.Duration().Milliseconds())
			}
			return a
		},
	}))
}

func TestJSONLog(t *testing.T) {
	t.Parallel()
	server, id := startServer(t, "OPEN")
	server.Enqueue(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	var log bytes.Buffer
	client := server.Client(kodexa.WithLogger(newLogger(&log)), patience)
	if _, err := client.GetSession(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	var record map[string]any
	if err := json.Unmarshal(log.Bytes(), &record); err != nil {
		t.Fatalf("not one record: %v: %s", err, log.String())
	}
	for _, name := range []string{"time", "duration_ms"} {
		if _, found := record[name]; !found {
			t.Errorf("no %s in %v", name, record)
		}
		delete(record, name)
	}
	want := "map[attempt:1 level:WARN method:GET msg:kodexa: request operation:getSession outcome_unknown:false path:/api/sessions/" +
		id.String() + " status:503]"
	if got := fmt.Sprint(record); got != want {
		t.Errorf("got %s", got)
	}
}

func TestUnknownOutcome(t *testing.T) {
	t.Parallel()
	server := kodexatest.NewServer()
	defer server.Close()
	id := uuid.New()
	server.SetSession(kodexa.Session{ID: new(id.String()), ChangeSequence: new(int32(7))})
	client := server.Client(kodexa.WithRetry(kodexa.RetryPolicy{MaxAttempts: 1})) // else it would try again, and succeed

	server.Enqueue(nil, func(w http.ResponseWriter, _ *http.Request) { // nil: the server answers the GET
		w.WriteHeader(http.StatusInternalServerError) // to the PUT
	})
	if err := closeSession(t.Context(), client, id); !errors.Is(err, kodexa.ErrOutcomeUnknown) {
		t.Errorf("got %v, want ErrOutcomeUnknown", err)
	}
}

// modifier is what closeSession needs of a client.
type modifier interface {
	ModifySession(
		ctx context.Context, id uuid.UUID, change func(*kodexa.Session) error, editors ...kodexa.RequestEditor,
	) (*kodexa.Session, error)
}

func closeSession(ctx context.Context, sessions modifier, id uuid.UUID) error {
	_, err := sessions.ModifySession(ctx, id, func(s *kodexa.Session) error {
		s.State = new("CLOSED")
		return nil
	})
	return err
}

// double changes the session that it holds, or fails.
type double struct {
	session kodexa.Session
	err     error
}

func (d *double) ModifySession(
	_ context.Context, _ uuid.UUID, change func(*kodexa.Session) error, _ ...kodexa.RequestEditor,
) (*kodexa.Session, error) {
	if d.err != nil {
		return nil, d.err
	}
	changed := d.session.Clone()
	if err := change(&changed); err != nil {
		return nil, &kodexa.CallError{Err: err}
	}
	d.session = changed
	return &changed, nil
}

func TestWithADouble(t *testing.T) {
	t.Parallel()
	sessions := &double{}
	err := closeSession(t.Context(), sessions, uuid.New())
	if err != nil || *sessions.session.State != "CLOSED" {
		t.Error(err)
	}
	answer := &kodexa.APIError{StatusCode: http.StatusBadGateway}
	sessions.err = &kodexa.CallError{OutcomeUnknown: true, Err: answer}
	if err = closeSession(t.Context(), sessions, uuid.New()); !errors.Is(err, kodexa.ErrOutcomeUnknown) {
		t.Error(err)
	}
}

// closeUntil closes sessions until stop ends. It returns the ids of those that may be closed or not.
func closeUntil(stop context.Context, client *kodexa.Client, ids []uuid.UUID) (unknown []uuid.UUID) {
	defer client.CloseIdleConnections()
	for _, id := range ids {
		if stop.Err() != nil {
			break // begin nothing more
		}
		// What is begun goes on to its end, or for 20 seconds.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(stop), 20*time.Second)
		err := closeSession(ctx, client, id)
		cancel()
		if errors.Is(err, kodexa.ErrOutcomeUnknown) {
			unknown = append(unknown, id)
		}
	}
	return unknown
}

// stoppedPlatform is told to stop while it serves the third request, and never answers the fourth.
type stoppedPlatform struct {
	busyPlatform

	stop context.CancelFunc
}

func (p *stoppedPlatform) RoundTrip(r *http.Request) (*http.Response, error) {
	switch p.requests {
	case 2:
		p.stop()
	case 3:
		p.requests++
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	return p.busyPlatform.RoundTrip(r)
}

func TestShutdown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stop, cancel := context.WithCancel(t.Context())
		platform := &stoppedPlatform{busyPlatform{closed: map[string]bool{}}, cancel}
		client, err := kodexa.New(kodexa.WithAPIKey("key"), kodexa.WithHTTPClient(&http.Client{Transport: platform}))
		if err != nil {
			t.Fatal(err)
		}
		ids := []uuid.UUID{uuid.New(), uuid.New(), uuid.New()}
		if unknown := closeUntil(stop, client, ids); !slices.Equal(unknown, ids[1:2]) {
			t.Errorf("unknown are %v of %v", unknown, ids)
		}
		if !platform.closed[ids[0].String()] || platform.requests != 4 {
			t.Errorf("closed are %v after %d requests", platform.closed, platform.requests)
		}
	})
}

// sharedClient makes the client in the first invocation of a process, and returns it in all.
var sharedClient = sync.OnceValues(func() (*kodexa.Client, error) {
	return kodexa.New(
		kodexa.FromEnv(),
		kodexa.WithTimeout(3*time.Second),
		kodexa.WithRetry(kodexa.RetryPolicy{MaxAttempts: 3, MaxDelay: time.Second}),
	)
})

func handle(ctx context.Context, id uuid.UUID) error {
	client, err := sharedClient()
	if err != nil {
		return err
	}
	if deadline, ok := ctx.Deadline(); ok { // have an error to report before the process is stopped
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-time.Second))
		defer cancel()
	}
	return closeSession(ctx, client, id)
}

// serverlessPlatform is the process's, as the client is.
var serverlessPlatform = sync.OnceValue(kodexatest.NewServer)

func TestServerless(t *testing.T) {
	server, id := serverlessPlatform(), uuid.New()
	server.SetSession(kodexa.Session{ID: new(id.String()), ChangeSequence: new(int32(7)), State: new("OPEN")})
	t.Setenv("KODEXA_URL", server.URL)
	t.Setenv("KODEXA_API_KEY", server.APIKey)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, ctx := range []context.Context{ctx, t.Context()} {
		if err := handle(ctx, id); err != nil {
			t.Error(err)
		}
	}
	wantState(t, server, id, "CLOSED")
	late, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	sent := len(server.Requests())
	if err := handle(late, id); !errors.Is(err, context.DeadlineExceeded) || len(server.Requests()) != sent {
		t.Errorf("at the deadline: %v", err)
	}
}
