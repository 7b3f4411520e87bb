// Program handwritten updates a session with net/http and encoding/json.
package main

import (
	"context"
	"net/http"

	"github.com/kodexa-community/kodexa-go/bench/handwritten"
	"github.com/kodexa-community/kodexa-go/bench/internal/start"
)

func main() {
	start.Main(func(url string) (func(context.Context) error, error) {
		client := &handwritten.Client{URL: url, APIKey: "key", HTTP: http.DefaultClient}
		session := &handwritten.Session{
			ChangeSequence: new(int32(7)),
			Organization:   &handwritten.Organization{Name: new("Acme Corp"), Properties: map[string]any{"region": "eu-west-1"}},
			State:          new("CLOSED"),
		}
		return func(ctx context.Context) error {
			_, err := client.UpdateSession(ctx, start.SessionID, session)
			return err
		}, nil
	})
}
