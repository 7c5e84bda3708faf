package vet

import (
	"fmt"

	"github.com/roster-go/roster/vet/internal/survey"
)

// InitLookup finds lookups before main of names that need not be there yet.
var InitLookup = newAnalyzer("initlookup", `
initlookup: find lookups in init of a name that only a sibling registers

Why: a package is initialised after what it imports, and before or after everything else, by the order of
import paths. A lookup in init of a name that none of its imports registers works or not by how packages
are called, and stops when one is renamed.

Wrong:

	var codec = mustLookup("gzip") // and package main imports the package that registers "gzip"

Right: look the name up in a function, or import the package that registers it:

	func compress() (Codec, error) { return codecs.Lookup("gzip") }

Silence it with //roster:ignore initlookup and a reason.
`, func(r *reporter) {
	for _, need := range r.survey.InitNeeds {
		if r.provided(need) {
			continue
		}
		hint := ""
		if known := survey.ProvidersOf(need.Registry, need.Name); len(known) > 0 {
			hint = fmt.Sprintf(" (for example %s)", known[0].Import)
		}
		where := ""
		if need.Package != r.Pkg.Path() {
			where = " at " + need.At
		}
		r.report(need.Pos, fmt.Sprintf(
			"%q is looked up%s in %s before main starts, and nothing that this package imports registers it%s: "+
				"it is there or not by the order of import paths; look it up later",
			need.Name, where, need.Registry, hint))
	}
})
