// Package judges holds no code but tests: a second validator, which shares no code with the one that the client has, judges the
// bodies that the contract is said to accept and to refuse. It is a module of its own, and imports nothing of the root module.
// README.md has the tables.
package judges
