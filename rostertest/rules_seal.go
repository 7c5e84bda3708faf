package rostertest

// sealRules say what holds once registration has ended.
var sealRules = []check{
	{Rule{
		Name: "sealed-refuses", Needs: "Seal",
		Why: "what registers after the program has read the registry is missing in every decision made before",
	}, refusesLateWrite},
	{Rule{
		Name: "sealed-names-place", Needs: "Seal",
		Why: "without the place that sealed the registry, nobody finds out which of two packages has to move",
	}, namesSealingPlace},
}

func refusesLateWrite(p *probe) {
	p.register("early", p.sample(0))
	p.Seal()
	p.refuses("Register after Seal", func() error { return p.Register("late", p.sample(1)) })
	p.holds("after Seal", map[string]any{"early": p.sample(0)})
	p.lacks("after Seal", "late")
}

func namesSealingPlace(p *probe) {
	p.Seal()
	var late string
	err := attempt(func() error {
		late = nextLine()
		return p.Register("xml", p.sample(0))
	})
	if err != nil && !namesOther(err.Error(), late) { // that it is refused is another rule
		p.failf("the error of a late Register does not name the sealing place as file.go:line: %w", err)
	}
}
