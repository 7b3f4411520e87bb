package kodexatest_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net/http"
	"os"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	kodexa "github.com/kodexa-community/kodexa-go"
	"github.com/kodexa-community/kodexa-go/kodexatest"
)

func TestUpdateReplacesTheSessionAndKeepsIDAndCreatedOn(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	before := time.Now()
	answered, err := server.Client().UpdateSession(t.Context(), knownID, kodexa.Session{
		ID:                   new("another"),
		State:                new("CLOSED"),
		UpdatedOn:            new(created),
		AdditionalProperties: map[string]json.RawMessage{"lastAccessed": json.RawMessage(`9007199254740993`)},
	})
	if err != nil {
		t.Fatal(err)
	}
	stored, found := server.Session(knownID)
	if !found {
		t.Fatal("the session is gone")
	}
	for name, s := range map[string]kodexa.Session{"answered": *answered, "stored": stored} {
		if *s.ID != knownID.String() || *s.ChangeSequence != 8 || !s.CreatedOn.Equal(created) || *s.State != "CLOSED" {
			t.Errorf("%s: id %s, changeSequence %d, createdOn %v, state %s", name, *s.ID, *s.ChangeSequence, s.CreatedOn, *s.State)
		}
		if s.UpdatedOn.Before(before) || s.UpdatedOn.After(time.Now()) {
			t.Errorf("%s: updatedOn is %v", name, s.UpdatedOn)
		}
		if s.Token != nil {
			t.Errorf("%s: the token, which was not sent, is still there", name)
		}
		if value, _ := s.Get("lastAccessed"); string(value) != "9007199254740993" {
			t.Errorf("%s: lastAccessed is %s", name, value)
		}
	}
}

func TestCreatedOnThatIsSentIsStored(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	later := created.Add(time.Hour)
	if _, err := server.Client().UpdateSession(t.Context(), knownID, kodexa.Session{CreatedOn: &later}); err != nil {
		t.Fatal(err)
	}
	if stored, _ := server.Session(knownID); !stored.CreatedOn.Equal(later) {
		t.Errorf("createdOn is %v", stored.CreatedOn)
	}
}

func TestChangeSequenceLocksOptimistically(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		stored, sent *int32
		want         int32 // afterwards; 0 for a conflict
	}{
		"the stored one":               {new(int32(7)), new(int32(7)), 8},
		"none sent":                    {new(int32(7)), nil, 8},
		"none sent and none stored":    {nil, nil, 1},
		"0 sent and none stored":       {nil, new(int32(0)), 1},
		"1 sent and none stored":       {nil, new(int32(1)), 0},
		"an older one":                 {new(int32(7)), new(int32(6)), 0},
		"a newer one":                  {new(int32(7)), new(int32(8)), 0},
		"a negative one":               {new(int32(-3)), new(int32(-3)), -2},
		"the last but one of an int32": {new(int32(math.MaxInt32 - 1)), nil, math.MaxInt32},
	} {
		server := startServer(t)
		server.SetSession(kodexa.Session{ID: new(knownID.String()), ChangeSequence: tt.stored})
		got, err := server.Client().UpdateSession(t.Context(), knownID, kodexa.Session{ChangeSequence: tt.sent, State: new("CLOSED")})
		stored, _ := server.Session(knownID)
		if tt.want == 0 {
			if !errors.Is(err, kodexa.ErrConflict) || stored.State != nil {
				t.Errorf("%s: %v, stored %v", name, err, stored.State)
			}
			continue
		}
		if err != nil || *got.ChangeSequence != tt.want || *stored.ChangeSequence != tt.want {
			t.Errorf("%s: %v, stored %d", name, err, *stored.ChangeSequence)
		}
	}
}

func TestExhaustedChangeSequenceIsAnErrorOfTheServer(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	server.SetSession(kodexa.Session{ID: new(knownID.String()), ChangeSequence: new(int32(math.MaxInt32))})
	_, err := server.Client().UpdateSession(t.Context(), knownID, kodexa.Session{})
	if answer, ok := errors.AsType[*kodexa.APIError](err); !ok || answer.StatusCode != http.StatusInternalServerError {
		t.Error(err)
	}
	if stored, _ := server.Session(knownID); *stored.ChangeSequence != math.MaxInt32 {
		t.Errorf("changeSequence is %d", *stored.ChangeSequence)
	}
}

func TestAnswersKeepTheContract(t *testing.T) {
	t.Parallel()
	examples := os.DirFS("../api/examples")
	files, err := fs.Glob(examples, "*.json")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		server := startServer(t)
		var session kodexa.Session
		body, err := fs.ReadFile(examples, file)
		if err == nil {
			err = json.Unmarshal(body, &session)
		}
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		session.ChangeSequence = nil
		if _, err := server.Client().UpdateSession(t.Context(), knownID, session); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestSessionsAreCopies(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	fresh := func() kodexa.Session {
		return kodexa.Session{
			ID:                   new(knownID.String()),
			State:                new("OPEN"),
			Organization:         &kodexa.Organization{Features: &map[string]json.RawMessage{"beta": json.RawMessage(`"on"`)}},
			AdditionalProperties: map[string]json.RawMessage{"extra": json.RawMessage(`"on"`)},
		}
	}
	spoil := func(s kodexa.Session) {
		*s.State = "spoiled"
		copy((*s.Organization.Features)["beta"], `"XX"`)
		copy(s.AdditionalProperties["extra"], `"XX"`)
		s.Set("more", json.RawMessage(`1`))
	}
	check := func(when string) {
		t.Helper()
		stored, _ := server.Session(knownID)
		beta, extra := (*stored.Organization.Features)["beta"], stored.AdditionalProperties["extra"]
		if *stored.State != "OPEN" || string(beta) != `"on"` || string(extra) != `"on"` || len(stored.AdditionalProperties) != 1 {
			t.Errorf("%s changed the stored one: %s %s %s", when, *stored.State, beta, extra)
		}
	}
	given := fresh()
	server.SetSession(given)
	spoil(given)
	check("changing the session that was set")

	got, _ := server.Session(knownID)
	spoil(got)
	check("changing the session that was got")

	if _, err := server.Client().UpdateSession(t.Context(), knownID, fresh()); err != nil {
		t.Fatal(err)
	}
	clear(server.Requests()[0].Body)
	check("changing the body that arrived")
}

func TestSetSessionReplacesTheOneWithItsID(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	server.SetSession(kodexa.Session{ID: new(strings.ToUpper(knownID.String()))})
	if stored, found := server.Session(knownID); !found || stored.State != nil || stored.ChangeSequence != nil {
		t.Error("the earlier session is still there")
	}
	if _, found := server.Session(uuid.New()); found {
		t.Error("found a session that was not set")
	}
	if _, err := server.Client().UpdateSession(t.Context(), knownID, kodexa.Session{}); err != nil {
		t.Error(err)
	}
}

func TestOneOfManyConcurrentUpdatesOfAVersionWins(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	client := server.Client()
	const n = 16
	var updated, refused atomic.Int64
	var done sync.WaitGroup
	for range n {
		done.Go(func() {
			_, err := client.UpdateSession(t.Context(), knownID, kodexa.Session{ChangeSequence: new(int32(7))})
			switch {
			case err == nil:
				updated.Add(1)
			case errors.Is(err, kodexa.ErrConflict):
				refused.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	done.Wait()
	if updated.Load() != 1 || refused.Load() != n-1 {
		t.Errorf("%d updated, %d refused", updated.Load(), refused.Load())
	}
}

func TestReadReturnsTheSessionAsStored(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	for _, given := range []string{
		knownID.String(),
		strings.ToUpper(knownID.String()),
		strings.ReplaceAll(knownID.String(), "-", ""),
		uuid.NewString(),
	} {
		id := uuid.MustParse(given)
		want := kodexa.Session{
			ID: &given, ChangeSequence: new(int32(7)), State: new("OPEN"),
			AdditionalProperties: map[string]json.RawMessage{"lastAccessed": json.RawMessage(`9007199254740993`)},
		}
		server.SetSession(want)
		got, err := server.Client().GetSession(t.Context(), id)
		if err != nil || !reflect.DeepEqual(*got, want) {
			t.Errorf("%s: %v", given, err)
		}
		updated, err := server.Client().UpdateSession(t.Context(), id, *got)
		if err != nil || *updated.ID != given || *updated.ChangeSequence != 8 {
			t.Errorf("%s: %v", given, err)
		}
	}
}

func TestTwoClientsThatModifyASessionLoseNothing(t *testing.T) {
	t.Parallel()
	for name, server := range map[string]*kodexatest.Server{"HTTP/1.1": kodexatest.NewServer(), "HTTP/2": kodexatest.NewTLSServer()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			defer server.Close()
			server.SetSession(kodexa.Session{ID: new(knownID.String()), ChangeSequence: new(int32(0))})
			const rounds = 10
			var done sync.WaitGroup
			for _, who := range []string{"ann", "bob"} {
				client := server.Client(kodexa.WithRetry(kodexa.RetryPolicy{MaxAttempts: 100, BaseDelay: time.Microsecond, MaxDelay: time.Millisecond}))
				done.Go(func() {
					for i := range rounds {
						_, err := client.ModifySession(t.Context(), knownID, func(s *kodexa.Session) error {
							s.Set(fmt.Sprint(who, i), json.RawMessage(`true`))
							return nil
						})
						if err != nil {
							t.Error(err)
						}
						server.Session(knownID)
						server.Requests()
					}
				})
			}
			done.Wait()
			stored, _ := server.Session(knownID)
			if len(stored.AdditionalProperties) != 2*rounds || *stored.ChangeSequence != 2*rounds {
				t.Errorf("stored %s", kodexatest.Text(stored))
			}
		})
	}
}

func TestTextShowsASessionWithoutItsToken(t *testing.T) {
	t.Parallel()
	session := kodexa.Session{
		ChangeSequence: new(int32(7)), Token: new("canary-token"), Organization: &kodexa.Organization{Name: new("Acme Corp")},
		AdditionalProperties: map[string]json.RawMessage{"lastAccessed": json.RawMessage(`9007199254740993`)},
	}
	const want = `{
  "changeSequence": 7,
  "organization": {
    "name": "Acme Corp"
  },
  "token": "[masked]",
  "lastAccessed": 9007199254740993
}`
	if got := kodexatest.Text(session); got != want {
		t.Errorf("got %s", got)
	}
	if *session.Token != "canary-token" {
		t.Error("the session was changed")
	}
	if got := kodexatest.Text(kodexa.Session{}); got != "{}" {
		t.Errorf("got %s", got)
	}
	if got := kodexatest.Text(kodexa.Session{State: new("canary\xff")}); !strings.Contains(got, "/state") || strings.Contains(got, "canary") {
		t.Errorf("a session that can't be encoded: %s", got)
	}
}
