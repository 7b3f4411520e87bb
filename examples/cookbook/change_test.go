package cookbook

import (
	"context"
	"encoding/json"
	"errors"
	"expvar"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	kodexa "github.com/kodexa-community/kodexa-go"
	"github.com/kodexa-community/kodexa-go/kodexatest"
)

// patience is for tests: conflicts are met again soon.
var patience = kodexa.WithRetry(kodexa.RetryPolicy{BaseDelay: time.Microsecond})

// startServer starts a platform that holds one session.
func startServer(t *testing.T, state string) (*kodexatest.Server, uuid.UUID) {
	t.Helper()
	server, id := kodexatest.NewServer(), uuid.New()
	t.Cleanup(server.Close)
	server.SetSession(kodexa.Session{ID: new(id.String()), ChangeSequence: new(int32(7)), State: &state})
	return server, id
}

// wantState fails a test if the stored session has another state.
func wantState(t *testing.T, server *kodexatest.Server, id uuid.UUID, want string) {
	t.Helper()
	if stored, _ := server.Session(id); *stored.State != want {
		t.Errorf("state is %s, want %s", *stored.State, want)
	}
}

// wantRequests fails a test if others arrived.
func wantRequests(t *testing.T, server *kodexatest.Server, methods ...string) {
	t.Helper()
	var got []string
	for _, r := range server.Requests() {
		got = append(got, r.Method)
	}
	if !slices.Equal(got, methods) {
		t.Errorf("got %v, want %v", got, methods)
	}
}

var errNotReviewed = errors.New("the session is not reviewed yet")

func closeReviewed(ctx context.Context, client *kodexa.Client, id uuid.UUID) error {
	_, err := client.ModifySession(ctx, id, func(s *kodexa.Session) error {
		if s.State == nil || *s.State != "REVIEWED" {
			return errNotReviewed // nothing is sent; errors.Is finds it in err
		}
		s.State = new("CLOSED")
		return nil
	})
	return err
}

func TestConflictSafeChange(t *testing.T) {
	t.Parallel()
	t.Run("the precondition holds", func(t *testing.T) {
		t.Parallel()
		server, id := startServer(t, "REVIEWED")
		if err := closeReviewed(t.Context(), server.Client(), id); err != nil {
			t.Error(err)
		}
		wantState(t, server, id, "CLOSED")
	})
	t.Run("it does not", func(t *testing.T) {
		t.Parallel()
		server, id := startServer(t, "OPEN")
		if err := closeReviewed(t.Context(), server.Client(), id); !errors.Is(err, errNotReviewed) {
			t.Error(err)
		}
		wantRequests(t, server, http.MethodGet)
	})
	t.Run("somebody else changes that meanwhile", func(t *testing.T) {
		t.Parallel()
		server, id := startServer(t, "REVIEWED")
		server.Enqueue(nil, func(w http.ResponseWriter, _ *http.Request) {
			server.SetSession(kodexa.Session{ID: new(id.String()), ChangeSequence: new(int32(8)), State: new("REOPENED")})
			w.WriteHeader(http.StatusConflict)
		})
		if err := closeReviewed(t.Context(), server.Client(patience), id); !errors.Is(err, errNotReviewed) {
			t.Error(err)
		}
		wantState(t, server, id, "REOPENED")
		wantRequests(t, server, http.MethodGet, http.MethodPut, http.MethodGet)
	})
}

var violations = expvar.NewMap("kodexa_violations") // by operation; /debug/vars shows it

func newReportingClient(opts ...kodexa.Option) (*kodexa.Client, error) {
	return kodexa.New(append(slices.Clip(opts), kodexa.WithReportOnly(func(_ context.Context, err *kodexa.CallError) {
		violations.Add(err.Operation, 1)
	}))...)
}

func TestReportOnly(t *testing.T) {
	t.Parallel()
	server, id := startServer(t, "OPEN")
	violations.Init() // other runs of this test counted too
	client, err := newReportingClient(kodexa.WithBaseURL(server.URL), kodexa.WithAPIKey(server.APIKey))
	if err != nil {
		t.Fatal(err)
	}
	answer := func(mediaType, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", mediaType)
			_, _ = io.WriteString(w, body)
		}
	}
	withoutZone := answer("application/json", `{"changeSequence": 7, "createdOn": "2021-10-25T09:14:08"}`)
	closeIt := func(s *kodexa.Session) error {
		s.State = new("CLOSED")
		return nil
	}

	server.Enqueue(withoutZone)
	if session, err := client.GetSession(t.Context(), id); err != nil || session.CreatedOn != nil {
		t.Errorf("read: %v, %v", session.CreatedOn, err)
	}

	server.Enqueue(withoutZone)
	_, err = client.ModifySession(t.Context(), id, closeIt)
	if _, ok := errors.AsType[*kodexa.ContractError](err); !ok || errors.Is(err, kodexa.ErrOutcomeUnknown) {
		t.Errorf("modify what a member was left out of: %v", err)
	}
	wantState(t, server, id, "OPEN")

	server.Enqueue(answer("text/json", `{"changeSequence": 7}`))
	if _, err = client.ModifySession(t.Context(), id, closeIt); err != nil {
		t.Errorf("modify what was decoded as a whole: %v", err)
	}
	wantState(t, server, id, "CLOSED")

	var counted map[string]int
	if err := json.Unmarshal([]byte(violations.String()), &counted); err != nil || len(counted) != 1 || counted["getSession"] != 3 {
		t.Errorf("counted %v, %v", counted, err)
	}
}
