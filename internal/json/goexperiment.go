//go:build goexperiment.jsonv2 && !go1.27

package json

// In that experiment of Go 1.26 version 2 does not know [errors.ErrUnsupported] yet, without which no model can be read.
var _ = goexperimentJSONv2NeedsGo127
