package rostertest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// readRules say what a reader sees.
var readRules = []check{
	{Rule{
		Name: "names-sorted",
		Why:  "names in random order make logs, error texts and golden files differ from run to run",
	}, sortsNames},
	{Rule{
		Name: "names-copied",
		Why:  "if Names hands out the registry's own slice, a caller that sorts or filters it in place damages the registry",
	}, copiesNames},
	{Rule{
		Name: "write-visible",
		Why:  "a reader with a stale copy calls what was replaced or removed long after the write was acknowledged",
	}, showsWrites},
	{Rule{
		Name: "unknown-lists", Needs: "Lookup",
		Why: "whoever mistyped a setting has to be told what there is, or has to read the source",
	}, listsKnown},
	{Rule{
		Name: "unknown-suggests", Needs: "Lookup",
		Why: "among a hundred names nobody sees that posgres lacks a t; the error has to say postgres",
	}, suggestsNear},
	{Rule{
		Name: "iteration-unlocked", Needs: "All",
		Why: "a lock that is held while the caller's loop runs deadlocks the loop that registers, or stops every writer",
	}, iteratesUnlocked},
}

func sortsNames(p *probe) {
	const n, stride = 32, 7 // a stride prime to n visits each number once, out of order
	for i := range n {
		p.register(fmt.Sprintf("name-%02d", i*stride%n), p.sample(i))
	}
	if names := p.Names(); !slices.IsSorted(names) {
		p.failf("Names() is not sorted: %q", names)
	}
	if p.All == nil {
		return
	}
	var names []string
	for name := range p.All() {
		names = append(names, name)
	}
	if !slices.IsSorted(names) {
		p.failf("All() is not sorted by name: %q", names)
	}
}

func copiesNames(p *probe) {
	p.registerAll("a", "b", "c")
	mine := p.Names()
	clear(mine)
	if names := p.Names(); slices.Contains(names, "") {
		p.failf("after a caller cleared the slice it got, Names() = %q", names)
	}
}

// showsWrites reads before each write, so that a copy made for readers is there to go stale.
func showsWrites(p *probe) {
	want := make(map[string]any)
	step := func(after, name string, v any, write func() error) {
		p.holds("before "+after, want)
		p.accepts(after, write)
		if v == nil {
			delete(want, name)
			p.lacks("after "+after, name)
		} else {
			want[name] = v
		}
		p.holds("after "+after, want)
	}
	for i, name := range []string{"b", "a"} {
		step("Register", name, p.sample(i), func() error { return p.Register(name, p.sample(i)) })
	}
	if p.Replace != nil {
		step("Replace", "b", p.sample(2), func() error { return p.Replace("b", p.sample(2)) })
	}
	if p.Unregister != nil {
		step("Unregister", "a", nil, func() error { return p.Unregister("a") })
		step("Register of a name that was removed", "a", p.sample(3), func() error { return p.Register("a", p.sample(3)) })
	}
	if p.Reload != nil {
		set := maps.Clone(want)
		set["c"] = p.sample(4)
		step("Reload", "c", p.sample(4), func() error { return p.Reload(set) })
	}
}

func listsKnown(p *probe) {
	p.registerAll("mysql", "oracle", "postgres")
	_, err := p.Lookup("couch")
	if err == nil {
		return // another rule
	}
	for _, name := range []string{"mysql", "oracle", "postgres"} {
		if !strings.Contains(err.Error(), name) {
			p.failf("the error of Lookup(\"couch\") does not say that %q is registered: %w", name, err)
		}
	}
}

func suggestsNear(p *probe) {
	p.registerAll("mysql", "oracle", "postgres")
	_, err := p.Lookup("posgres")
	if err == nil {
		return // another rule
	}
	text := err.Error()
	for _, other := range []string{"mysql", "oracle"} {
		if strings.Count(text, "postgres") <= strings.Count(text, other) {
			p.failf("the error of Lookup(\"posgres\") does not single out postgres among what is registered: %w", err)
		}
	}
}

// iteratesUnlocked fails by its deadline.
func iteratesUnlocked(p *probe) {
	const entries = 2
	p.registerAll("a", "b")
	var refusal error
	seen := 0
	for name := range p.All() {
		seen++
		if seen > entries {
			break // it would go on for ever
		}
		if _, ok := p.Get(name); !ok {
			refusal = fmt.Errorf("the loop over All() cannot Get %q", name)
		}
		if err := attempt(func() error { return p.Register("from-"+name, p.sample(seen)) }); err != nil {
			refusal = fmt.Errorf("a loop over All() cannot Register: %w", err)
		}
		if refusal != nil {
			break // not by a panic, which would run through the registry
		}
	}
	if refusal != nil {
		p.failf("%w", refusal)
	}
	if seen != entries {
		p.failf("a loop over All() that registers as it goes shows %d entries or more, want the %d there were", seen, entries)
	}
}
