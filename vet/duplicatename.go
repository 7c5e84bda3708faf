package vet

import (
	"fmt"
	"go/token"
	"slices"
	"strconv"

	"github.com/roster-go/roster/vet/internal/survey"
)

// DuplicateName finds one name that two places of a program register.
var DuplicateName = newAnalyzer("duplicatename", `
duplicatename: find constant names that are registered twice in one program

Why: two packages that claim one name compile, and each passes its tests. Together in one program, either
the second panics before main, with a text that names neither module, or it silently takes the place of
the first.

Wrong:

	import (
		_ "github.com/mattn/go-sqlite3"        // registers "sqlite3"
		_ "github.com/ncruces/go-sqlite3/driver" // registers "sqlite3" too
	)

Right: import one of them.

Two places in one package are reported there. Two packages are reported in package main, at the import
that brings in the second. Registrations that depend on a condition do not count.

Silence it with //roster:ignore duplicatename and a reason.
`, func(r *reporter) {
	r.duplicatesHere()
	if r.isMain() {
		r.duplicatesInProgram()
	}
})

// certain reports whether a registration happens in every run, before main or as its part.
func certain(reg survey.Registration) bool {
	return reg.Phase != survey.InCall && !reg.Guarded && !reg.Many
}

type nameKey struct{ registry, name string }

func (r *reporter) duplicatesHere() {
	first := make(map[nameKey]survey.Registration)
	for _, reg := range r.survey.Own {
		if !certain(reg) || reg.Package != r.Pkg.Path() {
			continue
		}
		key := nameKey{reg.Registry, reg.Name}
		if other, ok := first[key]; !ok {
			first[key] = reg
		} else if other.At != reg.At && clash(other, reg) {
			r.report(reg.Pos, duplicateText(other, reg))
		}
	}
}

func (r *reporter) duplicatesInProgram() {
	first := make(map[nameKey]survey.Registration)
	done := make(map[nameKey]bool)
	for _, reg := range r.survey.Program.Registrations {
		if !certain(reg) {
			continue
		}
		key := nameKey{reg.Registry, reg.Name}
		other, ok := first[key]
		switch {
		case !ok:
			first[key] = reg
		case other.Package != reg.Package && !done[key] && clash(other, reg):
			done[key] = true
			if reg.Package == r.Pkg.Path() {
				other, reg = reg, other
			}
			if pos := r.brings(other); other.Package == r.Pkg.Path() {
				r.report(pos, duplicateText(reg, other))
			} else {
				r.report(r.brings(reg), duplicateText(other, reg))
			}
		}
	}
}

// clash reports whether two registrations cannot both be meant: gob takes one type twice.
func clash(a, b survey.Registration) bool {
	return a.Registry != "gob types" || a.Type != b.Type
}

// brings is where this package registers, or imports the package that leads to the registration.
func (r *reporter) brings(reg survey.Registration) token.Pos {
	for _, own := range r.survey.Own {
		if own.At == reg.At && own.Name == reg.Name {
			return own.Pos
		}
	}
	for _, file := range r.Files {
		for _, spec := range file.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				continue
			}
			for _, imported := range r.Pkg.Imports() {
				var fact survey.Package
				if imported.Path() == path && r.survey.Import(imported, &fact) &&
					slices.ContainsFunc(fact.Registrations, func(o survey.Registration) bool { return o.At == reg.At && o.Name == reg.Name }) {
					return spec.Pos()
				}
			}
		}
	}
	return token.NoPos
}

func duplicateText(first, second survey.Registration) string {
	end := "the last to register wins, by the order of import paths"
	if survey.Known(second.Registry).Panics {
		end = "the second panics"
	}
	if survey.Known(second.Registry).Inferred {
		end = "only one of them can have it"
	}
	return fmt.Sprintf("%q is registered twice in %s: at %s and at %s; %s", second.Name, second.Registry, first.At, second.At, end)
}
