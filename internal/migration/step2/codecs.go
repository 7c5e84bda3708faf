// Package codecs keeps codecs by name: what it does with them takes the registry
// as an argument, and the functions that do not are wrappers.
package codecs

import "github.com/roster-go/roster"

// A Codec turns a text into its encoded form.
type Codec func(text string) string

// Default is the registry of the process, which init functions fill.
var Default = roster.New[Codec](roster.Named("codecs"))

// EncodeWith encodes text with the codec that codecs has under name. The error
// says what it has.
func EncodeWith(codecs roster.View[Codec], name, text string) (string, error) {
	c, err := codecs.Lookup(name)
	if err != nil {
		return "", err
	}
	return c(text), nil
}

// Register adds c to Default. It panics if the name is taken.
func Register(name string, c Codec) { Default.Register(name, c) }

// Get returns the codec that Default has under name, or nil.
func Get(name string) Codec {
	c, _ := Default.Get(name)
	return c
}

// Encode encodes text with the codec that Default has under name, or leaves it
// as it is.
func Encode(name, text string) string {
	encoded, err := EncodeWith(Default, name, text)
	if err != nil {
		return text
	}
	return encoded
}
