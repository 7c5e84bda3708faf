package vet

import (
	"fmt"
	"go/ast"
	"strings"
)

// GlobalRegistry advises against registries that a library's users cannot have one of their own of.
var GlobalRegistry = newAnalyzer("globalregistry", `
globalregistry: find registries of a library that exist only once (advice, off by default)

Why: two tests, or two tenants of one program, share what is registered. A library that offers functions
over one global map alone gives its users no way out.

Wrong:

	var codecs = map[string]Codec{}
	func Register(name string, c Codec) { codecs[name] = c }

Right: make the registry a type, and let the functions wrap a default one.

	var Default = roster.New[Codec](roster.Named("codecs"))
	func Register(name string, c Codec) { Default.Register(name, c) }

It is advice on design and not a mistake in itself: -advice turns it on.

Silence it with //roster:ignore globalregistry and a reason.
`, func(r *reporter) {
	if !advice || r.Pkg.Name() == "main" || strings.Contains("/"+r.Pkg.Path()+"/", "/internal/") {
		return
	}
	for _, file := range r.judged() {
		for _, decl := range file.Decls {
			d, ok := decl.(*ast.FuncDecl)
			if !ok || d.Recv != nil || !d.Name.IsExported() {
				continue
			}
			for v, writers := range r.survey.Maps {
				for _, w := range writers {
					if w == d {
						r.report(d.Name.Pos(), fmt.Sprintf(
							"%s writes to %s, which exists once in a program: make it a type and let the function wrap a default one",
							d.Name.Name, v.Name()))
					}
				}
			}
		}
	}
})

// advice says whether advice is wanted. It is a flag of the analyzer.
var advice bool

func init() { //nolint:gochecknoinits // an analyzer has its flags before it is run
	GlobalRegistry.Flags.BoolVar(&advice, "advice", false, "also give advice that is a matter of design")
}
