// Command contract-diff prints what changed in openapi.yaml since a Git ref or a file, what breaks importers, and which version
// follows. With -check in place of the base it is the last tag, and a break that CHANGELOG.md does not name is exit status 1.
// Exit status 2 says that it can't tell.
package main

import (
	"github.com/kodexa-community/kodexa-go/internal/upkeep"
	"github.com/kodexa-community/kodexa-go/internal/upkeep/change"
)

func main() { upkeep.Main(change.Command) }
