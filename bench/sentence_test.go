package main

import (
	"fmt"
	"testing"

	"github.com/kodexa-community/kodexa-go/bench/peers"
	"github.com/kodexa-community/kodexa-go/internal/figures"
)

// TestSentence holds what the module's README says of speed to the tables in README.md here.
func TestSentence(t *testing.T) {
	t.Parallel()
	const file, name = "../README.md", "speed"
	text, err := speedSentence(readTables(t))
	if err != nil {
		t.Fatal(err)
	}
	figures.Check(t, file, name, text)
}

func speedSentence(told *tables) (string, error) {
	_, slower, err := told.median(peers.KodexaName, "× stock") // the first such column is that of wall time
	if err != nil {
		return "", err
	}
	filtered, _, err := told.median(peers.FilterName, "wall × "+peers.KodexaName)
	if err != nil {
		return "", err
	}
	var refused []any
	for _, peer := range []string{peers.KodexaName, peers.StockName, peers.FilterName} {
		cell, err := told.tried.Cell(peer, badAnswersColumn)
		if err != nil {
			return "", err
		}
		refused = append(refused, cell)
	}
	grown, err := told.starts.Cell(peers.KodexaName+" − hand-written", "stripped MB")
	if err != nil {
		return "", err
	}
	started, err := told.starts.Cell(peers.KodexaName+" − hand-written", "process start ms")
	if err != nil {
		return "", err
	}
	made, err := told.starts.Cell(peers.KodexaName, "New ms")
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("An update of 1 kB, checked both ways, takes %s times as long as with oapi-codegen's stock client, and %.2f times as long as\n"+
		"with that client and openapi3filter around it. ", slower, 1/filtered) +
		fmt.Sprintf("This client refuses %s kinds of bad answers that were tried, stock\n%s, with the filter %s. ", refused...) +
		fmt.Sprintf("Beside net/http by hand, a stripped binary grows by %s MB and starts %s ms\nlater; `New` takes %s ms. (%s)\n",
			grown, middle(started), middle(made), told.ran), nil
}
