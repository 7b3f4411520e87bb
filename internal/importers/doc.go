// Package importers holds no code but tests: what a module gets that imports this one. It is a module of its own, so that what the
// importers here need besides never reaches another. Its folders are importers: the tests copy them out of the repository and build
// them there, from a zip of the root module as a module proxy would serve it.
package importers
