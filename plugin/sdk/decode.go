package sdk

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Decode reads one JSON value strictly: the error for an unknown field or a
// value of the wrong type names the field, and has the code InvalidArgument.
// Field names match as in encoding/json, without regard to case.
func Decode(input []byte, into any) error {
	if decodedStrictly(input, into) {
		return nil
	}
	if err := json.Unmarshal(input, into); err != nil {
		if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return Invalid("field %q: want %s, got %s", orRoot(wrong.Field), jsonName(wrong.Type), wrong.Value)
		}
		return Invalid("the input cannot be decoded: %v", err)
	}
	return unknownField(input, reflect.TypeOf(into), "")
}

// decodedStrictly is the common case, in one pass. What it refuses Decode refuses too,
// with a better error.
func decodedStrictly(input []byte, into any) bool {
	decoder := json.NewDecoder(bytes.NewReader(input))
	decoder.DisallowUnknownFields()
	return decoder.Decode(into) == nil && len(bytes.TrimSpace(input[decoder.InputOffset():])) == 0
}

func orRoot(field string) string {
	if field == "" {
		return "(the input)"
	}
	return field
}

// unknownField finds a field in value that t has no place for. It walks both
// side by side, so that the error can say where, which json.Decoder cannot. The
// value has been decoded into t before, so what does not fit here is nothing to
// complain about, such as null for an object.
func unknownField(value json.RawMessage, t reflect.Type, path string) error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()) {
		return nil // it has rules of its own
	}
	switch t.Kind() {
	case reflect.Struct:
		return unknownInStruct(members(value), t, path)
	case reflect.Map:
		object := members(value)
		for _, key := range slices.Sorted(maps.Keys(object)) {
			if err := unknownField(object[key], t.Elem(), path+"."+key); err != nil {
				return err
			}
		}
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return nil // base64
		}
		var items []json.RawMessage
		_ = json.Unmarshal(value, &items)
		for i, item := range items {
			if err := unknownField(item, t.Elem(), fmt.Sprintf("%s[%d]", path, i)); err != nil {
				return err
			}
		}
	default:
	}
	return nil
}

func unknownInStruct(object map[string]json.RawMessage, t reflect.Type, path string) error {
	fields := map[string]reflect.Type{}
	collectFields(t, fields)
	for _, name := range slices.Sorted(maps.Keys(object)) {
		field := findField(fields, name)
		if field == nil {
			return Invalid("unknown field %q%s", strings.TrimPrefix(path+"."+name, "."), knownFields(fields))
		}
		if err := unknownField(object[name], field, path+"."+name); err != nil {
			return err
		}
	}
	return nil
}

// members are the fields of a JSON object, none if the value is not an object.
func members(value json.RawMessage) map[string]json.RawMessage {
	var object map[string]json.RawMessage
	_ = json.Unmarshal(value, &object)
	return object
}

// collectFields lists the JSON names of a struct's fields, those of embedded
// structs included.
func collectFields(t reflect.Type, into map[string]reflect.Type) {
	for f := range t.Fields() {
		tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch embedded := f.Type; {
		case f.Tag.Get("json") == "-":
		case f.Anonymous && tag == "":
			if embedded.Kind() == reflect.Pointer {
				embedded = embedded.Elem()
			}
			if embedded.Kind() == reflect.Struct {
				collectFields(embedded, into)
			}
		case !f.IsExported():
		case tag != "":
			into[tag] = f.Type
		default:
			into[f.Name] = f.Type
		}
	}
}

func findField(fields map[string]reflect.Type, name string) reflect.Type {
	if t, ok := fields[name]; ok {
		return t
	}
	for known, t := range fields {
		if strings.EqualFold(known, name) {
			return t
		}
	}
	return nil
}

func knownFields(fields map[string]reflect.Type) string {
	if len(fields) == 0 {
		return "; there are no fields"
	}
	return "; known fields: " + strings.Join(slices.Sorted(maps.Keys(fields)), ", ")
}

func jsonName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return "string (base64)"
		}
		return "array"
	case reflect.Struct, reflect.Map:
		return "object"
	case reflect.Float32, reflect.Float64:
		return "number"
	default:
		return t.String()
	}
}
