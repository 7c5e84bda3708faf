package embedded

import (
	"context"
	"log/slog"
	"sync/atomic"
)

// youngStore is what etcd says when it looks at its storage before the first of its data has been
// committed. It looks again, so it is no warning.
const youngStore = "etcd: failed to update storage version"

// A stopHandler keeps etcd's warnings about listeners that end from the log of a server that
// is stopped: they say that what was asked for happens. At debug level they stay. The same is
// done to what etcd says of a store that has just been made.
type stopHandler struct {
	slog.Handler
	stopping *atomic.Bool
}

var _ slog.Handler = stopHandler{}

// Enabled implements [slog.Handler].
func (h stopHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.Handler.Enabled(ctx, h.level(level))
}

// Handle implements [slog.Handler].
func (h stopHandler) Handle(ctx context.Context, record slog.Record) error {
	record.Level = h.level(record.Level)
	if record.Message == youngStore {
		record.Level = slog.LevelDebug
	}
	if !h.Handler.Enabled(ctx, record.Level) { // it was when the server began to stop
		return nil
	}
	return h.Handler.Handle(ctx, record) //nolint:wrapcheck // one handler stands for the other
}

// WithAttrs implements [slog.Handler].
func (h stopHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return stopHandler{h.Handler.WithAttrs(attrs), h.stopping}
}

// WithGroup implements [slog.Handler].
func (h stopHandler) WithGroup(name string) slog.Handler {
	return stopHandler{h.Handler.WithGroup(name), h.stopping}
}

func (h stopHandler) level(l slog.Level) slog.Level {
	if l == slog.LevelWarn && h.stopping.Load() {
		return slog.LevelDebug
	}
	return l
}
