package kodexatest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/google/uuid"

	kodexa "github.com/kodexa-community/kodexa-go"
	"github.com/kodexa-community/kodexa-go/kodexatest"
)

// closeSession stands for the code that is tested.
func closeSession(ctx context.Context, client *kodexa.Client, id uuid.UUID, session kodexa.Session) error {
	session.State = new("CLOSED")
	_, err := client.UpdateSession(ctx, id, session)
	return err
}

func TestCloseSession(t *testing.T) {
	t.Parallel()
	server := kodexatest.NewServer()
	defer server.Close()
	id := uuid.New()
	session := kodexa.Session{ID: new(id.String()), ChangeSequence: new(int32(7)), State: new("OPEN")}
	server.SetSession(session)

	if err := closeSession(t.Context(), server.Client(), id, session); err != nil {
		t.Fatal(err)
	}
	if stored, _ := server.Session(id); *stored.State != "CLOSED" {
		t.Errorf("state is %s", *stored.State)
	}

	server.Enqueue(func(w http.ResponseWriter, _ *http.Request) { // the next answer
		w.WriteHeader(http.StatusForbidden)
	})
	if err := closeSession(t.Context(), server.Client(), id, session); !errors.Is(err, kodexa.ErrForbidden) {
		t.Errorf("got %v, want ErrForbidden", err)
	}
}

func ExampleServer() {
	server := kodexatest.NewServer()
	defer server.Close()

	id := uuid.MustParse("550e8400-e29b-41d4-a716-446655440000")
	server.SetSession(kodexa.Session{ID: new(id.String()), ChangeSequence: new(int32(7)), State: new("OPEN")})

	updated, err := server.Client().UpdateSession(context.Background(), id, kodexa.Session{
		ChangeSequence: new(int32(7)),
		State:          new("CLOSED"),
	})
	fmt.Println(*updated.State, *updated.ChangeSequence, err)

	stored, found := server.Session(id)
	fmt.Println(*stored.State, *stored.ChangeSequence, found)
	for _, request := range server.Requests() {
		fmt.Println(request.Method, request.Path, string(request.Body))
	}
	// Output:
	// CLOSED 8 <nil>
	// CLOSED 8 true
	// PUT /api/sessions/550e8400-e29b-41d4-a716-446655440000 {"changeSequence":7,"state":"CLOSED"}
}

// Two clients read version 7. The second to write is told so.
func ExampleServer_SetSession() {
	server := kodexatest.NewServer()
	defer server.Close()

	id := uuid.New()
	session := kodexa.Session{ID: new(id.String()), ChangeSequence: new(int32(7))}
	server.SetSession(session)

	for range 2 {
		_, err := server.Client().UpdateSession(context.Background(), id, session)
		fmt.Println(err, errors.Is(err, kodexa.ErrConflict))
	}
	// Output:
	// <nil> false
	// kodexa: PUT /api/sessions/{id}: 409 Conflict true
}

// The platform's gateway answers with a page.
func ExampleServer_Enqueue() {
	server := kodexatest.NewServer()
	defer server.Close()
	server.Enqueue(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<h1>It works!</h1>")
	})

	_, err := server.Client().UpdateSession(context.Background(), uuid.New(), kodexa.Session{})
	fmt.Println(err)
	// Output: kodexa: PUT /api/sessions/{id}: 200 OK: response breaks the contract: Content-Type must be application/json
}
