package plugin_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/plugin"
)

func BenchmarkCall(b *testing.B) {
	functions := roster.New[plugin.Function](roster.In(roster.NewDirectory()))
	functions.Register("a.echo", echo)
	h, err := plugin.NewHost(plugin.Options{Linked: functions, Directory: roster.NewDirectory()})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = h.Close(b.Context()) }()
	if err := h.Add(b.Context(), describe("p", "")); err != nil {
		b.Fatal(err)
	}
	input := json.RawMessage(`{"name":"` + strings.Repeat("x", 90) + `"}`)
	for _, capability := range []string{"a.echo", "test.hello"} {
		b.Run(capability, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := h.Call(b.Context(), capability, input); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
