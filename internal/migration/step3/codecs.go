// Package codecs encodes texts with codecs chosen by name. An Encoder has codecs
// of its own; the package-level functions are left for callers of old.
package codecs

import "github.com/roster-go/roster"

// A Codec turns a text into its encoded form.
type Codec func(text string) string

// Default is the registry of the process, which init functions fill.
var Default = roster.New[Codec](roster.Named("codecs"))

// An Encoder encodes with the codecs it was given: all of the process, those of
// one tenant, those of one test.
type Encoder struct {
	codecs roster.View[Codec]
}

// NewEncoder returns an Encoder that uses codecs.
func NewEncoder(codecs roster.View[Codec]) *Encoder { return &Encoder{codecs: codecs} }

// Encode encodes text with the codec of name. The error says what there is.
func (e *Encoder) Encode(name, text string) (string, error) {
	c, err := e.codecs.Lookup(name)
	if err != nil {
		return "", err
	}
	return c(text), nil
}

// Register adds c to Default. It panics if the name is taken.
func Register(name string, c Codec) { Default.Register(name, c) }

// Get returns the codec that Default has under name, or nil.
//
// Deprecated: Use NewEncoder, which says what there is when name is not there.
func Get(name string) Codec {
	c, _ := Default.Get(name)
	return c
}

// Encode encodes text with the codec that Default has under name, or leaves it
// as it is.
//
// Deprecated: Use NewEncoder, which does not hide a missing codec.
func Encode(name, text string) string {
	encoded, err := NewEncoder(Default).Encode(name, text)
	if err != nil {
		return text
	}
	return encoded
}
