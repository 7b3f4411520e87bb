// Package faults holds no code but tests: what a caller of kodexa is told when network or platform fail, and whether it is
// true. It is a module of its own, so that the proxy which breaks the network never reaches an importer of kodexa. README.md
// has the tables.
package faults
