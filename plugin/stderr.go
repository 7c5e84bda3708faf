package plugin

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Bounds of what is kept of a plugin's output.
const (
	maxLine   = 8 << 10 // bytes; a longer line is cut into several
	keptLines = 20
)

// A lineLog sends a plugin's output to the host's log line by line, and keeps
// the last lines for error texts. It is safe for concurrent use.
type lineLog struct {
	log *slog.Logger

	mu   sync.Mutex // guards tail
	tail []string
}

// pump logs what it reads until r ends.
func (l *lineLog) pump(r io.Reader, stream string) {
	lines := bufio.NewReaderSize(r, maxLine)
	for {
		line, _, err := lines.ReadLine()
		if len(line) > 0 {
			l.line(string(line), stream)
		}
		if err != nil {
			return
		}
	}
}

func (l *lineLog) line(text, stream string) {
	text = strings.ToValidUTF8(strings.TrimRight(text, "\r"), "�")
	level, message, attrs := parseLine(text)
	attrs = append(attrs, slog.String("stream", stream))
	l.log.LogAttrs(context.Background(), level, message, attrs...) //nolint:sloglint // it is the plugin's message

	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.tail) == keptLines {
		l.tail = slices.Delete(l.tail, 0, 1)
	}
	l.tail = append(l.tail, text)
}

// last returns the lines kept.
func (l *lineLog) last() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.tail)
}

// parseLine understands a JSON line of log/slog or of hclog, and takes any
// other for a message.
func parseLine(text string) (slog.Level, string, []slog.Attr) {
	plain := func() (slog.Level, string, []slog.Attr) { return slog.LevelInfo, text, nil }
	if !strings.HasPrefix(text, "{") {
		return plain()
	}
	var fields map[string]any
	if json.Unmarshal([]byte(text), &fields) != nil {
		return plain()
	}
	take := func(keys ...string) string {
		for _, key := range keys {
			if s, ok := fields[key].(string); ok {
				delete(fields, key)
				return s
			}
		}
		return ""
	}
	message := take("msg", "@message", "message")
	if message == "" {
		return plain()
	}
	var level slog.Level
	if name := take("level", "@level"); level.UnmarshalText([]byte(name)) != nil {
		level = slog.LevelInfo
		if strings.EqualFold(name, "trace") {
			level = slog.LevelDebug
		}
	}
	take("time", "@timestamp") // the host's log has its own
	attrs := make([]slog.Attr, 0, len(fields)+1)
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		attrs = append(attrs, slog.Any(key, fields[key]))
	}
	return level, message, attrs
}
