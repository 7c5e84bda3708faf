package main

import (
	"net/http"
	"strings"
)

// isServed tells whether the default mux has exactly this pattern.
func isServed(pattern string) bool {
	method, path, found := strings.Cut(pattern, " ")
	if !found {
		method, path = http.MethodGet, pattern
	}
	r, err := http.NewRequest(method, "http://localhost"+path, http.NoBody)
	if err != nil {
		return false
	}
	_, served := http.DefaultServeMux.Handler(r)
	return served == pattern
}

func registered(candidates []string) []string {
	var known []string
	for _, name := range candidates {
		if isServed(name) {
			known = append(known, name)
		}
	}
	return known
}
