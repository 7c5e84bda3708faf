package consolepage

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Bounds of what a [Tail] keeps.
const (
	tailLines   = 200 // of each plugin
	tailBytes   = 500 // of each line
	tailPlugins = 256
)

// pluginAttr is the attribute by which the plugin host names a plugin.
const pluginAttr = "plugin_name"

// A Tail keeps the latest lines of each plugin's log: those that the host logs
// about it and those that it writes. Of secrets it keeps nothing: the values of
// attributes and settings whose names say that they are one are left out, and so
// are bearer tokens, passwords in URLs, and private keys. What a plugin writes
// without a name before it cannot be told from other text.
//
// It is safe for concurrent use. The zero Tail is ready.
type Tail struct {
	mu      sync.Mutex // guards plugins
	plugins map[string][]LogLine
}

// Handler passes records on to next, and keeps those that name a plugin.
func (t *Tail) Handler(next slog.Handler) slog.Handler { return &tailHandler{tail: t, next: next} }

// Lines returns what is kept of a plugin, the oldest first.
func (t *Tail) Lines(plugin string) []LogLine {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.plugins[plugin])
}

func (t *Tail) add(plugin string, line LogLine) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.plugins == nil {
		t.plugins = make(map[string][]LogLine)
	}
	lines, known := t.plugins[plugin]
	if !known && len(t.plugins) >= tailPlugins {
		return
	}
	if len(lines) >= tailLines {
		lines = slices.Delete(lines, 0, len(lines)-tailLines+1)
	}
	t.plugins[plugin] = append(lines, line)
}

// A tailHandler is immutable.
type tailHandler struct {
	tail   *Tail
	next   slog.Handler
	plugin string // "" until an attribute names one
	attrs  string // as text, after the message
}

var _ slog.Handler = (*tailHandler)(nil)

// Enabled keeps what is worth a line whatever the level of the log is.
func (h *tailHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo || h.next.Enabled(ctx, level)
}

func (h *tailHandler) Handle(ctx context.Context, r slog.Record) error {
	plugin := h.plugin
	var text strings.Builder
	text.WriteString(r.Message)
	text.WriteString(h.attrs)
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == pluginAttr {
			plugin = a.Value.String()
		} else {
			writeAttr(&text, a)
		}
		return true
	})
	if plugin != "" && r.Level >= slog.LevelInfo {
		at := r.Time
		if at.IsZero() {
			at = time.Now()
		}
		h.tail.add(plugin, LogLine{At: at, Level: strings.ToLower(r.Level.String()), Text: kept(text.String())})
	}
	if !h.next.Enabled(ctx, r.Level) {
		return nil
	}
	return h.next.Handle(ctx, r) //nolint:wrapcheck // it is the next handler's word
}

func (h *tailHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	more := *h
	more.next = h.next.WithAttrs(attrs)
	var text strings.Builder
	text.WriteString(h.attrs)
	for _, a := range attrs {
		switch a.Key {
		case pluginAttr:
			more.plugin = a.Value.String()
		case "host": // all lines have it
		default:
			writeAttr(&text, a)
		}
	}
	more.attrs = text.String()
	return &more
}

func (h *tailHandler) WithGroup(name string) slog.Handler {
	more := *h
	more.next = h.next.WithGroup(name)
	return &more
}

func writeAttr(text *strings.Builder, a slog.Attr) {
	value := a.Value.Resolve().String()
	switch {
	case a.Key == "stream":
		return // which of its two outputs a line came from helps nobody
	case secretName.MatchString(a.Key):
		value = hidden
	}
	if strings.ContainsAny(value, " \t\"") {
		value = fmt.Sprintf("%q", value)
	}
	text.WriteString(" " + a.Key + "=" + value)
}

const hidden = "[hidden]"

// What looks like a secret.
var (
	secretName = regexp.MustCompile(`(?i)(passw|passphrase|secret|token|credential|authorization|cookie|api.?key|private.?key|access.?key)`)

	// A setting with such a name, in whatever notation: password=x, "token": "x", --api-key x.
	secretSetting = regexp.MustCompile(`(?i)([\w.-]*` +
		`(?:passw|passphrase|secret|token|credential|authorization|cookie|api[_-]?key|private[_-]?key|access[_-]?key)` +
		`[\w.-]*["']?\s*(?:[=:]|\s)\s*)` +
		`("(?:[^"\\]|\\.)*"?|'[^']*'?|(?:(?:bearer|basic)\s+)?[^\s,;&}]+)`)
	bearer      = regexp.MustCompile(`(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}`)
	urlPassword = regexp.MustCompile(`(\w+://[^\s/:@]*:)[^\s/@]+@`)
	pem         = regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----.*`)
)

// kept is a line as it may be shown: without secrets and control characters, and short.
func kept(text string) string {
	text = pem.ReplaceAllString(text, hidden)
	text = secretSetting.ReplaceAllString(text, "${1}"+hidden)
	text = bearer.ReplaceAllString(text, "${1} "+hidden)
	text = urlPassword.ReplaceAllString(text, "${1}"+hidden+"@")
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
	if len(text) > tailBytes {
		text = strings.ToValidUTF8(text[:tailBytes], "") + "…"
	}
	return text
}
