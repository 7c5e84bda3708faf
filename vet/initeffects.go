package vet

import (
	"fmt"
	"strings"

	"github.com/roster-go/roster/vet/internal/survey"
)

// InitEffects finds init functions and initialisers that do more than initialise.
var InitEffects = newAnalyzer("initeffects", `
initeffects: find I/O, waiting and goroutines before main starts, through calls

Why: init runs in every program and every test that imports the package, before flags are parsed, before
logging is set up, with no context and nobody to return an error to. A dial that hangs there hangs the
deployment without a word.

Wrong:

	func init() { conn, _ = net.Dial("tcp", "config:80") }

Right:

	var connect = sync.OnceValues(func() (net.Conn, error) { return net.Dial("tcp", "config:80") })

What is found is what happens in init and in the initialisers of package variables, and in the functions
they call, in whatever package. Within the standard library a table says what a function does.

Silence it with //roster:ignore initeffects and a reason.
`, func(r *reporter) {
	for _, e := range r.survey.InitEffects {
		if e.Guarded && len(e.Chain) > 0 {
			continue
		}
		via := ""
		if len(e.Chain) > 0 {
			via = " through " + strings.Join(e.Chain, ", ")
		}
		advice := "do it in main, or at the first use"
		if e.Kind == survey.Goroutine {
			advice = "start it at the first use, with a way to stop it"
		}
		r.report(e.Pos, fmt.Sprintf("this %s before main starts: %s%s (%s); %s", e.Kind, e.What, via, e.At, advice))
	}
})
