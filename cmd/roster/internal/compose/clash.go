package compose

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/roster-go/roster/cmd/roster/internal/initorder"
)

// A Clash is a name that two packages of one program register in one registry. Most
// registries panic then, before main; the others keep whichever comes last.
type Clash struct {
	Registry, Name string
	Sides          []initorder.Registration // by package; at least two
	Majors         bool                     // the sides are two major versions of one module
}

func (c Clash) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q is registered twice in %s", c.Name, c.Registry)
	for _, side := range c.Sides {
		fmt.Fprintf(&b, "\n  by %s (%s) at %s", side.Package, cmp.Or(side.Module, "the standard library"), side.At)
	}
	if c.Majors {
		b.WriteString("\n  these are two major versions of one module, which the go command links side by side")
	}
	return b.String()
}

// A ClashError says why a program is not built although it compiles.
type ClashError struct{ Clashes []Clash }

func (e *ClashError) Error() string {
	var b strings.Builder
	for _, c := range e.Clashes {
		b.WriteString(c.String() + "\n")
	}
	b.WriteString("nothing was built: leave out one side of each, or pass --accept-clashes if they never meet")
	return b.String()
}

// checkNames looks for names that two packages register. A registration that an if
// decides about is none of them: it may ask the registry first.
func (p *Plan) checkNames() error {
	type key struct{ registry, name string }
	byName := map[key][]initorder.Registration{}
	for _, r := range p.Registrations {
		if r.Name == "" || r.Several || r.Guarded || r.Registry == initorder.UnknownRegistry {
			continue
		}
		k := key{r.Registry, r.Name}
		if !slices.ContainsFunc(byName[k], func(other initorder.Registration) bool { return other.Package == r.Package }) {
			byName[k] = append(byName[k], r)
		}
	}
	var clashes []Clash
	for k, sides := range byName {
		if len(sides) < 2 {
			continue
		}
		slices.SortFunc(sides, func(a, b initorder.Registration) int { return strings.Compare(a.Package, b.Package) })
		clashes = append(clashes, Clash{k.registry, k.name, sides, sameModule(sides)})
	}
	slices.SortFunc(clashes, func(a, b Clash) int {
		return cmp.Or(strings.Compare(a.Registry, b.Registry), strings.Compare(a.Name, b.Name))
	})
	if len(clashes) > 0 && !p.request.AcceptClashes {
		return &ClashError{clashes}
	}
	for _, c := range clashes {
		p.Notes = append(p.Notes, c.String())
	}
	return nil
}

// sameModule reports whether all sides are of one module but for its major version.
func sameModule(sides []initorder.Registration) bool {
	base := func(r initorder.Registration) string {
		path, _, _ := strings.Cut(r.Module, "@")
		path, _, _ = strings.Cut(path, " ")
		return withoutMajor(path)
	}
	first := base(sides[0])
	return first != "" && !slices.ContainsFunc(sides, func(r initorder.Registration) bool { return base(r) != first })
}
