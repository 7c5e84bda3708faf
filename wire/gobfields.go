package wire

import (
	"encoding"
	"encoding/gob"
	"reflect"
	"slices"
	"strings"
)

var (
	gobEncoder      = reflect.TypeFor[gob.GobEncoder]()
	binaryMarshaler = reflect.TypeFor[encoding.BinaryMarshaler]()
)

// gobFields lists the paths and kinds of what gob writes of t. Gob has one size of
// integers and of floats, and follows pointers.
func gobFields(t reflect.Type, path string, within []reflect.Type) []string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	at := strings.TrimPrefix(path, ".")
	if at == "" {
		at = "."
	}
	p := reflect.PointerTo(t)
	switch {
	case p.Implements(gobEncoder), p.Implements(binaryMarshaler), p.Implements(textMarshaler):
		name, _, _ := strings.Cut(t.Name(), "[")
		return []string{at + " " + name}
	case slices.Contains(within, t):
		return []string{at + " recursive"}
	}
	within = append(slices.Clone(within), t)
	switch t.Kind() {
	case reflect.Struct:
		var lines []string
		for f := range t.Fields() {
			if kind := f.Type.Kind(); f.IsExported() && kind != reflect.Func && kind != reflect.Chan {
				lines = append(lines, gobFields(f.Type, path+"."+f.Name, within)...)
			}
		}
		slices.Sort(lines)
		return lines
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return []string{at + " bytes"}
		}
		return gobFields(t.Elem(), path+"[]", within)
	case reflect.Map:
		return append(gobFields(t.Key(), path+"{key}", within), gobFields(t.Elem(), path+"{}", within)...)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return []string{at + " int"}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return []string{at + " uint"}
	case reflect.Float32, reflect.Float64:
		return []string{at + " float"}
	case reflect.Complex64, reflect.Complex128:
		return []string{at + " complex"}
	default:
		return []string{at + " " + t.Kind().String()}
	}
}
