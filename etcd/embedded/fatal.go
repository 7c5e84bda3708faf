package embedded

import (
	"strings"

	"go.uber.org/zap/zapcore"
)

// A fatalHook turns what etcd logs at fatal level into a panic that says why. While the
// server starts, [Start] recovers it. Later it ends the process: the store cannot keep what
// it acknowledges.
type fatalHook struct{}

var _ zapcore.CheckWriteHook = fatalHook{}

// OnWrite implements [zapcore.CheckWriteHook].
func (fatalHook) OnWrite(entry *zapcore.CheckedEntry, fields []zapcore.Field) {
	parts := []string{entry.Message}
	for _, field := range fields {
		if cause, ok := field.Interface.(error); ok {
			parts = append(parts, cause.Error())
		}
	}
	panic(strings.Join(parts, ": "))
}
