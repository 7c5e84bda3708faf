package plugin

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// maxSchema bounds the schema that a plugin declares, in bytes.
const maxSchema = 256 << 10

// A configSchema is the schema of a plugin's config.
type configSchema struct{ root *jsonschema.Schema }

// compileSchema reads a schema that a plugin declares. What a plugin sends is not
// trusted: the schema cannot refer to files or to other places.
func compileSchema(text []byte) (s configSchema, err error) {
	if len(text) > maxSchema {
		return s, fmt.Errorf("it has %d bytes, the limit is %d", len(text), maxSchema)
	}
	defer func() {
		if r := recover(); r != nil {
			err = errors.New("it is not a JSON Schema")
		}
	}()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return s, fmt.Errorf("it is not JSON: %w", err)
	}
	const here = "config.json"
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.UseLoader(noLoader{})
	if err := compiler.AddResource(here, document); err != nil {
		return s, err //nolint:wrapcheck // the caller says whose schema it is
	}
	s.root, err = compiler.Compile(here)
	return s, err //nolint:wrapcheck // as above
}

// noLoader refuses what is not part of the schema itself.
type noLoader struct{}

func (noLoader) Load(url string) (any, error) {
	return nil, fmt.Errorf("it refers to %s; put everything into the one schema", shortened(url, shownName))
}

// faults lists what of a config does not fit, each field once. No text has a value:
// it may be a secret in the wrong place.
func (s configSchema) faults(config any, secrets map[string]bool) []ConfigFault {
	err := s.root.Validate(config)
	if err == nil {
		return nil
	}
	wrong, ok := errors.AsType[*jsonschema.ValidationError](err)
	if !ok {
		return []ConfigFault{{"", "it cannot be compared with the plugin's schema"}}
	}
	var list []ConfigFault
	var walk func(e *jsonschema.ValidationError)
	walk = func(e *jsonschema.ValidationError) {
		if len(e.Causes) > 0 && !isAlternative(e.ErrorKind) {
			for _, cause := range e.Causes {
				walk(cause)
			}
			return
		}
		field := fieldOf(e.InstanceLocation)
		if !slices.ContainsFunc(list, func(f ConfigFault) bool { return f.Field == field }) {
			list = append(list, ConfigFault{field, problemOf(e.ErrorKind, secrets[field])})
		}
	}
	walk(wrong)
	slices.SortStableFunc(list, func(a, b ConfigFault) int { return strings.Compare(a.Field, b.Field) })
	return list
}

func isAlternative(k jsonschema.ErrorKind) bool {
	switch k.(type) {
	case *kind.AnyOf, *kind.OneOf, *kind.Not:
		return true
	default:
		return false
	}
}

// problemOf words a fault.
func problemOf(k jsonschema.ErrorKind, secret bool) string {
	switch k := k.(type) {
	case *kind.AdditionalProperties:
		return "unknown " + plural("field", k.Properties)
	case *kind.Required:
		return "missing " + plural("field", k.Missing)
	case *kind.Type:
		return fmt.Sprintf("it is %s, want %s", k.Got, strings.Join(k.Want, " or "))
	case *kind.Pattern:
		if !secret {
			return "it does not match the pattern " + k.Want
		}
	case *kind.Format:
		return "it is not a valid " + k.Want
	case *kind.Const:
		return fmt.Sprintf("it must be %v", k.Want)
	case *kind.Enum:
		wants := make([]string, len(k.Want))
		for i, w := range k.Want {
			wants[i] = fmt.Sprint(w)
		}
		return "it must be one of " + cappedList(wants, shownCapabilities)
	case *kind.Minimum, *kind.Maximum, *kind.ExclusiveMinimum, *kind.ExclusiveMaximum, *kind.MultipleOf,
		*kind.MinItems, *kind.MaxItems, *kind.MinProperties, *kind.MaxProperties:
		if !secret {
			return k.LocalizedString(message.NewPrinter(language.English))
		}
	case *kind.MinLength:
		return fmt.Sprintf("it is shorter than %d characters", k.Want)
	case *kind.MaxLength:
		return fmt.Sprintf("it is longer than %d characters", k.Want)
	}
	return "it does not fit the plugin's schema (" + strings.Join(k.KeywordPath(), ".") + ")"
}

func plural(noun string, names []string) string {
	if len(names) > 1 {
		noun += "s"
	}
	return noun + " " + quotedList(names, ", ")
}

// fieldOf writes a place in a document as people do: servers[1].port.
func fieldOf(location []string) string {
	var b strings.Builder
	for _, step := range location {
		if _, err := strconv.Atoi(step); err == nil && b.Len() > 0 {
			b.WriteString("[" + step + "]")
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(step)
	}
	return b.String()
}

// mapSecrets applies f to every string that the schema calls writeOnly, and returns
// the document with the results.
func (s configSchema) mapSecrets(v any, f func(field, value string) string) any {
	return mapSecrets([]*jsonschema.Schema{s.root}, v, nil, f)
}

func mapSecrets(schemas []*jsonschema.Schema, v any, at []string, f func(field, value string) string) any {
	schemas = allOf(schemas)
	switch v := v.(type) {
	case string:
		if slices.ContainsFunc(schemas, func(s *jsonschema.Schema) bool { return s.WriteOnly }) {
			return f(fieldOf(at), v)
		}
	case map[string]any:
		for _, name := range sortedKeys(v) {
			v[name] = mapSecrets(ofProperty(schemas, name), v[name], append(at, name), f)
		}
	case []any:
		for i := range v {
			v[i] = mapSecrets(ofItem(schemas, i), v[i], append(at, strconv.Itoa(i)), f)
		}
	}
	return v
}

// allOf adds to schemas those that apply to the same value.
func allOf(schemas []*jsonschema.Schema) []*jsonschema.Schema {
	var all []*jsonschema.Schema
	var add func(...*jsonschema.Schema)
	add = func(more ...*jsonschema.Schema) {
		for _, s := range more {
			if s == nil || slices.Contains(all, s) {
				continue
			}
			all = append(all, s)
			add(s.Ref, s.Then, s.Else)
			add(s.AllOf...)
			add(s.AnyOf...)
			add(s.OneOf...)
			if s.DynamicRef != nil {
				add(s.DynamicRef.Ref)
			}
		}
	}
	add(schemas...)
	return all
}

func ofProperty(schemas []*jsonschema.Schema, name string) []*jsonschema.Schema {
	var list []*jsonschema.Schema
	for _, s := range schemas {
		list = append(list, s.Properties[name])
		for pattern, of := range s.PatternProperties {
			if pattern.MatchString(name) {
				list = append(list, of)
			}
		}
		if of, ok := s.AdditionalProperties.(*jsonschema.Schema); ok && s.Properties[name] == nil {
			list = append(list, of)
		}
		list = append(list, s.UnevaluatedProperties)
	}
	return list
}

func ofItem(schemas []*jsonschema.Schema, i int) []*jsonschema.Schema {
	var list []*jsonschema.Schema
	for _, s := range schemas {
		if i < len(s.PrefixItems) {
			list = append(list, s.PrefixItems[i])
		} else {
			list = append(list, s.Items2020)
		}
		switch items := s.Items.(type) {
		case *jsonschema.Schema:
			list = append(list, items)
		case []*jsonschema.Schema:
			if i < len(items) {
				list = append(list, items[i])
			}
		}
		if of, ok := s.AdditionalItems.(*jsonschema.Schema); ok {
			list = append(list, of)
		}
	}
	return list
}
