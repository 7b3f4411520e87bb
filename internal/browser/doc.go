// Package browser holds the tests of pages: that of cmd/kodexa-sandbox while it runs, and docs/contract.html. They need
// Chromium, the program that CHROME names or one of the usual ones, and are skipped without it.
package browser
