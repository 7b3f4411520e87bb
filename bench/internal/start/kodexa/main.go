// Program kodexa updates a session with this module's client.
package main

import (
	"context"
	"encoding/json"

	kodexa "github.com/kodexa-community/kodexa-go"
	"github.com/kodexa-community/kodexa-go/bench/internal/start"
)

func main() {
	start.Main(func(url string) (func(context.Context) error, error) {
		client, err := kodexa.New(kodexa.WithBaseURL(url), kodexa.WithAPIKey("key"))
		if err != nil {
			return nil, err
		}
		session := kodexa.Session{
			ChangeSequence: new(int32(7)),
			Organization: &kodexa.Organization{
				Name: new("Acme Corp"), Properties: &map[string]json.RawMessage{"region": json.RawMessage(`"eu-west-1"`)},
			},
			State: new("CLOSED"),
		}
		return func(ctx context.Context) error {
			_, err := client.UpdateSession(ctx, start.SessionID, session)
			return err
		}, nil
	})
}
