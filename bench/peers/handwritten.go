package peers

import (
	"context"
	"encoding/json"

	"github.com/kodexa-community/kodexa-go/bench/handwritten"
)

// Handwritten is net/http and encoding/json by hand.
func Handwritten(t Target) (Peer, error) {
	client := &handwritten.Client{URL: t.URL, APIKey: t.APIKey, HTTP: t.HTTP}
	session := new(handwritten.Session)
	if err := json.Unmarshal(t.Session, session); err != nil {
		return Peer{}, err
	}
	return Peer{HandwrittenName, func(ctx context.Context) (any, error) {
		return client.UpdateSession(ctx, SessionID, session)
	}}, nil
}
