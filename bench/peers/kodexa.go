package peers

import (
	"context"

	"github.com/go-json-experiment/json"

	kodexa "github.com/kodexa-community/kodexa-go"
)

// maxResponseBytes leaves room for the largest body that is measured.
const maxResponseBytes = 64 << 20

// Kodexa is this module's client, which checks both directions.
func Kodexa(t Target) (Peer, error) {
	_, peer, err := newKodexa(t, kodexa.WithHTTPClient(t.HTTP))
	return peer, err
}

// KodexaCharset is the same client where the server spells the answer's media type with a parameter, as many do.
func KodexaCharset(t Target) (Peer, error) {
	t.URL = t.Charset
	peer, err := Kodexa(t)
	peer.Name = KodexaCharsetName
	return peer, err
}

// KodexaAPI is the same client, called by its generated methods.
func KodexaAPI(t Target) (Peer, error) {
	client, _, err := newKodexa(t, kodexa.WithHTTPClient(t.HTTP))
	if err != nil {
		return Peer{}, err
	}
	var session kodexa.Session
	if err := json.Unmarshal(t.Session, &session); err != nil {
		return Peer{}, err
	}
	api := client.API()
	return Peer{KodexaAPIName, func(ctx context.Context) (any, error) {
		res, err := api.UpdateSessionWithResponse(ctx, SessionID, session)
		if err != nil {
			return nil, err
		}
		return res.JSON200, nil
	}}, nil
}

// KodexaPooled is this module's client with the pool that it comes with, and what closes that.
func KodexaPooled(t Target) (Peer, func(), error) {
	client, peer, err := newKodexa(t)
	if err != nil {
		return Peer{}, nil, err
	}
	return peer, client.CloseIdleConnections, nil
}

func newKodexa(t Target, options ...kodexa.Option) (*kodexa.Client, Peer, error) {
	client, err := kodexa.New(append(options,
		kodexa.WithBaseURL(t.URL),
		kodexa.WithAPIKey(t.APIKey),
		kodexa.WithMaxResponseBytes(maxResponseBytes),
	)...)
	if err != nil {
		return nil, Peer{}, err
	}
	var session kodexa.Session
	if err := json.Unmarshal(t.Session, &session); err != nil {
		return nil, Peer{}, err
	}
	return client, Peer{KodexaName, func(ctx context.Context) (any, error) {
		return client.UpdateSession(ctx, SessionID, session)
	}}, nil
}
