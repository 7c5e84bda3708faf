package main

import (
	"slices"

	"github.com/blevesearch/bleve/v2/registry"
)

func registered([]string) []string {
	types, instances := registry.TokenFilterTypesAndInstances()
	return slices.Concat(types, instances)
}
