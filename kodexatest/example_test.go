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
func closeSession(ctx context.Context, client *kodexa.Client, id uuid.UUID) error {
	_, err := client.ModifySession(ctx, id, func(s *kodexa.Session) error {
		s.State = new("CLOSED")
		return nil
	})
	return err
}

func TestCloseSession(t *testing.T) {
	t.Parallel()
	server := kodexatest.NewServer()
	defer server.Close()
	id := uuid.New()
	session := kodexa.Session{ID: new(id.String()), ChangeSequence: new(int32(7)), State: new("OPEN")}
	server.SetSession(session)

	if err := closeSession(t.Context(), server.Client(), id); err != nil {
		t.Fatal(err)
	}
	if stored, _ := server.Session(id); *stored.State != "CLOSED" {
		t.Errorf("state is %s", *stored.State)
	}

	server.Enqueue(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
	if err := closeSession(t.Context(), server.Client(), id); !errors.Is(err, kodexa.ErrForbidden) {
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

// Two clients hold version 7. The second to write is told so.
func ExampleServer_SetSession() {
	server := kodexatest.NewServer()
	defer server.Close()

	id := uuid.MustParse("550e8400-e29b-41d4-a716-446655440000")
	session := kodexa.Session{ID: new(id.String()), ChangeSequence: new(int32(7))}
	server.SetSession(session)

	for range 2 {
		_, err := server.Client().UpdateSession(context.Background(), id, session)
		fmt.Println(err, errors.Is(err, kodexa.ErrConflict))
	}
	// Output:
	// <nil> false
	// kodexa: PUT /api/sessions/550e8400-e29b-41d4-a716-446655440000: 409 Conflict: the session was updated since it was read true
}

// The platform's gateway answers with a page.
func ExampleServer_Enqueue() {
	server := kodexatest.NewServer()
	defer server.Close()
	server.Enqueue(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<h1>It works!</h1>")
	})

	id := uuid.MustParse("550e8400-e29b-41d4-a716-446655440000")
	_, err := server.Client().GetSession(context.Background(), id)
	fmt.Println(err)
	// Output: kodexa: GET /api/sessions/550e8400-e29b-41d4-a716-446655440000: 200 OK: response breaks the contract: Content-Type must be application/json, not text/html
}

// A handler that answers what the contract does not permit is told so.
func ExampleServer_Handle() {
	server := kodexatest.NewServer()
	defer server.Close()
	server.Handle("getSession", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"id": %q, "state": 7}`, r.PathValue("id"))
	})

	_, err := server.Client().GetSession(context.Background(), uuid.New())
	if answer, ok := errors.AsType[*kodexa.APIError](err); ok {
		fmt.Println(answer)
	}
	// Output: 500 Internal Server Error: the answer to getSession: 200 OK: response breaks the contract at /state: value must be a string
}

// reader is what a part of a program needs of a client, so that a test can give it a double.
type reader interface {
	GetSession(ctx context.Context, id uuid.UUID, editors ...kodexa.RequestEditor) (*kodexa.Session, error)
}

// double fails as it is told.
type double struct{ err error }

func (d double) GetSession(context.Context, uuid.UUID, ...kodexa.RequestEditor) (*kodexa.Session, error) {
	return nil, d.err
}

// A test double makes errors of its own, which behave as those of a client do.
func Example_double() {
	var sessions reader = double{&kodexa.CallError{Err: &kodexa.APIError{StatusCode: http.StatusNotFound}}}
	_, err := sessions.GetSession(context.Background(), uuid.New())
	fmt.Println(errors.Is(err, kodexa.ErrNotFound), err)

	sessions = double{&kodexa.CallError{OutcomeUnknown: true, Err: io.ErrUnexpectedEOF}}
	_, err = sessions.GetSession(context.Background(), uuid.New())
	fmt.Println(errors.Is(err, kodexa.ErrOutcomeUnknown), err)
	// Output:
	// true kodexa: 404 Not Found
	// true kodexa: unexpected EOF: the request may have been applied
}
