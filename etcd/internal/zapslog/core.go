// Package zapslog routes what etcd logs through zap to a slog.Logger.
package zapslog

import (
	"context"
	"log/slog"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// New returns a zap logger that writes to l. An embedded store narrates its life at info
// and warns of what its owner cannot act on, so everything arrives one level lower:
// errors as warnings, warnings and the rest as debug. With a nil l it discards.
//
// etcd logs at panic and fatal level before it gives up. Those arrive as errors and both
// panic, because a library must not end the process of its user without a chance to
// recover. That holds for a nil l as well.
func New(l *slog.Logger) *zap.Logger {
	if l == nil {
		l = slog.New(slog.DiscardHandler)
	}
	return zap.New(&core{handler: l.Handler()}, zap.WithFatalHook(zapcore.WriteThenPanic))
}

type core struct {
	handler slog.Handler
}

var _ zapcore.Core = (*core)(nil)

func level(l zapcore.Level) slog.Level {
	switch {
	case l >= zapcore.DPanicLevel:
		return slog.LevelError
	case l >= zapcore.ErrorLevel:
		return slog.LevelWarn
	default:
		return slog.LevelDebug
	}
}

// Enabled implements [zapcore.LevelEnabler].
func (c *core) Enabled(l zapcore.Level) bool {
	return c.handler.Enabled(context.Background(), level(l))
}

// With implements [zapcore.Core].
func (c *core) With(fields []zapcore.Field) zapcore.Core {
	return &core{handler: c.handler.WithAttrs(attrs(fields))}
}

// Check implements [zapcore.Core].
func (c *core) Check(entry zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(entry.Level) {
		return checked.AddCore(entry, c)
	}
	return checked
}

// Write implements [zapcore.Core].
func (c *core) Write(entry zapcore.Entry, fields []zapcore.Field) error {
	record := slog.NewRecord(time.Now(), level(entry.Level), "etcd: "+entry.Message, 0)
	record.AddAttrs(attrs(fields)...)
	return c.handler.Handle(context.Background(), record) //nolint:wrapcheck // one interface stands for the other
}

// Sync implements [zapcore.Core].
func (*core) Sync() error { return nil }

func attrs(fields []zapcore.Field) []slog.Attr {
	list := make([]slog.Attr, 0, len(fields))
	for _, field := range fields {
		encoded := zapcore.NewMapObjectEncoder()
		field.AddTo(encoded)
		for key, value := range encoded.Fields {
			list = append(list, slog.Any(key, value))
		}
	}
	return list
}
