package misuse

import (
	"context"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/collector"
)

// A registry of collectors takes collectors of its own type of values, and what a
// collector yields changes only with the collector.
func collectors() {
	status := collector.New[float64]()
	lines := collector.Func("a", "", func(context.Context) (string, error) { return "", nil })
	_ = status.Register(lines)                                      // want `collector\.Collector\[string\] does not implement collector\.Collector\[float64\]`
	status.MustRegister(lines)                                      // want `does not implement collector\.Collector\[float64\]`
	_ = status.Replace("a", nil)                                    // want `status\.Replace undefined`
	_ = status.Reload(nil)                                          // want `status\.Reload undefined`
	_ = status.Update(nil)                                          // want `status\.Update undefined`
	_ = collector.New[int](roster.Named("status"))                  // want `cannot use roster\.Named\("status"\) .* as collector\.Option value`
	_ = collector.New[int](collector.With(roster.SealAtFirstUse())) // want `roster\.RegistryOption does not implement roster\.Option`
}
