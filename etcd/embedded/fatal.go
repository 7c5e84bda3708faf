package embedded

import (
	"fmt"

	"go.uber.org/zap/zapcore"
)

// A fatalHook turns what etcd logs at panic or fatal level into a panic with an error that
// says why. While the server starts, [Start] recovers it. Later it ends the process: the
// store cannot keep what it acknowledges.
type fatalHook struct{}

var _ zapcore.CheckWriteHook = fatalHook{}

// OnWrite implements [zapcore.CheckWriteHook].
func (fatalHook) OnWrite(entry *zapcore.CheckedEntry, fields []zapcore.Field) {
	for _, field := range fields {
		if cause, ok := field.Interface.(error); ok {
			panic(fmt.Errorf("%s: %w", entry.Message, cause))
		}
	}
	panic(entry.Message)
}
