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
	sender *sender
	api    *gen.Client // sends by sender
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
	calls := &sender{c, document, newTransport(c.httpClient, c.timeout)}
	editors := []RequestEditor{c.key, setHeader("User-Agent", userAgent(c.product)), setHeader("Accept", defaultAccept)}
	return &Client{sender: calls, api: &gen.Client{
		Server:         c.base.String() + "/",
		RequestEditors: append(editors, c.editors...),
		Client:         calls, // sender.Do begins the rest of a request's way
	}}, nil
}

// GetSession reads the session id (GET /api/sessions/{id}).
//
// Every error is a [*CallError], and none is [ErrOutcomeUnknown]: reading changes nothing. [ErrNotFound] says that there is
// no such session. An answer about another session is a [*ContractError]. editors run after those of [WithRequestEditor],
// for this call alone.
func (c *Client) GetSession(ctx context.Context, id uuid.UUID, editors ...RequestEditor) (*Session, error) {
	return c.getSession(ctx, id, editors, false)
}

// UpdateSession stores s as the session id (PUT /api/sessions/{id}), in place of what is stored there, and returns the session
// as the platform stored it. It is for a session that you hold already: to read, change and store one, use
// [Client.ModifySession].
//
// Sessions are locked optimistically: if s.ChangeSequence is not the stored one, the error is [ErrConflict]. Without a
// ChangeSequence nothing is locked: s replaces whatever is stored, and may do so twice if the request is sent again. So send
// the session as it was read, with your change in it; members that the contract does not name go along. A session whose ID is
// another UUID than id is not sent (what is no UUID is not compared), and an answer about another session is refused.
//
// Every error is a [*CallError]. Test it for [ErrOutcomeUnknown] to learn whether the session may have been updated all the
// same. editors run after those of [WithRequestEditor], for this call alone.
func (c *Client) UpdateSession(ctx context.Context, id uuid.UUID, s Session, editors ...RequestEditor) (*Session, error) {
	k, err := c.begin("updateSession", id, editors)
	if err != nil {
		return nil, err
	}
	if isAnother(id, s.ID) {
		return nil, k.failed(k.brokenRequest("/id", wantsOwnID))
	}
	return k.ownSession(k.generated().UpdateSessionWithResponse(ctx, id, s))
}

// API returns the generated client: every operation of the contract, with the same authentication, checks, retries and errors
// as the methods of c. It never returns an answer other than 2xx. A body that can't be encoded and a request editor fail before
// there is a request: their errors come as they are. All others are a [*CallError]. The ids of sessions are not compared.
func (c *Client) API() *gen.ClientWithResponses {
	c.mustBeMade()
	return &gen.ClientWithResponses{ClientInterface: c.api}
}

// CloseIdleConnections closes the connections that no call is using. c stays usable. A transport that was given with
// [WithHTTPClient] loses them for its other users too.
func (c *Client) CloseIdleConnections() {
	c.mustBeMade()
	c.sender.transport.closeIdle()
}

// mustBeMade panics with a text that says what to do, before generated code panics with one that doesn't.
func (c *Client) mustBeMade() {
	if c == nil || c.sender == nil {
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
