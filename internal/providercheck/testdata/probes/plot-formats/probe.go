package main

import (
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

func isKnown(format string) bool {
	_, err := draw.NewFormattedCanvas(vg.Inch, vg.Inch, format)
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
