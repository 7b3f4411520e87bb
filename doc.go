// Package kodexa is a strict client for the sessions API of the Kodexa Platform. It is unofficial.
//
//	client, err := kodexa.New(kodexa.FromEnv()) // make one client and share it
//	if err != nil {
//		return err
//	}
//	session, err := client.ModifySession(ctx, id, func(s *kodexa.Session) error {
//		s.State = new("CLOSED")
//		return nil
//	})
//	if err != nil {
//		return err
//	}
//	fmt.Println("stored as version", *session.ChangeSequence)
//
// [Client.ModifySession] reads a session, changes it and stores it, and loses no update of somebody else. [Client.GetSession]
// reads; [Client.UpdateSession] stores a session that you hold. [Client.API] has every operation of the contract.
//
// Each request goes this way, and there is no other:
//
//	Client.UpdateSession, or an operation of Client.API
//	  -> generated client    encodes the request (package gen)
//	  -> request editors     API key, User-Agent, Accept, WithRequestEditor
//	  -> contract            the request keeps it            else *ContractError
//	  -> retry loop          one attempt or more
//	  -> transport           one RoundTrip, no redirects, a bounded answer
//	  <- contract            the answer is 2xx               else *APIError
//	                         and keeps the contract          else *ContractError
//	  <- generated client    decodes the bytes that were checked
//
// The contract is openapi.yaml, see [Spec]. The steps know no operation by name: they serve each one that it has.
//
// # Authentication
//
// An API key is created in the platform's UI under Settings > Access Tokens. [WithAPIKey] takes it, or [FromEnv] reads it
// from KODEXA_API_KEY. It is sent as the header x-api-key to the host of [WithBaseURL] and to no other: redirects are not
// followed, a request editor can't change the host, and http beyond loopback is refused without [WithPlaintextHTTP].
//
// No error text, log record or formatted value of this package has the API key, a token or another value of a session in
// it. [APIError.Message] is what the platform said, in which the key, and of the body that was sent the token and each string of
// 8 bytes or more, is masked. What a path or a query says is not: put no secret there. The fields Header and Body of the errors
// have what the platform sent, for whoever asks.
//
// # Errors
//
// [New] reports everything that is wrong with its options. Every failed call returns a [*CallError], which says which call
// it was: operation, method, path, request ID, attempts. What failed it is to be told by [errors.Is] or [errors.As]:
//
//   - [ErrUnauthorized] (401): the API key is not accepted. Check it and the base URL.
//   - [ErrForbidden] (403): the API key does not permit the operation.
//   - [ErrNotFound] (404): there is no such session.
//   - [ErrConflict] (409, 412): the session was updated since it was read. ModifySession reads and changes it again by itself.
//   - [ErrRateLimited] (429): the attempts are used up. Wait for [APIError.RetryAfter].
//   - [*APIError]: all of the above, and any other status than 2xx. After a 3xx check the base URL.
//   - [*ContractError] with In [InRequest]: the request breaks the contract and was not sent. Violations says where.
//   - [*ContractError] with In [InResponse]: the answer breaks the contract, or it was cut short.
//   - [ErrResponseTooLarge]: the answer is beyond the limit of [WithMaxResponseBytes].
//   - [context.Canceled], [context.DeadlineExceeded]: the context of the call has ended; never the cause that it was given.
//   - Any other error is that of the last attempt, such as a [*net.OpError], of a request editor, or of encoding the session.
//     Its text has … for what stands in quotation marks, since that may be a part of an answer.
//
// To learn whether the session may have been updated although the call failed, test for [ErrOutcomeUnknown]:
//
//   - It comes with any 5xx but 501, with 303, 408 and 499, with a success that is refused or can't be read, and with an
//     attempt that was written in full but not answered, or that a foreign RoundTripper tells nothing about.
//   - It stays once an attempt had it: an [ErrConflict] that follows may be the call's own write.
//   - An error without it means that nothing was applied. Reading is never of unknown outcome. A RoundTripper of your own that
//     sends a request more than once has to keep that promise itself: what it reports to httptrace is taken for one attempt.
//
// What can't be told: whether a platform that answers 200 with a session stored what was sent, and whether a session
// without an id is the one that was asked for.
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
//   - a session whose id is another UUID than the one in the path, sent or answered
//
// Members that the contract does not name are fine. A date-time keeps its instant, to the nanosecond, but not its
// spelling: 05:31:56.100Z is encoded as 05:31:56.1Z. Each [Violation] has a JSON pointer to its place. [WithReportOnly] reports
// answers that break the contract, and decodes them as well as it can. [ParseSession] holds JSON from elsewhere against the
// contract.
//
// The body of an error is checked too if the contract describes it: [APIError.Violations] never hides the status. If there are
// none, json.Unmarshal(err.Body, &problem) reads it into the type of package gen that the contract has for it.
//
// # Retries
//
// An idempotent request (GET, PUT, DELETE) may be sent again, so the client does: up to four times by default, see
// [RetryPolicy]. What is sent again, and whether the outcome of one that changes something is known if that does not help:
//
//	failure                                              sent again   outcome
//	no connection: name not found, refused, TLS timeout  yes          known
//	connection lost before the request was written       yes          known
//	connection lost after that                           yes          unknown
//	no answer within WithTimeout                         yes          unknown, if the request was written
//	an answer that is not HTTP, or its header too large  yes          unknown
//	a foreign RoundTripper fails and reports no trace    yes          unknown
//	425, 429                                             yes          known
//	408, 502, 503, 504, 520 to 524                       yes          unknown
//	500, other 5xx but 501                               no           unknown
//	303, 499                                             no           unknown
//	421, other 3xx and 4xx, 501                          no           known
//	2xx that breaks the contract or is too large         no           unknown
//	2xx that is cut short or not complete in time        GET only     unknown
//	certificate not trusted, no TLS, a bad header        no           known
//	a proxy that answers CONNECT with 403 or 407         no           known
//	the context of the call has ended                    no           unknown, if the request was written
//
// The table holds for HTTP/1.1 and HTTP/2. A POST is sent once. A session that [Client.UpdateSession] sends without its
// changeSequence may be applied twice, once for each attempt that arrives.
//
// The wait before the next attempt is random up to a bound that doubles, or what Retry-After asks for. One that is longer than
// MaxDelay, or that would outlive the context, is not begun: the call fails at once.
//
// An attempt that takes longer than [WithTimeout] is a [net.Error] with Timeout() true, and not [context.DeadlineExceeded].
//
// # Unnamed members
//
// Reading, changing and storing a session loses nothing. [Session] and the models in it hold members that the contract does
// not name as raw JSON in AdditionalProperties; their methods Get and Set reach it. So do the free-form members Features
// and Properties of [Organization]. Such values are encoded as they came, so a number may have any size.
//
// Optional members are pointers: nil is absent. OrganizationID may also be null and is a [nullable.Nullable]:
//
//	session.OrganizationID.SetNull()
//	session.OrganizationID.Set("7f9c")
//	session.OrganizationID.SetUnspecified() // absent
//
// A copy of a model shares its maps and what its pointers point to; its method Clone returns one that shares nothing. A model
// prints as its name alone, such as gen.Session{…}, since its members may be secrets: print the members that you want.
//
// # Limits
//
// A call has no deadline but that of its context. Bounded are each attempt (30 seconds, [WithTimeout]), the attempts (4,
// [WithRetry]), the body of an answer after decompression (10 MiB, [WithMaxResponseBytes]; 1 MiB of an [APIError]'s), its
// header (1 MiB; that of the transport given with [WithHTTPClient]) and the nesting of JSON (10,000 levels). Up to 256 idle
// connections are kept, each for 90 seconds.
//
// # Logging
//
// [WithLogger] gets one record an attempt: operation, method, path, attempt, duration, outcome_unknown, and status or error.
//
// # Testing
//
// Package [github.com/kodexa-community/kodexa-go/kodexatest] has a server on loopback that keeps the contract, and that can
// be told to break it.
//
// [kin-openapi]: https://pkg.go.dev/github.com/getkin/kin-openapi/openapi3
// [nullable.Nullable]: https://pkg.go.dev/github.com/oapi-codegen/nullable#Nullable
package kodexa
