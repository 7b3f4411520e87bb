package kodexa

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/kodexa-community/kodexa-go/gen"
)

// The contract's schemas. Each keeps the members that the contract does not name in AdditionalProperties, see the methods
// Get and Set. Optional members are pointers, so that absent and zero differ; a nullable one has three states.
type (
	// Session is a processing session for document operations.
	Session = gen.Session
	// Organization is what a session belongs to.
	Organization = gen.Organization
	// AuthGroupLink links an organization to its authorization group.
	AuthGroupLink = gen.AuthGroupLink
	// OrganizationMemory is organization-level memory and configuration.
	OrganizationMemory = gen.OrganizationMemory
)

// Client updates sessions on a Kodexa Platform. Make one with [New] and share it: its methods may be called concurrently.
type Client struct {
	api  *gen.ClientWithResponses
	http *http.Client
}

// New returns a client for the platform at https://platform.kodexa.ai, or where the options say. It needs an API key, from
// [WithAPIKey] or [FromEnv], and reports everything that is wrong with its options; it opens no connection.
func New(opts ...Option) (*Client, error) {
	c, err := newConfig(opts)
	if err != nil {
		return nil, fmt.Errorf("kodexa: %w", err)
	}
	contract, err := shippedContract()
	if err != nil {
		return nil, fmt.Errorf("kodexa: %w", err)
	}
	hc, timeout := newHTTPClient(c.httpClient, c.timeout)
	steps := &checker{
		next:        &retrier{next: hc, policy: c.retry, timeout: timeout, logger: c.logger, keepsRequests: keepsRequests(hc)},
		contract:    contract,
		base:        c.base,
		maxBody:     c.maxResponseBytes,
		onViolation: c.onViolation,
	}
	generated := []gen.ClientOption{
		gen.WithHTTPClient(steps),
		gen.WithRequestEditorFn(announceBody),
		gen.WithRequestEditorFn(apiKeyEditor(c.apiKey)),
		gen.WithRequestEditorFn(userAgentEditor(userAgent(c.product))),
	}
	for _, fn := range c.editors {
		generated = append(generated, gen.WithRequestEditorFn(fn))
	}
	api, err := gen.NewClientWithResponses(c.base.String(), generated...)
	if err != nil {
		return nil, fmt.Errorf("kodexa: %w", err)
	}
	return &Client{api: api, http: hc}, nil
}

// UpdateSession stores s as the session id (PUT /api/sessions/{id}) and returns the session as the platform stored it.
//
// Sessions are locked optimistically: if s.ChangeSequence is not the stored one, the error is [ErrConflict]. Send the
// session that was read, changed; members that the contract does not name go along.
//
// Errors are an [*APIError], a [*ContractError], [ErrResponseTooLarge] or one of the transport or of an editor. Test for
// [ErrOutcomeUnknown] to learn whether the session may have been updated all the same. editors run after those of
// [WithRequestEditor], for this call alone.
func (c *Client) UpdateSession(ctx context.Context, id uuid.UUID, s Session, editors ...gen.RequestEditorFn) (*Session, error) {
	body, err := encode(&s)
	if err != nil {
		return decode[Session]("UpdateSession", nil, err)
	}
	res, err := c.api.UpdateSessionWithBody(ctx, id, jsonMediaType, body, editors...)
	return decode[Session]("UpdateSession", res, err)
}

// API returns the generated client: every operation of the contract, with the same authentication, checks, retries and
// errors as the methods of c. Only if a handler given with [WithViolationHandler] lets an answer pass that breaks the
// contract does it behave as generated clients do: what can't be decoded is an error of the JSON decoder, and a status or
// media type that it does not know leaves the JSON fields of the response nil.
func (c *Client) API() *gen.ClientWithResponses { return c.api }

// CloseIdleConnections closes the connections that no call is using. c stays usable.
func (c *Client) CloseIdleConnections() { c.http.CloseIdleConnections() }

// decode returns the T that an operation was answered with, or its error.
func decode[T any](operation string, res *http.Response, err error) (*T, error) {
	if pointer, ok := codingError(err); ok { // whose text may have a part of the value
		return nil, fmt.Errorf("kodexa: %s: the request can't be encoded at %q", operation, shortened(pointer))
	}
	if err != nil {
		return nil, err
	}
	value := new(T)
	body := res.Body.(*checkedBody) //nolint:forcetypeassert // checker.Do returns no other
	if err := body.decode(value); err != nil {
		pointer, _ := codingError(err)
		answer := body.answer
		if answer == nil {
			answer = body.ex.brokenAnswer(res.StatusCode, bytes.Clone(body.text))
		}
		return nil, answer.add(pointer, "the value can't be decoded")
	}
	body.from.release()
	return value, nil
}

// codingError reports whether err is one of the JSON encoder or decoder, and where it occurred.
func codingError(err error) (pointer string, ok bool) {
	semantic, isSemantic := errors.AsType[*json.SemanticError](err)
	syntactic, isSyntactic := errors.AsType[*jsontext.SyntacticError](err)
	switch {
	case isSyntactic && (!isSemantic || syntactic.JSONPointer != ""): // the inner one, if it knows its place
		return string(syntactic.JSONPointer), true
	case isSemantic:
		return string(semantic.JSONPointer), true
	}
	return "", false
}

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
