package kodexa_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
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

func closeSession(ctx context.Context, client *kodexa.Client, id uuid.UUID) error {
	_, err := client.ModifySession(ctx, id, func(s *kodexa.Session) error {
		s.State = new("CLOSED")
		return nil
	})
	return err
}

func Example() {
	server, _ := exampleServer()
	defer server.Close()
	defer setenv("KODEXA_URL", server.URL)()
	defer setenv("KODEXA_API_KEY", server.APIKey)()

	run := func(ctx context.Context, id uuid.UUID) error {
		client, err := kodexa.New(kodexa.FromEnv()) // make one client and share it
		if err != nil {
			return err
		}
		if err := closeSession(ctx, client, id); err != nil {
			return err
		}
		fmt.Println("the session is closed")
		return nil
	}
	err := run(context.Background(), exampleID)
	fmt.Println(err)
	// Output:
	// the session is closed
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
		fmt.Println(err)
		if errors.Is(err, kodexa.ErrConflict) {
			fmt.Println("the session was updated since it was read")
		}
		if apiErr, ok := errors.AsType[*kodexa.APIError](err); ok {
			fmt.Printf("status %d: %s\n", apiErr.StatusCode, apiErr.Message)
		}
		if contractErr, ok := errors.AsType[*kodexa.ContractError](err); ok {
			for _, v := range contractErr.Violations {
				fmt.Printf("%s, at %q: %s\n", contractErr.In, v.Pointer, v.Reason)
			}
		}
		if errors.Is(err, kodexa.ErrOutcomeUnknown) {
			fmt.Println("the session may have been updated all the same: read it")
		}
	}

	session.ChangeSequence = new(int32(122))
	_, err := client.UpdateSession(ctx, exampleID, session)
	report(err)

	server.Enqueue(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"changeSequence": "124"}`)
	})
	_, err = client.UpdateSession(ctx, exampleID, session)
	report(err)

	session.Set("Token", []byte(`"secret"`))
	_, err = client.UpdateSession(ctx, exampleID, session)
	report(err)
	// Output:
	// kodexa: PUT /api/sessions/550e8400-e29b-41d4-a716-446655440000: 409 Conflict: the session was updated since it was read
	// the session was updated since it was read
	// status 409: the session was updated since it was read
	// kodexa: PUT /api/sessions/550e8400-e29b-41d4-a716-446655440000: 200 OK: response breaks the contract at /changeSequence: value must be an integer: the request may have been applied
	// response, at "/changeSequence": value must be an integer
	// the session may have been updated all the same: read it
	// kodexa: PUT /api/sessions/550e8400-e29b-41d4-a716-446655440000: request breaks the contract at /Token: the contract spells this member "token"
	// request, at "/Token": the contract spells this member "token"
}

// Someone else updates the session between the read and the update: it is read and changed again.
func ExampleClient_ModifySession() {
	server, session := exampleServer()
	defer server.Close()
	client := server.Client(kodexa.WithRetry(kodexa.RetryPolicy{BaseDelay: time.Millisecond}))

	runs := 0
	updated, err := client.ModifySession(context.Background(), exampleID, func(s *kodexa.Session) error {
		if runs++; runs == 1 {
			session.ChangeSequence, session.State = new(int32(124)), new("REVIEW")
			server.SetSession(session) // someone else's update
		}
		s.State = new(*s.State + ", CLOSED")
		return nil
	})
	fmt.Println(*updated.State, *updated.ChangeSequence, err)
	fmt.Println(runs, "runs")
	// Output:
	// REVIEW, CLOSED 125 <nil>
	// 2 runs
}

// A session that you hold is sent as it was read, with your change in it.
func ExampleClient_UpdateSession() {
	server, _ := exampleServer()
	defer server.Close()
	client, ctx := server.Client(), context.Background()

	session, err := client.GetSession(ctx, exampleID)
	if err != nil {
		fmt.Println(err)
		return
	}
	session.State = new("CLOSED")
	updated, err := client.UpdateSession(ctx, exampleID, *session)
	fmt.Println(*updated.State, *updated.ChangeSequence, err)

	_, err = client.UpdateSession(ctx, exampleID, *session) // its changeSequence is no longer the stored one
	fmt.Println(errors.Is(err, kodexa.ErrConflict), errors.Is(err, kodexa.ErrOutcomeUnknown))
	// Output:
	// CLOSED 124 <nil>
	// true false
}

// Members that the contract does not name, and numbers of any size, outlive a change.
func ExampleSession() {
	change := func(data []byte) ([]byte, error) {
		session, err := kodexa.ParseSession(data)
		if err != nil {
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

// What json.Unmarshal lets pass is an error here.
func ExampleParseSession() {
	for _, data := range []string{`{"createdOn": "7.11.2023"}`, `{"data": {"state": "OPEN"}}`, `null`} {
		_, err := kodexa.ParseSession([]byte(data))
		fmt.Println(err)
	}
	// Output:
	// kodexa: document breaks the contract at /createdOn: string doesn't match the format "date-time" (value must be a date-time, such as 2023-11-07T05:31:56Z)
	// kodexa: document breaks the contract: none of the members is one of a session's
	// kodexa: document breaks the contract: Value is not nullable
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

// The transport as New makes it, and TLS 1.3 at the least.
func ExampleDefaultTransport() {
	transport := kodexa.DefaultTransport()
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS13}
	client, err := kodexa.New(kodexa.WithAPIKey("an API key"), kodexa.WithHTTPClient(&http.Client{Transport: transport}))
	fmt.Println(client != nil, err)
	// Output: true <nil>
}

// This is how to call an operation that Client has no method for.
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
	// kodexa: PUT /api/sessions/550e8400-e29b-41d4-a716-446655440000: EOF: the request may have been applied true
	// <nil> false
}

// One record an attempt, without a key, a token or another value of a body.
func ExampleWithLogger() {
	server, _ := exampleServer()
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
	_, err := client.GetSession(context.Background(), exampleID)
	fmt.Println(err)
	// Output:
	// level=WARN msg="kodexa: request" operation=getSession method=GET path=/api/sessions/550e8400-e29b-41d4-a716-446655440000 attempt=1 outcome_unknown=false status=503
	// level=DEBUG msg="kodexa: request" operation=getSession method=GET path=/api/sessions/550e8400-e29b-41d4-a716-446655440000 attempt=2 outcome_unknown=false status=200
	// <nil>
}

// Violations are reported, but don't fail the call. A member that its Go type can't hold is left out.
func ExampleWithReportOnly() {
	server, _ := exampleServer()
	defer server.Close()
	server.Enqueue(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"state": "CLOSED", "createdOn": "2021-10-25T09:14:08"}`)
	})

	client := server.Client(kodexa.WithReportOnly(func(_ context.Context, err *kodexa.CallError) {
		fmt.Println("reported:", err)
	}))
	session, err := client.GetSession(context.Background(), exampleID)
	fmt.Println(*session.State, session.CreatedOn, err)
	// Output:
	// reported: kodexa: GET /api/sessions/550e8400-e29b-41d4-a716-446655440000: 200 OK: response breaks the contract at /createdOn: string doesn't match the format "date-time" (value must be a date-time, such as 2023-11-07T05:31:56Z)
	// CLOSED <nil> <nil>
}
