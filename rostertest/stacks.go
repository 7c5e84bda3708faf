package rostertest

import (
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
)

// maxStacks bounds the text of all goroutines' stacks, in bytes.
const maxStacks = 4 << 20

// currentGoroutine is the calling goroutine's name in the text of stacks, as "goroutine 7".
func currentGoroutine() string {
	name, _, _ := strings.Cut(string(debug.Stack()), " [")
	return name
}

// stuckIn lists the functions, each with its place, in which a goroutine and those that it
// started are, outside of the standard library and of this package.
func stuckIn(goroutine string) []string {
	text := make([]byte, maxStacks)
	text = text[:runtime.Stack(text, true)]
	var places []string
	for stack := range strings.SplitSeq(string(text), "\n\n") {
		name, _, _ := strings.Cut(stack, " [")
		if name != goroutine && !strings.Contains(stack+"\n", " in "+goroutine+"\n") {
			continue
		}
		if place := innermost(stack); place != "" {
			places = append(places, place)
		}
	}
	slices.Sort(places)
	if places = slices.Compact(places); places == nil {
		return []string{"a call of the kit"}
	}
	return places
}

// innermost is the first function of a stack that belongs to the registry under test. A
// stack is a title and then two lines for each frame: the function with its arguments, and
// the place with an offset.
func innermost(stack string) string {
	lines := strings.Split(stack, "\n")
	for i := 1; i+1 < len(lines); i += 2 {
		function, place := lines[i], strings.TrimSpace(lines[i+1])
		if strings.HasPrefix(function, "created by ") || ofTheKit(function) || ofStandardLibrary(function) {
			continue
		}
		if args := strings.LastIndexByte(function, '('); args > 0 {
			function = function[:args]
		}
		place, _, _ = strings.Cut(place, " +0x")
		return function + " (" + place + ")"
	}
	return ""
}

func ofTheKit(function string) bool {
	return strings.HasPrefix(function, "github.com/roster-go/roster/rostertest.")
}

// ofStandardLibrary relies on module paths beginning with a host; the packages main and
// those of the standard library have no dot in their first element, and main is not its.
func ofStandardLibrary(function string) bool {
	first, _, isPath := strings.Cut(function, "/")
	if !isPath {
		first, _, _ = strings.Cut(function, ".")
	}
	return !strings.Contains(first, ".") && first != "main"
}
