package plugin_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/kill"
	"github.com/roster-go/roster/plugin"
)

// BenchmarkKillSwitch makes calls without a kill switch, with an empty one, and with one
// that has killed something else.
func BenchmarkKillSwitch(b *testing.B) {
	full, err := kill.Open("")
	if err != nil {
		b.Fatal(err)
	}
	for i := range 100 {
		if _, err := full.Apply("bench", kill.Order{Target: kill.Capability(fmt.Sprint("other", i)), Epoch: 1, Reason: "a benchmark"}); err != nil {
			b.Fatal(err)
		}
	}
	empty, err := kill.Open("")
	if err != nil {
		b.Fatal(err)
	}
	input := json.RawMessage(`{"name":"` + strings.Repeat("x", 90) + `"}`)
	for _, c := range []struct {
		name string
		s    *kill.Switch
	}{{"none", nil}, {"empty", empty}, {"others", full}} {
		functions := roster.New[plugin.Function](roster.In(roster.NewDirectory()))
		functions.Register("a.echo", echo)
		h, err := plugin.NewHost(plugin.Options{Linked: functions, Directory: roster.NewDirectory(), Kill: c.s})
		if err != nil {
			b.Fatal(err)
		}
		if err := h.Add(b.Context(), describe("p", "")); err != nil {
			b.Fatal(err)
		}
		for _, capability := range []string{"a.echo", "test.hello"} {
			b.Run(capability+"/"+c.name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := h.Call(b.Context(), capability, input); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		if err := h.Close(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
