package main

import (
	_ "time"
	_ "unsafe" // for go:linkname
)

// loadFromEmbeddedTZData is what package time asks when the system has no zone files. This
// machine may have them, so LoadLocation cannot tell where a zone came from.
//
//go:linkname loadFromEmbeddedTZData time.loadFromEmbeddedTZData
var loadFromEmbeddedTZData func(name string) (string, error)

func registered(candidates []string) []string {
	if loadFromEmbeddedTZData == nil {
		return nil
	}
	var known []string
	for _, name := range candidates {
		if _, err := loadFromEmbeddedTZData(name); err == nil {
			known = append(known, name)
		}
	}
	return known
}
