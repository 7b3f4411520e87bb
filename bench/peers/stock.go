package peers

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/kodexa-community/kodexa-go/bench/gen/stock"
	"github.com/kodexa-community/kodexa-go/bench/gen/stockextra"
)

// Stock is oapi-codegen's client as it comes, for a contract that does not spell out that extra members are permitted: its
// models are plain structs. It is the faster of the two, and what the others are compared with.
func Stock(t Target) (Peer, error) { return newStock(StockName, t, t.HTTP) }

// StockExtra is oapi-codegen's client as it comes for the contract as it stands: its models keep extra members.
func StockExtra(t Target) (Peer, error) {
	client, err := stockextra.NewClientWithResponses(t.URL, stockextra.WithHTTPClient(t.HTTP),
		stockextra.WithRequestEditorFn(t.sendKey))
	if err != nil {
		return Peer{}, err
	}
	var session stockextra.Session
	if err := json.Unmarshal(t.Session, &session); err != nil {
		return Peer{}, err
	}
	return Peer{StockExtraName, func(ctx context.Context) (any, error) {
		res, err := client.UpdateSessionWithResponse(ctx, SessionID, session)
		if err != nil {
			return nil, err
		}
		if res.JSON200 == nil {
			return nil, errors.New(res.Status())
		}
		return res.JSON200, nil
	}}, nil
}

func newStock(name string, t Target, doer stock.HttpRequestDoer) (Peer, error) {
	client, err := stock.NewClientWithResponses(t.URL, stock.WithHTTPClient(doer), stock.WithRequestEditorFn(t.sendKey))
	if err != nil {
		return Peer{}, err
	}
	var session stock.Session
	if err := json.Unmarshal(t.Session, &session); err != nil {
		return Peer{}, err
	}
	return Peer{name, func(ctx context.Context) (any, error) {
		res, err := client.UpdateSessionWithResponse(ctx, SessionID, session)
		if err != nil {
			return nil, err
		}
		if res.JSON200 == nil {
			return nil, errors.New(res.Status())
		}
		return res.JSON200, nil
	}}, nil
}

// sendKey is the request editor of stock clients.
func (t Target) sendKey(_ context.Context, req *http.Request) error {
	req.Header.Set("X-Api-Key", t.APIKey)
	return nil
}
