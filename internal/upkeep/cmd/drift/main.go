// Command drift prints where the document of a platform describes the operations of openapi.yaml otherwise. Its exit status is
// 0 if nowhere, 1 if somewhere, and 2 if it can't tell.
package main

import (
	"github.com/kodexa-community/kodexa-go/internal/upkeep"
	"github.com/kodexa-community/kodexa-go/internal/upkeep/drift"
)

func main() { upkeep.Main(drift.Command) }
