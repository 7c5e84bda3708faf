package wire

import (
	"encoding"
	"encoding/gob"
	"iter"
	"reflect"
	"strings"
)

var (
	gobEncoder      = reflect.TypeFor[gob.GobEncoder]()
	binaryMarshaler = reflect.TypeFor[encoding.BinaryMarshaler]()
)

// inGob is the codec with fields by their names in Go, one size of integers and
// of floats, and maps with keys of any type.
var inGob = codec{
	itself: func(t reflect.Type) bool {
		p := reflect.PointerTo(t)
		return p.Implements(gobEncoder) || p.Implements(binaryMarshaler) || p.Implements(textMarshaler)
	},
	fields: func(t reflect.Type) iter.Seq[encodedField] {
		return func(yield func(encodedField) bool) {
			for f := range t.Fields() {
				kind := f.Type.Kind()
				if f.IsExported() && kind != reflect.Func && kind != reflect.Chan && !yield(encodedField{StructField: f, name: f.Name}) {
					return
				}
			}
		}
	},
	kind: func(k reflect.Kind) string {
		name := k.String()
		if name == "uintptr" {
			return "uint"
		}
		return strings.TrimRight(name, "0123456789")
	},
	keys: true,
}
