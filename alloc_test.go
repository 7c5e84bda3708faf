package roster_test

import (
	"fmt"
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/internal/assert"
)

func TestLookupsDoNotAllocate(t *testing.T) {
	r, h := roster.New[fmt.Stringer](quiet()), roster.NewHot[fmt.Stringer](quiet())
	s := roster.NewScope[fmt.Stringer](r, quiet())
	names := []string{"a", "image/png", "github.com/example/driver", "a name of more than thirty-one bytes"}
	for _, name := range names {
		r.Register(name, roster.Site{})
		h.Register(name, roster.Site{})
	}
	pin, owner := h.Pin(), roster.NewOwner(0)
	defer pin.Release()
	d := roster.NewDirectory() // with a suspension of another name
	d.Suspend("suspending", "image/png", nil)
	rs, hs := roster.New[fmt.Stringer](roster.In(d), roster.Named("suspending")), roster.NewHot[fmt.Stringer](roster.In(d), roster.Named("suspending"))
	for _, name := range names {
		rs.Register(name, roster.Site{})
		hs.Register(name, roster.Site{})
	}
	suspendedPin := hs.Pin()
	defer suspendedPin.Release()
	for what, get := range map[string]func(string) (fmt.Stringer, bool){
		"Registry.Get": r.Get, "Hot.Get": h.Get, "Pin.Get": pin.Get, "Scope.Get": s.Get,
		"Registry.Get while suspended": rs.Get, "Hot.Get while suspended": hs.Get, "Pin.Get while suspended": suspendedPin.Get,
		"Hot.PinFor": func(name string) (fmt.Stringer, bool) {
			p := h.PinFor(owner)
			defer p.Release()
			return p.Get(name)
		},
	} {
		for _, name := range append(names, "missing", "a missing name of more than thirty-one bytes") {
			get(name) // a name that is missed for the first time is noted down
			allocs := testing.AllocsPerRun(100, func() { get(name) })
			assert.Equal(t, fmt.Sprint(what, " of ", name, ": ", allocs), fmt.Sprint(what, " of ", name, ": 0"))
		}
	}
}
