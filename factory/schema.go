package factory

import (
	"encoding/json"
	"reflect"

	"github.com/roster-go/roster"
)

// Schema writes the config of the factory called name as a JSON Schema of the
// dialect 2020-12, indented. What it accepts is what the decoder accepts, except for
// what a schema cannot say: Validate methods, types that decode themselves, and the
// limits of sizes. Secrets are writeOnly, and their defaults are left out. The
// error is a [*roster.UnknownError].
func Schema[P any](v roster.View[*Factory[P]], name string) ([]byte, error) {
	f, err := v.Lookup(name)
	if err != nil {
		return nil, err
	}
	schema := f.shape.schema(f.defaults)
	schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	schema["title"] = name
	return json.MarshalIndent(schema, "", "  ") //nolint:wrapcheck // It consists of what can be written.
}

type properties = map[string]any

// A duration as time.ParseDuration takes it.
const durationPattern = `^[+-]?(0|(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+)$`

// schema describes s. A default that is not there is invalid.
func (s *shape) schema(def reflect.Value) properties {
	made := properties{}
	switch s.kind {
	case boolean:
		made["type"] = "boolean"
	case integer:
		made["type"] = "integer"
		made["minimum"], made["maximum"] = intRange(s.goType)
	case unsigned:
		made["type"], made["minimum"], made["maximum"] = "integer", 0, uintMax(s.goType)
	case float:
		made["type"] = "number"
	case text, worded:
		made["type"] = "string"
	case secret:
		made["type"], made["writeOnly"] = "string", true
		return made
	case duration:
		made["type"], made["pattern"], made["description"] = "string", durationPattern, s.words()
	case binary:
		made["type"], made["contentEncoding"] = "string", "base64"
	case list:
		made["type"], made["items"] = "array", s.elem.schema(reflect.Value{})
		if s.goType.Kind() == reflect.Array {
			made["minItems"], made["maxItems"] = s.goType.Len(), s.goType.Len()
		}
	case dict:
		made["type"], made["additionalProperties"] = "object", s.elem.schema(reflect.Value{})
	case object:
		s.objectSchema(made, def)
		return made
	case optional:
		if def.IsValid() {
			def = def.Elem() // invalid if the pointer is nil
		}
		return properties{"anyOf": []any{s.elem.schema(def), properties{"type": "null"}}}
	case encoded, anything:
	}
	if def.IsValid() && !def.IsZero() && s.innermost().kind != secret {
		if data, err := json.Marshal(plainOf(s, def)); err == nil {
			made["default"] = json.RawMessage(data)
		}
	}
	return made
}

func (s *shape) objectSchema(made properties, def reflect.Value) {
	var required []string
	fields := make(properties, len(s.fields))
	for _, f := range s.fields {
		var of reflect.Value
		if def.IsValid() {
			of = def.FieldByIndex(f.index)
		}
		schema := f.shape.schema(of)
		if f.doc != "" {
			schema["description"] = f.doc
		}
		fields[f.name] = schema
		if f.required {
			required = append(required, f.name)
		}
	}
	made["type"], made["properties"], made["additionalProperties"] = "object", fields, false
	if required != nil {
		made["required"] = required
	}
}
