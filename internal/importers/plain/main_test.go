package main

import (
	"errors"
	"net/http"
	"testing"

	"github.com/google/uuid"

	kodexa "github.com/kodexa-community/kodexa-go"
	"github.com/kodexa-community/kodexa-go/kodexatest"
)

func TestCloseSession(t *testing.T) {
	t.Parallel()
	server := kodexatest.NewServer()
	defer server.Close()
	id := uuid.New()
	server.SetSession(kodexa.Session{ID: new(id.String()), ChangeSequence: new(int32(7)), State: new("OPEN")})

	server.Enqueue(nil, func(w http.ResponseWriter, _ *http.Request) { // nil: the server answers the GET
		w.WriteHeader(http.StatusForbidden)
	})
	if err := closeSession(t.Context(), server.Client(), id); !errors.Is(err, kodexa.ErrForbidden) {
		t.Errorf("got %v, want ErrForbidden", err)
	}

	if err := closeSession(t.Context(), server.Client(), id); err != nil {
		t.Fatal(err)
	}
	if stored, _ := server.Session(id); *stored.State != "CLOSED" || *stored.ChangeSequence != 8 {
		t.Errorf("state is %s, version %d", *stored.State, *stored.ChangeSequence)
	}
}
