module github.com/kodexa-community/kodexa-go/internal/release

go 1.26.0

require (
	github.com/kodexa-community/kodexa-go/internal/upkeep v0.0.0-00010101000000-000000000000
	golang.org/x/mod v0.42.0
)

replace github.com/kodexa-community/kodexa-go/internal/upkeep => ../upkeep

replace github.com/kodexa-community/kodexa-go => ../..
