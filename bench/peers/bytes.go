package peers

import (
	"bytes"
	"context"
	"net/http"

	"github.com/kodexa-community/kodexa-go/bench/gen/stock"
	"github.com/kodexa-community/kodexa-go/bench/gen/stockextra"
)

// Sender sends a body of the caller's own, be it a session or not.
type Sender func(ctx context.Context, body []byte) error

// Senders returns those of the peers, by name. A peer that has none, as ogen, takes its own model alone.
func Senders(t Target) (map[string]Sender, error) {
	t.HTTP = &http.Client{Transport: Tuned()}
	client, _, err := newKodexa(t)
	if err != nil {
		return nil, err
	}
	kodexaSender := func(ctx context.Context, body []byte) error {
		_, err := client.API().UpdateSessionWithBodyWithResponse(ctx, SessionID, mediaType, bytes.NewReader(body))
		return err
	}
	responses, err := newFilter(t, false)
	if err != nil {
		return nil, err
	}
	bothWays, err := newFilter(t, true)
	if err != nil {
		return nil, err
	}
	return map[string]Sender{
		FloorName: stockSender(t, t.HTTP), // whose bytes are the caller's anyway
		StockName: stockSender(t, t.HTTP),
		StockExtraName: func(ctx context.Context, body []byte) error {
			client, err := stockextra.NewClientWithResponses(t.URL, stockextra.WithHTTPClient(t.HTTP), stockextra.WithRequestEditorFn(t.sendKey))
			if err != nil {
				return err
			}
			_, err = client.UpdateSessionWithBodyWithResponse(ctx, SessionID, mediaType, bytes.NewReader(body))
			return err
		},
		FilterResponsesName: stockSender(t, responses),
		FilterName:          stockSender(t, bothWays),
		RestyName: func(ctx context.Context, body []byte) error {
			_, err := newResty(t).R().SetContext(ctx).SetPathParam("id", SessionID.String()).
				SetHeader("Content-Type", mediaType).SetBody(body).Put(restyPath)
			return err
		},
		KodexaName:        kodexaSender,
		KodexaAPIName:     kodexaSender,
		KodexaCharsetName: kodexaSender,
	}, nil
}

func stockSender(t Target, doer stock.HttpRequestDoer) Sender {
	return func(ctx context.Context, body []byte) error {
		client, err := stock.NewClientWithResponses(t.URL, stock.WithHTTPClient(doer), stock.WithRequestEditorFn(t.sendKey))
		if err != nil {
			return err
		}
		_, err = client.UpdateSessionWithBodyWithResponse(ctx, SessionID, mediaType, bytes.NewReader(body))
		return err
	}
}
