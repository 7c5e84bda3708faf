package rostertest

import "maps"

// verbRules say what the verbs of a registry that changes do, and what they leave to others.
var verbRules = []check{
	{Rule{
		Name: "replace-adds-nothing", Needs: "Replace",
		Why: "a Replace that adds turns a mistyped name into an entry, and the value it meant to change stays",
	}, replaceAddsNothing},
	{Rule{
		Name: "unregister-unknown", Needs: "Unregister",
		Why: "if removing a mistyped name is no error, the value that had to go still serves",
	}, refusesUnknownRemoval},
	{Rule{
		Name: "reload-whole", Needs: "Reload",
		Why: "a Reload that only adds keeps serving what was taken out of the configuration",
	}, reloadsWhole},
	{Rule{
		Name: "reload-copies", Needs: "Reload",
		Why: "a registry that keeps the caller's map changes, and races, when the caller reuses it",
	}, copiesInput},
	{Rule{
		Name: "reload-all-or-nothing", Needs: "Reload",
		Why: "a Reload that stops at the first bad entry leaves a mixture of two configurations that nobody wrote",
	}, reloadsAllOrNothing},
}

func replaceAddsNothing(p *probe) {
	p.register("paid", p.sample(0))
	p.refuses("Replace of a name that is not registered", func() error { return p.Replace("payd", p.sample(1)) })
	p.holds("after a refused Replace", map[string]any{"paid": p.sample(0)})
}

func refusesUnknownRemoval(p *probe) {
	p.register("paid", p.sample(0))
	p.refuses("Unregister of a name that is not registered", func() error { return p.Unregister("payd") })
	p.holds("after a refused Unregister", map[string]any{"paid": p.sample(0)})
}

func reloadsWhole(p *probe) {
	p.registerAll("old", "both")
	set := map[string]any{"both": p.sample(2), "new": p.sample(3)}
	p.accepts("Reload", func() error { return p.Reload(maps.Clone(set)) })
	p.holds("after Reload", set)
	p.lacks("after Reload", "old")
	p.accepts("Reload of an empty set", func() error { return p.Reload(nil) })
	p.holds("after Reload of an empty set", nil)
}

func copiesInput(p *probe) {
	set := map[string]any{"a": p.sample(0), "b": p.sample(1)}
	want := maps.Clone(set)
	p.accepts("Reload", func() error { return p.Reload(set) })
	set["a"], set["c"] = p.sample(2), p.sample(3)
	delete(set, "b")
	p.holds("after the caller changed the map it gave to Reload", want)
}

func reloadsAllOrNothing(p *probe) {
	p.register("old", p.sample(0))
	for what, set := range map[string]map[string]any{
		"an empty name": {"a": p.sample(1), "": p.sample(2), "z": p.sample(3)},
		"a nil":         {"a": p.sample(1), "bad": nil, "z": p.sample(3)},
	} {
		p.refuses("Reload of a set with "+what, func() error { return p.Reload(set) })
		p.holds("after a refused Reload of a set with "+what, map[string]any{"old": p.sample(0)})
	}
}
