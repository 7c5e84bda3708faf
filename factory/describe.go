package factory

import (
	"encoding"
	"encoding/json"
	"fmt"
	"iter"
	"reflect"
	"time"

	"github.com/roster-go/roster"
)

// A Description is what a person needs to know to write the config of a factory.
type Description struct {
	Name   string      `json:"name"` // of the factory
	Site   roster.Site `json:"-"`    // that made it
	Fields []Field     `json:"fields"`
}

// A Field is one of a config, or of an object, list or map in it.
type Field struct {
	Path     string `json:"path"`              // such as servers[].timeout or labels.*
	Type     string `json:"type"`              // in words
	Default  string `json:"default,omitempty"` // as JSON; "" if it is the zero value, redacted if it is a secret
	Required bool   `json:"required,omitempty"`
	Secret   bool   `json:"secret,omitempty"`
	URL      string `json:"url,omitempty"` // part of a URL that it is
	Doc      string `json:"doc,omitempty"`
}

// Describe yields every factory with the fields of its config, sorted by name; the
// fields are in the order in which the config type declares them.
func Describe[P any](v roster.View[*Factory[P]]) iter.Seq[Description] {
	return func(yield func(Description) bool) {
		for name, f := range v.All() {
			d := Description{Name: name, Site: f.site}
			d.add(f.shape, f.defaults, "")
			if !yield(d) {
				return
			}
		}
	}
}

// add describes what is in s. A default that is not there is invalid.
func (d *Description) add(s *shape, def reflect.Value, path string) {
	switch s.kind { //nolint:exhaustive // The others have no parts.
	case optional:
		if def.IsValid() && !def.IsNil() {
			def = def.Elem()
		} else {
			def = reflect.Value{}
		}
		d.add(s.elem, def, path)
	case list:
		d.add(s.elem, reflect.Value{}, path+"[]")
	case dict:
		d.add(s.elem, reflect.Value{}, path+".*")
	case object:
		for _, f := range s.fields {
			var of reflect.Value
			if def.IsValid() {
				of = def.FieldByIndex(f.index)
			}
			made := Field{
				Path: f.name, Type: f.shape.words(), Required: f.required,
				Secret: f.shape.innermost().kind == secret, URL: f.part, Doc: f.doc,
			}
			if path != "" {
				made.Path = path + "." + f.name
			}
			if of.IsValid() && !of.IsZero() && f.shape.kind != object {
				made.Default = asText(f.shape, of)
			}
			d.Fields = append(d.Fields, made)
			d.add(f.shape, of, made.Path)
		}
	}
}

// innermost is what a list, a map or a pointer is of.
func (s *shape) innermost() *shape {
	for s.elem != nil {
		s = s.elem
	}
	return s
}

func asText(s *shape, x reflect.Value) string {
	data, err := json.Marshal(plainOf(s, x))
	if err != nil {
		return fmt.Sprintf("a %s", s.goType)
	}
	return string(data)
}

// plainOf is a default as it would be written in a config.
func plainOf(s *shape, x reflect.Value) any {
	switch s.kind { //nolint:exhaustive // The others are written as they are.
	case secret:
		return redacted
	case duration:
		return time.Duration(x.Int()).String()
	case worded:
		if m, ok := reflect.TypeAssert[encoding.TextMarshaler](x); ok {
			return m
		}
		return fmt.Sprint(x.Interface())
	case optional:
		if x.IsNil() {
			return nil
		}
		return plainOf(s.elem, x.Elem())
	case list:
		items := make([]any, x.Len())
		for i := range items {
			items[i] = plainOf(s.elem, x.Index(i))
		}
		return items
	case dict:
		items := make(map[string]any, x.Len())
		for _, key := range x.MapKeys() {
			items[key.String()] = plainOf(s.elem, x.MapIndex(key))
		}
		return items
	case object:
		items := make(map[string]any, len(s.fields))
		for _, f := range s.fields {
			items[f.name] = plainOf(f.shape, x.FieldByIndex(f.index))
		}
		return items
	}
	return x.Interface()
}
