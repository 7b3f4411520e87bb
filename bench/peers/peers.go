// Package peers holds what is measured: clients that all do the same update, and the pieces that such an update is made of.
package peers

import (
	"context"
	"net/http"

	"github.com/google/uuid"
)

// Peer does a piece of work as often as it is asked to.
type Peer struct {
	Name string
	// Run does the work once. An update returns the session that the server answered, as the peer's own model.
	Run func(context.Context) (any, error)
}

// Target is the update that every peer does: PUT Session as SessionID to the server at URL.
type Target struct {
	URL     string
	Charset string // a base URL below which the server spells the media type application/json; charset=UTF-8
	APIKey  string
	Session []byte       // JSON without members that the contract does not name: not every peer's model keeps those
	HTTP    *http.Client // what to send with
}

// SessionID is the session that is updated.
var SessionID = uuid.MustParse("550e8400-e29b-41d4-a716-446655440000")

// Names of the peers, as tables have them.
const (
	FloorName           = "bare exchange of the same bytes"
	HandwrittenName     = "hand-written net/http + encoding/json"
	StockName           = "stock oapi-codegen"
	StockExtraName      = "stock, keeping extra members"
	FilterResponsesName = "stock + openapi3filter, responses"
	FilterName          = "stock + openapi3filter, both ways"
	OgenName            = "ogen"
	RestyName           = "resty, checks by hand"
	KodexaName          = "**this client**"
	KodexaAPIName       = "**this client**, through API()"
	KodexaCharsetName   = "**this client**, answers with charset=UTF-8"
)

const mediaType = "application/json"

// Maker makes a peer.
type Maker func(Target) (Peer, error)

// All returns every client, each with a pool of its own that is tuned like this module's.
//
// The peers' clients have no timeout, as they come. This client bounds each attempt, which counts as its cost.
func All(t Target) ([]Peer, error) {
	return Make(t, Tuned, Floor, Handwritten, Stock, StockExtra, FilterResponses, Filter, Ogen, Resty, Kodexa, KodexaAPI, KodexaCharset)
}

// Make returns a peer of each maker, each with a transport of its own.
func Make(t Target, transport func() http.RoundTripper, makers ...Maker) ([]Peer, error) {
	all := make([]Peer, 0, len(makers))
	for _, newPeer := range makers {
		t.HTTP = &http.Client{Transport: transport()}
		peer, err := newPeer(t)
		if err != nil {
			return nil, err
		}
		all = append(all, peer)
	}
	return all, nil
}

// Tuned returns net/http's default transport with a pool of its own, as large as this module's.
func Tuned() http.RoundTripper {
	transport := defaultTransport()
	transport.MaxIdleConns = 256
	transport.MaxIdleConnsPerHost = 256
	return transport
}

// Default returns net/http's default transport with a pool of its own.
func Default() http.RoundTripper { return defaultTransport() }

func defaultTransport() *http.Transport {
	transport, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		panic("http.DefaultTransport was replaced")
	}
	return transport.Clone()
}
