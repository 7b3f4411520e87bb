package kodexa

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/google/uuid"

	"github.com/kodexa-community/kodexa-go/gen"
	"github.com/kodexa-community/kodexa-go/internal/contract"
)

// Client reads and updates sessions on a Kodexa Platform. Make one with [New] and share it: its methods may be called
// concurrently, and none of them keeps or changes what it is given.
type Client struct {
	caller *caller
	api    *gen.ClientWithResponses
}

// New returns a client for the platform at https://platform.kodexa.ai, or where the options say. It needs an API key, from
// [WithAPIKey] or [FromEnv]. Its error names every option that is refused; it opens no connection.
func New(opts ...Option) (*Client, error) {
	c, err := newConfig(opts)
	if err != nil {
		return nil, fmt.Errorf("kodexa: %w", err)
	}
	document, err := shippedContract()
	if err != nil {
		return nil, fmt.Errorf("kodexa: %w", err)
	}
	calls := &caller{c, document, newTransport(c.httpClient, c.timeout)}
	steps := []gen.ClientOption{gen.WithHTTPClient(calls)} // caller.Do has the rest of a request's way
	editors := []RequestEditor{c.key, setHeader("User-Agent", userAgent(c.product)), setHeader("Accept", defaultAccept)}
	for _, fn := range append(editors, c.editors...) {
		steps = append(steps, gen.WithRequestEditorFn(withOwnError(fn)))
	}
	api, err := gen.NewClientWithResponses(c.base.String(), steps...)
	if err != nil {
		return nil, fmt.Errorf("kodexa: %w", err)
	}
	return &Client{caller: calls, api: api}, nil
}

// GetSession reads the session id (GET /api/sessions/{id}).
//
// Every error is a [*CallError], and none is [ErrOutcomeUnknown]: reading changes nothing. [ErrNotFound] says that there is
// no such session. An answer about another session is a [*ContractError]. editors run after those of [WithRequestEditor],
// for this call alone.
func (c *Client) GetSession(ctx context.Context, id uuid.UUID, editors ...RequestEditor) (*Session, error) {
	session, _, err := c.getSession(ctx, id, editors)
	return session, err
}

// UpdateSession stores s as the session id (PUT /api/sessions/{id}), in place of what is stored there, and returns the session
// as the platform stored it. It is for those who hold a session and want one try at it; [Client.ModifySession] reads, changes
// and stores.
//
// Sessions are locked optimistically: if s.ChangeSequence is not the stored one, the error is [ErrConflict]. Without a
// ChangeSequence nothing is locked: s replaces whatever is stored. So send the session that was read, changed; members that the
// contract does not name go along. A session whose ID is another UUID than id is not sent, and an answer about another session
// is refused.
//
// Every error is a [*CallError]. Test it for [ErrOutcomeUnknown] to learn whether the session may have been updated all the
// same. editors run after those of [WithRequestEditor], for this call alone.
func (c *Client) UpdateSession(ctx context.Context, id uuid.UUID, s Session, editors ...RequestEditor) (*Session, error) {
	m, err := c.begin(id, "updateSession", editors)
	if err != nil {
		return nil, err
	}
	if isAnother(id, s.ID) {
		return nil, m.failed(&ContractError{In: InRequest, Violations: otherSession()})
	}
	res, err := c.api.UpdateSessionWithResponse(ctx, id, s, m.editors...)
	if err != nil {
		return nil, m.sent(err)
	}
	session, _, err := ownSession(id, res.HTTPResponse, res.Body, res.JSON200)
	return session, err
}

// API returns the generated client: every operation of the contract, with the same authentication, checks, retries and
// errors as the methods of c. It never returns an answer other than 2xx. What fails before there is a request, such as a
// body that can't be encoded or an editor, comes as it is; all else is a [*CallError].
func (c *Client) API() *gen.ClientWithResponses {
	c.mustBeMade()
	return &gen.ClientWithResponses{ClientInterface: c.api.ClientInterface} // what a caller puts in its place is for that caller alone
}

// CloseIdleConnections closes the connections that no call is using. c stays usable.
func (c *Client) CloseIdleConnections() {
	c.mustBeMade()
	c.caller.transport.closeIdle()
}

// mustBeMade panics with a text that says what to do, before generated code panics with one that doesn't.
func (c *Client) mustBeMade() {
	if c == nil || c.caller == nil {
		panic("kodexa: the Client is nil or empty: make one with New")
	}
}

//go:embed openapi.yaml
var spec []byte

// Spec returns the contract as it was written, in YAML: OpenAPI 3.0.3. The caller owns the bytes.
func Spec() []byte { return bytes.Clone(spec) }

// shippedContract parses the contract once, when it is first needed.
var shippedContract = sync.OnceValues(func() (*contract.Contract, error) { return contract.Parse(spec) })

// userAgent names product, if there is one, and this module.
func userAgent(product string) string { return strings.TrimSpace(product + " kodexa-go" + version()) }

// version returns "/" and the version of this module that the program was built with, or "" if that is not known.
var version = sync.OnceValue(func() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range info.Deps {
			if dep.Path == "github.com/kodexa-community/kodexa-go" && dep.Replace == nil {
				return "/" + dep.Version
			}
		}
	}
	return ""
})
