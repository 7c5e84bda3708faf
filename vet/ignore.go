package vet

import "fmt"

// Ignore finds comments that would silence an analyzer and have no reason.
var Ignore = newAnalyzer("ignore", `
ignore: find comments //roster:ignore without a reason

Why: a finding that is silenced without a reason is silenced for ever: nobody knows when it may go.

Wrong:

	//roster:ignore initeffects

Right:

	//roster:ignore initeffects the file is part of the image

It cannot be silenced: write the reason.
`, func(r *reporter) {
	for _, bad := range r.survey.Silent.Bad {
		if !r.skipped[r.Fset.File(bad.Pos)] {
			r.Reportf(bad.Pos, "%s", fmt.Sprintf("%s silences nothing: write //roster:ignore ANALYZER and a reason", bad.Text))
		}
	}
})
