// Package kodexa is a strict client for the sessions API of the Kodexa Platform. It is unofficial.
//
//	client, err := kodexa.New(kodexa.FromEnv()) // make one client and share it
//	if err != nil {
//		return err
//	}
//	session.State = new("CLOSED") // session is a kodexa.Session as it was read
//	updated, err := client.UpdateSession(ctx, id, session)
//	if err != nil {
//		return err
//	}
//	session = *updated // has the changeSequence that the next update needs
//
// Each request goes this way, and there is no other:
//
//	Client.UpdateSession, or an operation of Client.API
//	  -> generated client    encodes the request (package gen)
//	  -> request editors     API key, User-Agent, WithRequestEditor
//	  -> contract            the request keeps it            else *ContractError
//	  -> retry               one attempt or more
//	  -> http.Client         no redirects, a bounded answer
//	  <- contract            the final answer is 2xx         else *APIError
//	                         and keeps the contract          else *ContractError
//	  <- typed result
//
// The contract is openapi.yaml, see [Spec]. The steps know no operation by name: they serve each one that it has.
//
// # Authentication
//
// An API key is created in the platform's UI under Settings > Access Tokens. [WithAPIKey] takes it, or [FromEnv] reads it
// from KODEXA_API_KEY. It is sent as the header x-api-key to the host of [WithBaseURL] and to no other: redirects are not
// followed, a request editor can't change the host, and http beyond loopback is refused without [WithPlaintextHTTP].
//
// No error text, log record or formatted value of this package has the API key, a token or another value of a body in
// it. The fields Header, Body and Message of the errors have what the platform sent, for whoever asks.
//
// # Errors
//
// [New] reports what is wrong with the options. A call fails with one of these, to be told by [errors.Is] or [errors.As]:
//
//   - [ErrUnauthorized] (401): the API key is not accepted. Check it and the base URL.
//   - [ErrForbidden] (403): the API key does not permit the update.
//   - [ErrNotFound] (404): there is no such session.
//   - [ErrConflict] (409, 412): the session was updated since it was read. Read it again, and apply the change to that.
//   - [ErrRateLimited] (429): the attempts are used up. Wait for [APIError.RetryAfter].
//   - [*APIError]: all of the above, and any other status than 2xx. After a 3xx check the base URL.
//   - [*ContractError] with Direction [Request]: the session breaks the contract and was not sent. Violations says where.
//   - [*ContractError] with Direction [Response]: the answer breaks the contract, or it was cut short.
//   - [ErrResponseTooLarge]: the answer is beyond the limit of [WithMaxResponseBytes].
//   - [context.Canceled], [context.DeadlineExceeded]: the context of the call has ended.
//   - Any other error is that of the last attempt, such as a [*net.OpError], of a request editor, or of encoding the session.
//
// To learn whether the session may have been updated although the call failed, test for [ErrOutcomeUnknown]:
//
//   - It comes with any 5xx but 501 and 503, with 303, with a success that is refused or can't be read, and with an
//     attempt that was written in full but not answered, or that a transport tells nothing about.
//   - It stays once an attempt had it. An [ErrConflict] that follows may therefore be the call's own write; so may one
//     that follows a 503, which can be a gateway's word.
//   - An error without it means that the request was not applied.
//
// # Validation
//
// Requests are checked before they are sent, answers before they are decoded, and the bytes that are checked are those
// that are decoded. What the contract means is for [kin-openapi] to say; a faster path only accepts what that accepts.
//
// An answer must have a status that the contract names and the media type that it names for it, and its body must be one
// JSON value in UTF-8 that matches the schema. Among what is refused:
//
//   - a body that is empty, null, cut short or HTML, and one with a byte-order mark or with data after the value
//   - null for a member that is not nullable
//   - a member name that is repeated, or that differs from one of the contract's in case alone
//   - an integer beyond its format, or written as 1.0 or 1e3
//   - a date-time that [time.Time] can't hold, such as 30 February, second 60 or an offset of -99:99
//
// Members that the contract does not name are fine. A date-time keeps its instant, to the nanosecond, but not its
// spelling: 05:31:56.100Z is encoded as 05:31:56.1Z. Each [Violation] has a JSON pointer to its place.
// [WithViolationHandler] can report violations without refusing them.
//
// # Retries
//
// A PUT may be sent again, so the client does: up to four times by default, see [RetryPolicy]. What is sent again, and
// whether the outcome is known if that does not help:
//
//	failure                                              sent again   outcome
//	no connection: name not found, refused, TLS timeout  yes          known
//	connection lost before the request was written       yes          known
//	connection lost after that                           yes          unknown
//	no answer within WithTimeout                         yes          unknown, if the request was written
//	an answer that is not HTTP, or its header too large  yes          unknown
//	429, 503                                             yes          known
//	502, 504                                             yes          unknown
//	500, other 5xx but 501                               no           unknown
//	303                                                  no           unknown
//	other 3xx and 4xx, 501                               no           known
//	2xx that breaks the contract, is too large, is cut   no           unknown
//	  short, or is not complete within WithTimeout
//	certificate not trusted, or no TLS                   no           known
//	the context of the call has ended                    no           unknown, if the request was written
//
// A session that is sent without its changeSequence may be applied twice, once for each attempt that arrives.
//
// The wait before the next attempt is random up to a bound that doubles, or what Retry-After asks for, and at most
// MaxDelay. A wait that would outlive the deadline of the context is not begun.
//
// # Unnamed members
//
// What a read-modify-write does not change it keeps. [Session] and the models in it hold members that the contract does
// not name as raw JSON in AdditionalProperties; their methods Get and Set reach it. So do the free-form members Features
// and Properties of [Organization]. Such values are encoded as they came, so a number may have any size.
//
// Optional members are pointers: nil is absent. OrganizationID may also be null and is a [nullable.Nullable]:
//
//	session.OrganizationID.SetNull()
//	session.OrganizationID.Set("7f9c")
//	session.OrganizationID.SetUnspecified() // absent
//
// # Limits
//
// A call has no deadline but that of its context. Bounded are each attempt (30 seconds, [WithTimeout]), the attempts (4,
// [WithRetry]), the body of an answer after decompression (10 MiB, [WithMaxResponseBytes]; 1 MiB of an [APIError]'s), its
// header (1 MiB; that of the transport given with [WithHTTPClient]) and the nesting of JSON (10,000 levels). Up to 256 idle
// connections are kept.
//
// # Logging
//
// [WithLogger] gets one record an attempt: method, path template, attempt, duration, and status or error.
//
// # Testing
//
// Package [github.com/kodexa-community/kodexa-go/kodexatest] has a server on loopback that keeps the contract, and that can
// be told to break it.
//
// [kin-openapi]: https://pkg.go.dev/github.com/getkin/kin-openapi/openapi3
// [nullable.Nullable]: https://pkg.go.dev/github.com/oapi-codegen/nullable#Nullable
package kodexa
