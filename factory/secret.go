package factory

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[redacted]"

// A Secret is a text of a config that never prints: not with fmt, whatever the verb
// and wherever it lies, not as JSON or text, and not with slog. [Secret.Reveal] is
// the one way to it. Secrets cannot be compared with ==. The zero Secret is empty.
type Secret struct {
	reveal func() string // fmt prints fields that are not exported, but no closures
}

// NewSecret is for tests and for defaults, which are in the program anyway.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{reveal: func() string { return text }}
}

// Reveal returns the text.
func (s Secret) Reveal() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

// IsZero reports whether the secret is empty.
func (s Secret) IsZero() bool { return s.reveal == nil }

var (
	_ fmt.Formatter  = Secret{}
	_ fmt.Stringer   = Secret{}
	_ slog.LogValuer = Secret{}
)

// String is "[redacted]", also for an empty secret.
func (Secret) String() string { return redacted }

// GoString is "[redacted]".
func (Secret) GoString() string { return redacted }

// Format writes "[redacted]" for every verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue is "[redacted]".
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText is "[redacted]", so that a config can be written to JSON for people.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// UnmarshalText takes the text over, so that a Secret can be read by other decoders
// as well. It refuses "[redacted]", which was a secret before somebody printed it.
func (s *Secret) UnmarshalText(text []byte) error {
	if string(text) == redacted {
		return errors.New("a secret that was printed cannot be read back")
	}
	*s = NewSecret(string(text))
	return nil
}
