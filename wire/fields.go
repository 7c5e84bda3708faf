package wire

import (
	"encoding"
	"encoding/json"
	"iter"
	"reflect"
	"slices"
	"strings"
)

var (
	jsonMarshaler = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
)

// encodesItself reports whether t, or a pointer to it, says what it is in JSON.
func encodesItself(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(jsonMarshaler) || p.Implements(textMarshaler)
}

// encodesFields reports whether t, or what it points to, is encoded field by field.
func encodesFields(t reflect.Type) bool {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Kind() == reflect.Struct && !encodesItself(t)
}

// An encodedField is a field of a struct as an encoding sees it.
type encodedField struct {
	reflect.StructField

	name   string
	quoted bool // a number or a boolean in a string
}

// jsonFields yields the fields of the struct t that are encoded, with those of
// structs that are embedded without a name of their own.
func jsonFields(t reflect.Type) iter.Seq[encodedField] {
	return func(yield func(encodedField) bool) { eachField(t, nil, yield) }
}

func eachField(t reflect.Type, within []reflect.Type, yield func(encodedField) bool) bool {
	within = append(slices.Clone(within), t)
	for f := range t.Fields() {
		tag := f.Tag.Get("json")
		name, options, _ := strings.Cut(tag, ",")
		inner := f.Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		embedded := f.Anonymous && inner.Kind() == reflect.Struct
		switch {
		case tag == "-", !f.IsExported() && !embedded:
			continue
		case embedded && name == "":
			if !slices.Contains(within, inner) && !eachField(inner, within, yield) {
				return false
			}
			continue
		case name == "":
			name = f.Name
		}
		if !yield(encodedField{f, name, slices.Contains(strings.Split(options, ","), "string")}) {
			return false
		}
	}
	return true
}
