// Command record reads a session of the platform that KODEXA_URL names and stores it in api/examples with other values, or prints
// how it breaks the contract. Its exit status is 0 if it stored one, 1 if the answer breaks the contract, and 2 if there is none.
package main

import (
	"github.com/kodexa-community/kodexa-go/internal/upkeep"
	"github.com/kodexa-community/kodexa-go/internal/upkeep/record"
)

func main() { upkeep.Main(record.Command) }
