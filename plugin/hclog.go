package plugin

import (
	"context"
	"io"
	"log/slog"

	"github.com/hashicorp/go-hclog"
)

// hclogSink hands what go-plugin itself logs to slog, at debug level: what
// matters of it comes back as an error as well.
type hclogSink struct{ log *slog.Logger }

var _ hclog.SinkAdapter = hclogSink{}

func newHclog(log *slog.Logger) hclog.Logger {
	l := hclog.NewInterceptLogger(&hclog.LoggerOptions{Output: io.Discard, Level: hclog.Debug})
	l.RegisterSink(hclogSink{log})
	return l
}

// Accept implements hclog.SinkAdapter.
func (s hclogSink) Accept(_ string, _ hclog.Level, msg string, args ...any) {
	s.log.With(args...).Log(context.Background(), slog.LevelDebug, "go-plugin", "message", msg)
}
