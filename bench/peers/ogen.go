package peers

import (
	"context"

	"github.com/kodexa-community/kodexa-go/bench/gen/ogen"
)

// Ogen is ogen's generated client, whose codecs use no reflection and check types and formats while they decode.
func Ogen(t Target) (Peer, error) {
	client, err := ogen.NewClient(t.URL, apiKey(t.APIKey), ogen.WithClient(t.HTTP))
	if err != nil {
		return Peer{}, err
	}
	var session ogen.Session
	if err := session.UnmarshalJSON(t.Session); err != nil {
		return Peer{}, err
	}
	return Peer{OgenName, func(ctx context.Context) (any, error) {
		return client.UpdateSession(ctx, ogen.NewOptSession(session), ogen.UpdateSessionParams{ID: SessionID})
	}}, nil
}

type apiKey string

// ApiKey is named by the contract.
//
//nolint:revive // so it is generated
func (k apiKey) ApiKey(context.Context, ogen.OperationName) (ogen.ApiKey, error) {
	return ogen.ApiKey{APIKey: string(k)}, nil
}
