// Program kinopenapi loads the contract with kin-openapi, and does nothing with it.
package main

import (
	"context"

	"github.com/getkin/kin-openapi/openapi3"

	kodexa "github.com/kodexa-community/kodexa-go"
	"github.com/kodexa-community/kodexa-go/bench/internal/start"
)

func main() {
	spec := kodexa.Spec()
	start.Main(func(string) (func(context.Context) error, error) {
		_, err := openapi3.NewLoader().LoadFromData(spec)
		return nil, err
	})
}
