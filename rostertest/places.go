package rostertest

import (
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
)

// placePattern finds file.go:line, with or without a path before it.
var placePattern = regexp.MustCompile(`[^\s/\\()"':]+\.go:\d+`)

// placesIn lists the places in Go source that a text names, without their folders.
func placesIn(text string) []string { return placePattern.FindAllString(text, -1) }

// nextLine is the place in the caller's source one line further, in the form of placesIn.
func nextLine() string {
	_, file, line, _ := runtime.Caller(1)
	return filepath.Base(file) + ":" + strconv.Itoa(line+1)
}

// namesBoth tells whether text names two places of registration. A registry that sees
// through to the kit's lines names both of them. One that is adapted by a function literal
// names a line of the literal each time.
func namesBoth(text, first, second string) bool {
	places := placesIn(text)
	hasFirst, hasSecond := slices.Contains(places, first), slices.Contains(places, second)
	return hasFirst && hasSecond || !hasFirst && !hasSecond && len(places) > 1
}

// namesOther tells whether text names a place besides the late one.
func namesOther(text, late string) bool {
	return slices.ContainsFunc(placesIn(text), func(place string) bool { return place != late })
}
