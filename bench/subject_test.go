package bench_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats-server/v2/server/gsl"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/subject"
)

// subjectPatterns are n patterns, four of five without a wildcard, and as many
// subjects, each of which some of them match.
func subjectPatterns(n int) (patterns, subjects []string) {
	random := rand.New(rand.NewPCG(1, 2))
	regions := []string{"eu", "us", "asia", "africa"}
	for i := range n {
		literal := fmt.Sprintf("orders.%s.customer%d.created", regions[random.IntN(len(regions))], i/2)
		subjects = append(subjects, literal)
		tokens := strings.Split(literal, ".")
		switch i % 10 {
		case 3:
			tokens[1] = "*"
		case 7:
			tokens = append(tokens[:3], ">")
		}
		patterns = append(patterns, strings.Join(tokens, "."))
	}
	random.Shuffle(n, func(i, j int) { subjects[i], subjects[j] = subjects[j], subjects[i] })
	return patterns, subjects
}

// A matcher calls found with the number of every pattern that matches.
type matcher struct {
	name  string
	build func(patterns []string) func(subject string, found func(int))
}

var matchers = []matcher{
	{"linear", func(patterns []string) func(string, func(int)) {
		return func(s string, found func(int)) {
			for i, p := range patterns {
				if matchesNaively(p, s) {
					found(i)
				}
			}
		}
	}},
	{"gsl", func(patterns []string) func(string, func(int)) {
		list := gsl.NewSublist[int]()
		for i, p := range patterns {
			if err := list.Insert(p, i); err != nil {
				panic(err)
			}
		}
		return list.Match
	}},
	{"roster", func(patterns []string) func(string, func(int)) {
		bus := subject.New[int](roster.Unlisted())
		number := make(map[*subject.Subscription[int]]int)
		for i, p := range patterns {
			number[bus.Subscribe(p, func(context.Context, subject.Message[int]) error { return nil })] = i
		}
		return func(s string, found func(int)) {
			for sub := range bus.Matching(s) {
				found(number[sub])
			}
		}
	}},
}

// matchesNaively compares token by token without making anything.
func matchesNaively(pattern, s string) bool {
	for {
		p, morePattern, goesOn := strings.Cut(pattern, ".")
		token, more, subjectGoesOn := strings.Cut(s, ".")
		switch {
		case p == ">":
			return true
		case p != "*" && p != token, goesOn != subjectGoesOn:
			return false
		case !goesOn:
			return true
		}
		pattern, s = morePattern, more
	}
}

func TestMatchersAgree(t *testing.T) {
	patterns, subjects := subjectPatterns(1_000)
	want := matchers[0].build(patterns)
	for _, m := range matchers[1:] {
		match := m.build(patterns)
		for _, s := range subjects {
			var expected, got []int
			want(s, func(i int) { expected = append(expected, i) })
			match(s, func(i int) { got = append(got, i) })
			slices.Sort(got)
			if !slices.Equal(got, expected) {
				t.Fatalf("%s, %s: got %v, want %v", m.name, s, got, expected)
			}
		}
	}
}

var subjectSizes = []int{10, 1_000, 100_000}

// Matching alone, without a look at what was found: hot is one subject again and
// again, spread is all of them in turn.
func BenchmarkSubjectMatch(b *testing.B) {
	for _, n := range subjectSizes {
		patterns, subjects := subjectPatterns(n)
		builders := map[string]func() func(string){
			"gsl": sync.OnceValue(func() func(string) {
				match := matchers[1].build(patterns)
				return func(s string) { match(s, func(int) {}) }
			}),
			"roster": sync.OnceValue(func() func(string) {
				bus := subject.New[int](roster.Unlisted())
				for _, p := range patterns {
					bus.Subscribe(p, func(context.Context, subject.Message[int]) error { return nil })
				}
				return func(s string) {
					for range bus.Matching(s) {
					}
				}
			}),
		}
		if n == subjectSizes[0] {
			builders["linear"] = sync.OnceValue(func() func(string) {
				match := matchers[0].build(patterns)
				return func(s string) { match(s, func(int) {}) }
			})
		}
		for _, name := range []string{"linear", "gsl", "roster"} {
			if builders[name] == nil {
				continue
			}
			b.Run(fmt.Sprint(n, "/hot/", name), func(b *testing.B) {
				match := builders[name]()
				b.ReportAllocs()
				for b.Loop() {
					match(subjects[0])
				}
			})
			b.Run(fmt.Sprint(n, "/spread/", name), func(b *testing.B) {
				match := builders[name]()
				for i := 0; b.Loop(); i++ {
					match(subjects[i%n])
				}
			})
			b.Run(fmt.Sprint(n, "/parallel/", name), func(b *testing.B) {
				match := builders[name]()
				b.RunParallel(func(pb *testing.PB) {
					for i := rand.IntN(n); pb.Next(); i++ {
						match(subjects[i%n])
					}
				})
			})
		}
	}
}
