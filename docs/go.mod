// The pages are a module of their own, without code, so that importers do not download them.
module github.com/kodexa-community/kodexa-go/docs

go 1.26.0
