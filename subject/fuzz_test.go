package subject_test

import (
	"strings"
	"testing"

	"github.com/roster-go/roster/subject"
)

// Whatever is given as a pattern and a subject, they are refused or the bus agrees
// with a comparison token by token.
func FuzzMatch(f *testing.F) {
	for _, seed := range [][2]string{
		{"orders.*.created", "orders.eu.created"}, {"a.>", "a.b.c"}, {">", "a"}, {"*", ""}, {"a..b", "a..b"},
		{"a.>.b", "a.x.b"}, {"é.*", "é.\xff"}, {"a.*b", "a.*b"}, {"a. b", "a.\u00a0b"}, {"a.\u2028", "a.b"}, {"*.*.*", "a.*.c"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, pattern, to string) {
		bus := newBus()
		s, err := bus.TrySubscribe(pattern, ignore)
		if (err == nil) != (subject.CheckPattern(pattern) == nil) {
			t.Fatalf("%q is subscribed to with %v, and checked with %v", pattern, err, subject.CheckPattern(pattern))
		}
		taken, err := bus.Publish(bg, to, 1)
		if (err == nil) != (subject.CheckSubject(to) == nil) {
			t.Fatalf("%q is published to with %v, and checked with %v", to, err, subject.CheckSubject(to))
		}
		want := 0
		if s != nil && err == nil && naive(strings.Split(pattern, "."), strings.Split(to, ".")) {
			want = 1
		}
		if taken != want {
			t.Fatalf("%q to %q: %d taken, want %d", to, pattern, taken, want)
		}
		if s != nil && err == nil && subject.Overlap(pattern, to) != (want == 1) {
			t.Fatalf("%q and %q: Overlap disagrees", pattern, to)
		}
	})
}

func naive(pattern, tokens []string) bool {
	switch {
	case len(pattern) == 0 || len(tokens) == 0:
		return len(pattern) == len(tokens)
	case pattern[0] == ">":
		return true
	case pattern[0] != "*" && pattern[0] != tokens[0]:
		return false
	}
	return naive(pattern[1:], tokens[1:])
}
