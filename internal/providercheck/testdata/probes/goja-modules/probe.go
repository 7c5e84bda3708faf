package main

import (
	"github.com/dop251/goja"
	"github.com/dop251/goja_nodejs/require"
)

func isKnown(name string) bool {
	vm := goja.New()
	_, err := require.NewRegistry().Enable(vm).Require(name)
	return err == nil
}

func registered(candidates []string) []string {
	var known []string
	for _, name := range candidates {
		if isKnown(name) {
			known = append(known, name)
		}
	}
	return known
}
