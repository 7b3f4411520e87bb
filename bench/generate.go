package main

//go:generate go tool -modfile=../tools/go.mod oapi-codegen -config stock.yaml openapi.yaml
//go:generate go tool -modfile=../tools/go.mod oapi-codegen -config stockextra.yaml openapi.yaml
//go:generate go tool -modfile=../tools/go.mod ogen -config ogen.yaml -package ogen -target gen/ogen -clean openapi.yaml
