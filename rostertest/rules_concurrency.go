package rostertest

import (
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
)

// concurrencyRules use the registry from many goroutines at once. They share nothing but the
// registry and take no locks between its calls, which would hide a race from the detector.
var concurrencyRules = []check{
	{Rule{
		Name: "no-lost-registration",
		Why:  "two packages that register at the same time must both be found, or a plugin is missing on one start in a thousand",
	}, losesNothing},
	{Rule{
		Name: "one-winner",
		Why:  "if two callers may both believe that they own a name, one of them configures a value that nobody uses",
	}, hasOneWinner},
	{Rule{
		Name: "concurrent-use",
		Why:  "under load a lookup must not crash, and must not return a value that was never registered under that name",
	}, survivesLoad},
	{Rule{
		Name: "reload-atomic", Needs: "Reload",
		Why: "a reader that sees half of two configurations routes to a backend of one with the credentials of the other",
	}, reloadsAtomically},
}

func losesNothing(p *probe) {
	const writers, each = 4, 64
	p.sample(writers*each - 1)
	name := func(i int) string { return fmt.Sprintf("name-%03d", i) }
	writing := times(writers, func(w int) {
		for i := w * each; i < (w+1)*each; i++ {
			p.register(name(i), p.samples[i])
		}
	})
	reading := times(2, func(int) {
		for range each {
			p.Names()
			p.Get(name(0))
		}
	})
	p.together(append(writing, reading...)...)
	for i := range writers * each {
		if got, ok := p.Get(name(i)); !ok || !p.same(got, p.samples[i]) {
			p.failf("%d goroutines registered names of their own, and then Get(%q) = %v, %t, want %v, true", writers, name(i), got, ok, p.samples[i])
		}
	}
}

// hasOneWinner lines the rivals up for each name anew, or one of them runs ahead.
func hasOneWinner(p *probe) {
	const rivals, rounds = 4, 100
	p.sample(rivals - 1)
	for round := range rounds {
		name := fmt.Sprintf("name-%03d", round)
		var won [rivals]bool
		p.together(times(rivals, func(r int) {
			won[r] = attempt(func() error { return p.Register(name, p.samples[r]) }) == nil
		})...)
		winner, winners := 0, 0
		for r := range rivals {
			if won[r] {
				winner = r
				winners++
			}
		}
		if winners != 1 {
			p.failf("%d goroutines registered %q at the same time, and %d were told that they had it, want 1", rivals, name, winners)
		}
		if got, ok := p.Get(name); !ok || !p.same(got, p.samples[winner]) {
			p.failf("Get(%q) = %v, %t, which is not the value of the one goroutine that could register it", name, got, ok)
		}
	}
}

// survivesLoad registers sample i under the i-th name only, so each value tells its name.
func survivesLoad(p *probe) {
	const names, rounds = 16, 400
	p.sample(2*names - 1)
	name := func(i int) string { return fmt.Sprintf("name-%02d", i) }
	isOf := func(i int, v any) bool { return p.same(v, p.samples[i]) || p.same(v, p.samples[names+i]) }
	sets := make([]map[string]any, 2)
	for s := range sets {
		sets[s] = make(map[string]any)
		for i := s; i < names; i += 2 {
			sets[s][name(i)] = p.samples[i]
		}
	}
	write := func(w int) {
		for n := range rounds {
			i := (n*5 + w) % names
			switch op := n % 4; {
			case op == 1 && p.Replace != nil:
				_ = attempt(func() error { return p.Replace(name(i), p.samples[names+i]) }) // refused if it is not there
			case op == 2 && p.Unregister != nil:
				_ = attempt(func() error { return p.Unregister(name(i)) })
			case op == 3 && p.Reload != nil && n%32 == 3:
				p.accepts("Reload", func() error { return p.Reload(maps.Clone(sets[n/32%2])) })
			default:
				_ = attempt(func() error { return p.Register(name(i), p.samples[i]) }) // refused if it is there
			}
		}
	}
	read := func(r int) {
		for n := range rounds {
			i := n * (2*r + 1) % names // an odd stride visits all, and each reader has its own
			if v, ok := p.Get(name(i)); ok && !isOf(i, v) {
				p.failf("under load, Get(%q) = %v, which was never registered under that name", name(i), v)
			}
			if p.Lookup != nil {
				if v, err := p.Lookup(name(i)); err == nil && !isOf(i, v) {
					p.failf("under load, Lookup(%q) = %v, which was never registered under that name", name(i), v)
				}
			}
			p.Names()
		}
	}
	p.together(append(times(2, write), times(4, read)...)...)
}

// reloadsAtomically swaps two sets without a common name, of one value each.
func reloadsAtomically(p *probe) {
	const names, reloads, minReads = 8, 300, 100
	sets := make([]map[string]any, 2)
	wanted := make([][]string, 2)
	for s := range sets {
		sets[s] = make(map[string]any)
		for i := range names {
			name := fmt.Sprintf("set-%d-name-%d", s, i)
			sets[s][name] = p.sample(s)
			wanted[s] = append(wanted[s], name)
		}
	}
	p.accepts("Reload", func() error { return p.Reload(sets[0]) })
	whole := func(names []string) bool {
		return slices.ContainsFunc(wanted, func(set []string) bool { return slices.Equal(set, names) })
	}
	var writing atomic.Int32
	const writers = 2
	writing.Store(writers)
	write := func(w int) {
		defer writing.Add(-1)
		for n := range reloads {
			p.accepts("Reload", func() error { return p.Reload(maps.Clone(sets[(n+w)%2])) })
		}
	}
	read := func(int) {
		for n := 0; n < minReads || writing.Load() > 0; n++ {
			if got := slices.Sorted(slices.Values(p.Names())); !whole(got) {
				p.failf("while two sets replaced each other, Names() showed neither of them: %q", got)
			}
			if p.All == nil {
				continue
			}
			var got []string
			for name := range p.All() {
				got = append(got, name)
			}
			slices.Sort(got)
			if !whole(got) {
				p.failf("while two sets replaced each other, All() showed neither of them: %q", got)
			}
		}
	}
	p.together(append(times(writers, write), times(2, read)...)...)
}
