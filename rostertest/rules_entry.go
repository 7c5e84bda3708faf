package rostertest

import "fmt"

// entryRules say what becomes an entry.
var entryRules = []check{
	{Rule{
		Name: "fresh",
		Why:  "a test that begins with the entries of another passes or fails by the order of tests; all other rules rest on this one",
	}, isFresh},
	{Rule{
		Name: "found",
		Why:  "a program asks for a name and must get that value or be told that there is none, never a neighbour's",
	}, isFound},
	{Rule{
		Name: "empty-name",
		Why:  "an empty name is a setting that nobody filled in, and whoever forgets theirs gets this value without an error",
	}, refusesEmptyName},
	{Rule{
		Name: "malformed-name",
		Why:  "a name with a space at its end or a control character in it looks right in every log and is never found",
	}, refusesMalformedNames},
	{Rule{
		Name: "nil-value",
		Why:  "a nil is found like any value and fails at its first use, far from the package that registered it",
	}, refusesNil},
	{Rule{
		Name: "typed-nil",
		Why:  "a nil pointer inside an interface passes v == nil, so a constructor that failed becomes a crash under load",
	}, refusesTypedNil},
	{Rule{
		Name: "zero-value",
		Why:  "a registry that takes 0 or struct{}{} for nil refuses limits of 0 and types that carry only methods",
	}, acceptsZeros},
	{Rule{
		Name: "duplicate-refused",
		Why:  "if the last of two packages wins, an import somewhere else changes which driver a program runs",
	}, refusesDuplicate},
	{Rule{
		Name: "first-kept",
		Why:  "a refused registration that takes effect all the same changes a value under those who already use it",
	}, keepsFirst},
	{Rule{
		Name: "duplicate-names-both",
		Why:  "without the places of both registrations, a clash of two dependencies costs a search through all of them",
	}, namesBothSides},
	{Rule{
		Name: "nil-removes-nothing",
		Why:  "if Register(name, nil) removes, a constructor that returned nil unregisters a working value",
	}, nilRemovesNothing},
}

func isFresh(p *probe) {
	if p.same(p.sample(0), p.sample(1)) {
		p.failf("Sample(0) and Sample(1) cannot be told apart: return different values, or set Registry.Same")
	}
	if names := p.Names(); len(names) != 0 {
		p.failf("a new registry has the names %q", names)
	}
	p.register("first", p.sample(0))
	if names := p.create().Names(); len(names) != 0 {
		p.failf("a second new registry has the names %q, which were registered in the first: return a new one each time", names)
	}
}

func isFound(p *probe) {
	p.lacks("in an empty registry", "gzip")
	names := []string{"gzip", "zstd", "größe/v2"}
	p.registerAll(names...)
	want := make(map[string]any)
	for i, name := range names {
		want[name] = p.sample(i)
	}
	p.holds("after Register", want)
	p.lacks("after Register of other names", "yaml")
}

func refusesEmptyName(p *probe) {
	p.refuses(`Register("")`, func() error { return p.Register("", p.sample(0)) })
}

func refusesMalformedNames(p *probe) {
	for _, name := range []string{" json", "json ", "json\n", "js\x00on", "js\xffon", "js\u200bon"} {
		p.refuses(fmt.Sprintf("Register of the name %q", name), func() error { return p.Register(name, p.sample(0)) })
	}
}

func refusesNil(p *probe) {
	p.refuses("Register of nil", func() error { return p.Register("json", nil) })
	if p.Replace != nil {
		p.register("xml", p.sample(0))
		p.refuses("Replace by nil", func() error { return p.Replace("xml", nil) })
	}
}

func refusesTypedNil(p *probe) {
	for _, v := range p.typedNils() {
		p.refuses(fmt.Sprintf("Register of a nil %T in an interface", v), func() error { return p.Register("json", v) })
	}
}

func acceptsZeros(p *probe) {
	for i, v := range p.zeros() {
		name := fmt.Sprintf("zero-%d", i)
		p.register(name, v)
		if got, ok := p.Get(name); !ok || !p.same(got, v) {
			p.failf("after Register of %T(%v), Get = %v, %t", v, v, got, ok)
		}
	}
}

func refusesDuplicate(p *probe) {
	p.register("json", p.sample(0))
	p.refuses("Register of a taken name", func() error { return p.Register("json", p.sample(1)) })
}

func keepsFirst(p *probe) {
	p.register("json", p.sample(0))
	_ = attempt(func() error { return p.Register("json", p.sample(1)) }) // judged by another rule
	p.holds("after a second Register of the name", map[string]any{"json": p.sample(0)})
}

func namesBothSides(p *probe) {
	var kept, refused string
	p.accepts("Register of a free name", func() error {
		kept = nextLine()
		return p.Register("json", p.sample(0))
	})
	err := attempt(func() error {
		refused = nextLine()
		return p.Register("json", p.sample(1))
	})
	if err != nil && !namesBoth(err.Error(), kept, refused) { // that it is refused is another rule
		p.failf("the error does not name both places as file.go:line: %w", err)
	}
}

func nilRemovesNothing(p *probe) {
	p.register("json", p.sample(0))
	_ = attempt(func() error { return p.Register("json", nil) }) // judged by another rule
	p.holds("after Register of the name with nil", map[string]any{"json": p.sample(0)})
}
