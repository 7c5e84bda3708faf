// Package codecs keeps codecs by name: the map and its mutex have become a
// registry, behind the same functions.
package codecs

import "github.com/roster-go/roster"

// A Codec turns a text into its encoded form.
type Codec func(text string) string

var codecs = roster.New[Codec](roster.Named("codecs"))

// Register adds c under name. It panics if the name is taken.
func Register(name string, c Codec) { codecs.Register(name, c) }

// Get returns the codec of name, or nil.
func Get(name string) Codec {
	c, _ := codecs.Get(name)
	return c
}

// Encode encodes text with the codec of name, or leaves it as it is.
func Encode(name, text string) string {
	if c := Get(name); c != nil {
		return c(text)
	}
	return text
}
