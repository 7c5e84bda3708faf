package wire

import (
	"cmp"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strings"
)

// Manifest describes everything that r writes and reads, one line for each name,
// alias and field, in a stable order: a text to keep under version control, so that
// a change of it is seen. Package wiretest compares it.
//
//	circle @2
//		alias disc
//		field radius float64
//		gob Radius float
//
// The last line is there if [Registry.UseForGob] was called.
func (r *Registry[I]) Manifest() string {
	var b strings.Builder
	for name, t := range r.types.All() {
		if name != t.Name {
			continue
		}
		fmt.Fprintf(&b, "%s %s%d\n", name, versionMark, t.Version)
		for _, alias := range slices.Sorted(slices.Values(t.Aliases)) {
			fmt.Fprintf(&b, "\talias %s\n", alias)
		}
		for _, line := range inJSON.lines(t.goType, "", nil) {
			fmt.Fprintf(&b, "\tfield %s\n", line)
		}
		if r.inGob.Load() {
			for _, line := range inGob.lines(t.goType, "", nil) {
				fmt.Fprintf(&b, "\tgob %s\n", line)
			}
		}
	}
	return b.String()
}

// A codec is what one of encoding/json and encoding/gob sees of Go types.
type codec struct {
	itself func(reflect.Type) bool                   // the type says what it is
	fields func(reflect.Type) iter.Seq[encodedField] // of a struct
	kind   func(reflect.Kind) string                 // of what has no parts
	keys   bool                                      // of maps are told, since they may be of any type
}

var inJSON = codec{
	itself: encodesItself,
	fields: jsonFields,
	kind:   reflect.Kind.String,
}

// lines are the paths and kinds of what is encoded of t. Types that encode
// themselves are what they are called; their packages are not told, since moving a
// type changes nothing on the wire.
func (c codec) lines(t reflect.Type, path string, within []reflect.Type) []string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	at := cmp.Or(strings.TrimPrefix(path, "."), ".")
	switch {
	case c.itself(t):
		name, _, _ := strings.Cut(t.Name(), "[")
		return []string{at + " " + name}
	case slices.Contains(within, t):
		return []string{at + " recursive"}
	}
	within = append(slices.Clone(within), t)
	switch t.Kind() {
	case reflect.Struct:
		var lines []string
		for f := range c.fields(t) {
			if f.quoted {
				lines = append(lines, strings.TrimPrefix(path+"."+f.name, ".")+" quoted-"+f.Type.String())
				continue
			}
			lines = append(lines, c.lines(f.Type, path+"."+f.name, within)...)
		}
		slices.Sort(lines)
		return lines
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return []string{at + " bytes"}
		}
		return c.lines(t.Elem(), path+"[]", within)
	case reflect.Map:
		var lines []string
		if c.keys {
			lines = c.lines(t.Key(), path+"{key}", within)
		}
		return append(lines, c.lines(t.Elem(), path+"{}", within)...)
	default:
		return []string{at + " " + c.kind(t.Kind())}
	}
}
