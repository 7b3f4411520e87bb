package kodexa_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	kodexa "github.com/kodexa-community/kodexa-go"
	"github.com/kodexa-community/kodexa-go/kodexatest"
)

var exampleID = uuid.MustParse("550e8400-e29b-41d4-a716-446655440000")

// exampleServer starts a server that stands for the platform and holds one session.
func exampleServer() (*kodexatest.Server, kodexa.Session) {
	server := kodexatest.NewServer()
	session := kodexa.Session{ID: new(exampleID.String()), ChangeSequence: new(int32(123)), State: new("OPEN")}
	server.SetSession(session)
	return server, session
}

func Example() {
	server, session := exampleServer()
	defer server.Close()
	defer setenv("KODEXA_URL", server.URL)()
	defer setenv("KODEXA_API_KEY", server.APIKey)()

	closeSession := func(ctx context.Context, id uuid.UUID, session kodexa.Session) error {
		client, err := kodexa.New(kodexa.FromEnv()) // make one client and share it
		if err != nil {
			return err
		}
		session.State = new("CLOSED") // session is a kodexa.Session as it was read
		updated, err := client.UpdateSession(ctx, id, session)
		if err != nil {
			return err
		}
		session = *updated // has the changeSequence that the next update needs

		fmt.Println(*session.State, *session.ChangeSequence)
		return nil
	}
	err := closeSession(context.Background(), exampleID, session)
	fmt.Println(err)
	// Output:
	// CLOSED 124
	// <nil>
}

// setenv sets a variable of the environment, and returns what sets it back.
func setenv(name, value string) (reset func()) {
	before, ok := os.LookupEnv(name)
	if err := os.Setenv(name, value); err != nil {
		panic(err)
	}
	return func() {
		if ok {
			_ = os.Setenv(name, before)
		} else {
			_ = os.Unsetenv(name)
		}
	}
}

// A stale changeSequence, an answer that breaks the contract, and a session that does.
func Example_errors() {
	server, session := exampleServer()
	defer server.Close()
	client, ctx := server.Client(), context.Background()

	report := func(err error) {
		if errors.Is(err, kodexa.ErrConflict) {
			fmt.Println("the session was updated since it was read")
		}
		if apiErr, ok := errors.AsType[*kodexa.APIError](err); ok {
			fmt.Printf("status %d: %q\n", apiErr.StatusCode, apiErr.Message)
		}
		if contractErr, ok := errors.AsType[*kodexa.ContractError](err); ok {
			for _, v := range contractErr.Violations {
				fmt.Printf("%v, at %s: %s\n", contractErr.Direction, v.Pointer, v.Reason)
			}
		}
		if errors.Is(err, kodexa.ErrOutcomeUnknown) {
			fmt.Println("the session may have been updated all the same: read it")
		}
	}

	session.ChangeSequence = new(int32(122))
	_, err := client.UpdateSession(ctx, exampleID, session)
	fmt.Println(err)
	report(err)

	server.Enqueue(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"changeSequence": "124"}`)
	})
	_, err = client.UpdateSession(ctx, exampleID, session)
	fmt.Println(err)
	report(err)

	session.Set("Token", []byte(`"secret"`))
	_, err = client.UpdateSession(ctx, exampleID, session)
	fmt.Println(err)
	report(err)
	// Output:
	// kodexa: PUT /api/sessions/{id}: 409 Conflict
	// the session was updated since it was read
	// status 409: "the session was updated since it was read"
	// kodexa: PUT /api/sessions/{id}: 200 OK: response breaks the contract at /changeSequence: value must be an integer
	// response, at /changeSequence: value must be an integer
	// the session may have been updated all the same: read it
	// kodexa: PUT /api/sessions/{id}: request breaks the contract at /Token: the contract spells this member "token"
	// request, at /Token: the contract spells this member "token"
}

// Members that the contract does not name, and numbers of any size, outlive a change.
func ExampleSession() {
	change := func(data []byte) ([]byte, error) {
		var session kodexa.Session
		if err := json.Unmarshal(data, &session); err != nil {
			return nil, err
		}
		session.State = new("CLOSED")             // optional: a pointer, nil is absent
		session.OrganizationID.SetNull()          // nullable: absent, null or a value
		session.Set("note", []byte(`"archived"`)) // not in the contract: any JSON

		lastAccessed, found := session.Get("lastAccessed")
		fmt.Println(string(lastAccessed), found)
		return json.MarshalIndent(session, "", "  ")
	}
	changed, err := change([]byte(`{
		"state": "OPEN",
		"organization": {"properties": {"quota": 12345678901234567890}},
		"organizationId": "7f9c",
		"lastAccessed": 9007199254740993
	}`))
	fmt.Println(string(changed), err)
	// Output:
	// 9007199254740993 true
	// {
	//   "organization": {
	//     "properties": {
	//       "quota": 12345678901234567890
	//     }
	//   },
	//   "organizationId": null,
	//   "state": "CLOSED",
	//   "lastAccessed": 9007199254740993,
	//   "note": "archived"
	// } <nil>
}

// A client for a batch job: impatient with each attempt, patient with the platform.
func ExampleNew() {
	client, err := kodexa.New(
		kodexa.WithAPIKey("an API key"),
		kodexa.WithUserAgent("acme-sync/1.4"),
		kodexa.WithTimeout(5*time.Second),
		kodexa.WithRetry(kodexa.RetryPolicy{MaxAttempts: 8, MaxDelay: time.Minute}),
	)
	fmt.Println(client != nil, err)

	_, err = kodexa.New(kodexa.WithAPIKey("an API key"), kodexa.WithBaseURL("http://kodexa.example.com"))
	fmt.Println(err)
	// Output:
	// true <nil>
	// kodexa: base URL is plaintext http beyond loopback: use https, or WithPlaintextHTTP
}

// An operation of the contract that Client has no method for is called like this.
func ExampleClient_API() {
	server, session := exampleServer()
	defer server.Close()

	res, err := server.Client().API().UpdateSessionWithResponse(context.Background(), exampleID, session)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(res.Status(), *res.JSON200.ChangeSequence)
	// Output: 200 OK 124
}

// The connection is lost after the request was written: nobody knows what became of it.
func ExampleWithRetry() {
	server, session := exampleServer()
	defer server.Close()
	lose := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

	server.Enqueue(lose, lose)
	once := server.Client(kodexa.WithRetry(kodexa.RetryPolicy{MaxAttempts: 1}))
	_, err := once.UpdateSession(context.Background(), exampleID, session)
	fmt.Println(err, errors.Is(err, kodexa.ErrOutcomeUnknown))

	twice := server.Client(kodexa.WithRetry(kodexa.RetryPolicy{MaxAttempts: 2, BaseDelay: time.Millisecond}))
	_, err = twice.UpdateSession(context.Background(), exampleID, session)
	fmt.Println(err, errors.Is(err, kodexa.ErrOutcomeUnknown))
	// Output:
	// kodexa: PUT /api/sessions/{id}: EOF: the request may have been applied true
	// <nil> false
}

// One record an attempt, without a key, a token or another value of a body.
func ExampleWithLogger() {
	server, session := exampleServer()
	defer server.Close()
	server.Enqueue(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })

	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey || a.Key == "duration" {
				return slog.Attr{} // differs from run to run
			}
			return a
		},
	}))
	client := server.Client(kodexa.WithLogger(logger), kodexa.WithRetry(kodexa.RetryPolicy{BaseDelay: time.Millisecond}))
	_, err := client.UpdateSession(context.Background(), exampleID, session)
	fmt.Println(err)
	// Output:
	// level=WARN msg="kodexa: request" method=PUT path=/api/sessions/{id} attempt=1 status=503
	// level=DEBUG msg="kodexa: request" method=PUT path=/api/sessions/{id} attempt=2 status=200
	// <nil>
}

// Violations are reported, but don't fail the call while the answer can be decoded.
func ExampleWithViolationHandler() {
	server, session := exampleServer()
	defer server.Close()
	server.Enqueue(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"state": "CLOSED", "token": null}`)
	})

	client := server.Client(kodexa.WithViolationHandler(func(_ context.Context, err *kodexa.ContractError) error {
		fmt.Println("reported:", err)
		return nil
	}))
	updated, err := client.UpdateSession(context.Background(), exampleID, session)
	fmt.Println(*updated.State, err)
	// Output:
	// reported: kodexa: PUT /api/sessions/{id}: 200 OK: response breaks the contract at /token: Value is not nullable
	// CLOSED <nil>
}

// TestReadmeSnippetsAreExamples wants the lines of each Go snippet in the README, in a row, in the examples.
func TestReadmeSnippetsAreExamples(t *testing.T) {
	t.Parallel()
	readme := readLines(t, "README.md")
	examples := readLines(t, "example_test.go") + readLines(t, "kodexatest/example_test.go")
	snippets := regexp.MustCompile("(?s)\n```go(\n.*?\n)```\n").FindAllStringSubmatch(readme, -1)
	if len(snippets) == 0 || len(snippets) != strings.Count(readme, "```go") {
		t.Fatalf("found %d snippets of %d", len(snippets), strings.Count(readme, "```go"))
	}
	for _, snippet := range snippets {
		if !strings.Contains(examples, snippet[1]) {
			t.Errorf("not in the examples:\n%s", snippet[1])
		}
	}
}

// readLines returns the lines of a file without indentation, in one text that begins and ends with a line break.
func readLines(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file) //nolint:gosec // the test names the file
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for line := range strings.Lines("\n" + string(data)) {
		text.WriteString(strings.TrimSpace(line) + "\n")
	}
	return text.String()
}
