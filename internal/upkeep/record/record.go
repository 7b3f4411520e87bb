// Package record makes an example of what a real platform answers.
package record

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	kodexa "github.com/kodexa-community/kodexa-go"
	"github.com/kodexa-community/kodexa-go/kodexatest"
)

// Exit statuses of Command.
const (
	exitStored = 0
	exitBreaks = 1 // the answer breaks the contract
	exitError  = 2 // there is no answer to look at
)

// Command reads the session of an id, and stores it below api/examples with other values if the contract accepts it; else it
// prints how it breaks the contract. Nothing that it prints or stores is a value of the platform.
func Command(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	return command(ctx, "api/examples", args, stdout, stderr, kodexa.FromEnv())
}

func command(ctx context.Context, dir string, args []string, stdout, stderr io.Writer, opts ...kodexa.Option) int {
	fail := func(format string, args ...any) int {
		_, _ = fmt.Fprintf(stderr, "record: "+format+"\n", args...)
		return exitError
	}
	if len(args) != 1 || args[0] == "" {
		return fail("usage: KODEXA_URL=<base URL> KODEXA_API_KEY=<key> make record ID=<UUID of a session, or demo>")
	}
	id, err := uuid.Parse(args[0])
	if args[0] == "demo" {
		var server *kodexatest.Server
		if server, id, err = demo(dir); err != nil {
			return fail("%v", err)
		}
		defer server.Close()
		opts = append(opts, kodexa.WithBaseURL(server.URL), kodexa.WithAPIKey(server.APIKey))
	} else if err != nil {
		return fail("ID is not a UUID")
	}
	client, err := kodexa.New(opts...)
	if err != nil {
		return fail("%v", err)
	}
	body, broken, err := read(ctx, client, id)
	if err != nil {
		return fail("%v", err)
	}
	schema, err := sessionSchema()
	if err != nil {
		return fail("openapi.yaml: %v", err)
	}
	if len(broken) > 0 {
		_, _ = fmt.Fprintln(stdout, "record: the answer breaks the contract; nothing is stored")
		for _, v := range broken {
			_, _ = fmt.Fprintf(stdout, "  at %q: %s\n", shownPointer(v.Pointer, schema), shownReason(v.Reason))
		}
		return exitBreaks
	}
	var r replacer
	example, err := r.replace(body, schema)
	if err == nil {
		_, err = kodexa.ParseSession(example)
	}
	if err != nil {
		return fail("the answer keeps the contract, but with other values it does not: nothing is stored")
	}
	file, err := store(dir, example)
	if err != nil {
		return fail("%v", err)
	}
	_, _ = fmt.Fprintf(stdout, "record: stored %s, with other values in the place of the platform's\n", file)
	for _, pointer := range r.unnamed {
		_, _ = fmt.Fprintf(stdout, "  at %q: the contract does not name this member\n", pointer)
	}
	return exitStored
}

// demo starts a platform whose only session is an example.
func demo(dir string) (*kodexatest.Server, uuid.UUID, error) {
	text, err := os.ReadFile(filepath.Join(dir, "realistic.json"))
	if err != nil {
		return nil, uuid.Nil, err
	}
	session, err := kodexa.ParseSession(text)
	if err != nil {
		return nil, uuid.Nil, err
	}
	id := uuid.New()
	session.ID = new(id.String())
	server := kodexatest.NewServer()
	server.SetSession(*session)
	return server, id, nil
}

// read returns what the platform answers, and how that breaks the contract.
func read(ctx context.Context, client *kodexa.Client, id uuid.UUID) ([]byte, []kodexa.Violation, error) {
	res, err := client.API().GetSession(ctx, id)
	if refused, ok := errors.AsType[*kodexa.ContractError](err); ok && refused.In == kodexa.InResponse {
		return refused.Body, refused.Violations, nil
	}
	if answer, ok := errors.AsType[*kodexa.APIError](err); ok {
		return nil, nil, errors.New(explain(answer)) // its message may have values
	}
	if call, ok := errors.AsType[*kodexa.CallError](err); ok {
		return nil, nil, call.Err
	}
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, nil, err
	}
	session, err := kodexa.ParseSession(body)
	if err != nil {
		return nil, nil, err
	}
	if session.ID != nil {
		if other, err := uuid.Parse(*session.ID); err == nil && other != id {
			return body, []kodexa.Violation{{Pointer: "/id", Reason: "value must be the id in the path"}}, nil
		}
	}
	return body, nil, nil
}

func explain(answer *kodexa.APIError) string {
	text := fmt.Sprintf("the platform answers %d %s", answer.StatusCode, http.StatusText(answer.StatusCode))
	for sentinel, hint := range map[error]string{
		kodexa.ErrUnauthorized: "check KODEXA_API_KEY and KODEXA_URL",
		kodexa.ErrForbidden:    "use a key that may read the session",
		kodexa.ErrNotFound:     "check ID and KODEXA_URL",
	} {
		if errors.Is(answer, sentinel) {
			return text + ": " + hint
		}
	}
	return text
}

// sessionSchema returns the contract's schema of a session.
func sessionSchema() (*openapi3.Schema, error) {
	doc, err := openapi3.NewLoader().LoadFromData(kodexa.Spec())
	if err != nil {
		return nil, err
	}
	for _, item := range doc.Paths.Map() {
		if op := item.Get; op != nil && op.OperationID == "getSession" {
			return op.Responses.Status(http.StatusOK).Value.Content.Get("application/json").Schema.Value, nil
		}
	}
	return nil, errors.New("there is no operation getSession")
}

// shownPointer returns a pointer in which … stands for each name that a record would not have.
func shownPointer(pointer string, s *openapi3.Schema) string {
	var shown jsontext.Pointer
	for name := range jsontext.Pointer(pointer).Tokens() {
		m, hasNames := member(s, name)
		switch {
		case m != nil:
			s = m
		case items(s) != nil: // an index
			s = items(s)
		case hasNames && looksLikeAName.MatchString(name):
			s = nil
		default:
			name, s = "…", nil
		}
		shown = shown.AppendToken(name)
	}
	return string(shown)
}

// shownReason returns a reason without what stands in quotation marks, unless the contract has it.
func shownReason(reason string) string {
	parts := strings.Split(reason, `"`)
	for i := 1; i < len(parts); i += 2 {
		if !strings.Contains(string(kodexa.Spec()), parts[i]) {
			parts[i] = "…"
		}
	}
	return strings.Join(parts, `"`)
}

// store writes the first of recorded.json, recorded-2.json and so on that does not exist, and returns its name.
func store(dir string, example []byte) (string, error) {
	for n := 1; ; n++ {
		name := "recorded.json"
		if n > 1 {
			name = fmt.Sprintf("recorded-%d.json", n)
		}
		file, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // for all to read
		if errors.Is(err, os.ErrExist) {
			continue
		} else if err != nil {
			return "", err
		}
		_, err = file.Write(example)
		return file.Name(), errors.Join(err, file.Close())
	}
}
