package factory

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// A kind is how a Go type appears in a config.
type kind int

const (
	boolean kind = iota + 1
	integer
	unsigned
	float
	text
	secret
	duration
	binary
	worded   // encoding.TextUnmarshaler
	encoded  // json.Unmarshaler
	anything // an empty interface
	list
	dict
	object
	optional // a pointer
)

// A shape is what a decoder knows of a Go type.
type shape struct {
	kind   kind
	goType reflect.Type
	elem   *shape  // of a list, a dict, or an optional
	fields []field // of an object
	checks bool    // has a Validate method
}

// A field is one of an object's.
type field struct {
	name     string
	index    []int // for reflect.Value.FieldByIndex
	shape    *shape
	doc      string
	required bool
	part     string // of a URL, or ""
}

// Validator is what a config type, or a part of it, implements to check itself
// after it was decoded without a fault. The parts of a config are validated before
// the whole. The error becomes the fault of its path.
type Validator interface{ Validate() error }

var (
	secretType        = reflect.TypeFor[Secret]()
	durationType      = reflect.TypeFor[time.Duration]()
	bytesType         = reflect.TypeFor[[]byte]()
	textUnmarshalType = reflect.TypeFor[encoding.TextUnmarshaler]()
	jsonUnmarshalType = reflect.TypeFor[json.Unmarshaler]()
	validatorType     = reflect.TypeFor[Validator]()
)

// urlParts are what the tag `url` can name.
var urlParts = []string{"host", "port", "address", "user", "password", "path", "tail", "fragment"}

// A study finds the shape of a config type. Its error is the path of what does not
// fit, and why.
type study struct{ within []reflect.Type }

func (s *study) shapeOf(t reflect.Type, path string) (*shape, error) {
	sh := &shape{goType: t, checks: t.Implements(validatorType) || reflect.PointerTo(t).Implements(validatorType)}
	if t.Kind() == reflect.Pointer {
		sh.kind, sh.checks = optional, false
		return sh, s.into(sh, t.Elem(), path)
	}
	switch pointer := reflect.PointerTo(t); {
	case t == secretType:
		sh.kind = secret
		return sh, nil
	case t == durationType:
		sh.kind = duration
		return sh, nil
	case pointer.Implements(textUnmarshalType):
		sh.kind = worded
		return sh, nil
	case pointer.Implements(jsonUnmarshalType):
		sh.kind = encoded
		return sh, nil
	case t == bytesType:
		sh.kind = binary
		return sh, nil
	}
	switch t.Kind() {
	case reflect.Bool:
		sh.kind = boolean
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		sh.kind = integer
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		sh.kind = unsigned
	case reflect.Float32, reflect.Float64:
		sh.kind = float
	case reflect.String:
		sh.kind = text
	case reflect.Slice, reflect.Array:
		sh.kind = list
		return sh, s.into(sh, t.Elem(), path+"[]")
	case reflect.Map:
		if t.Key().Kind() != reflect.String || reflect.PointerTo(t.Key()).Implements(textUnmarshalType) {
			return nil, fmt.Errorf("%s is a map whose keys are not plain strings", at(path))
		}
		sh.kind = dict
		return sh, s.into(sh, t.Elem(), path+".*")
	case reflect.Struct:
		sh.kind = object
		return sh, s.fieldsOf(sh, t, path)
	case reflect.Interface:
		if t.NumMethod() > 0 {
			return nil, fmt.Errorf("%s is of the interface type %s, which no config can fill", at(path), t)
		}
		sh.kind = anything
	default:
		return nil, fmt.Errorf("%s is of the type %s, which no config can fill; leave it out with the tag json:\"-\"", at(path), t)
	}
	return sh, nil
}

// into finds the shape of the elements of sh.
func (s *study) into(sh *shape, t reflect.Type, path string) (err error) {
	sh.elem, err = s.shapeOf(t, path)
	return err
}

func at(path string) string {
	if path == "" {
		return "the config"
	}
	return "the field " + strings.TrimPrefix(path, ".")
}

func (s *study) fieldsOf(sh *shape, t reflect.Type, path string) error {
	if slices.Contains(s.within, t) {
		return fmt.Errorf("%s is a %s within a %s, which has no end", at(path), t, t)
	}
	s.within = append(s.within, t)
	defer func() { s.within = s.within[:len(s.within)-1] }()
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-":
			continue
		case f.Anonymous && name == "":
			if err := s.embed(sh, f, path); err != nil {
				return err
			}
			continue
		case !f.IsExported():
			continue
		case name == "":
			name = f.Name
		}
		made, err := s.field(f, name, path+"."+name)
		if err != nil {
			return err
		}
		sh.fields = append(sh.fields, made)
	}
	return unique(sh.fields, path)
}

func (s *study) field(f reflect.StructField, name, path string) (made field, err error) {
	made = field{name: name, index: f.Index, doc: f.Tag.Get("doc"), part: f.Tag.Get("url")}
	switch tag := f.Tag.Get("config"); tag {
	case "":
	case "required":
		made.required = true
	default:
		return made, fmt.Errorf("%s has the tag config:%q; it can be \"required\"", at(path), tag)
	}
	if strings.ContainsAny(name, ".[]") {
		return made, fmt.Errorf("%s has a dot or a bracket in its name, as paths have", at(path))
	}
	made.shape, err = s.shapeOf(f.Type, path)
	if err == nil && made.part != "" {
		err = made.partFault(path)
	}
	return made, err
}

func (f field) partFault(path string) error {
	switch {
	case !slices.Contains(urlParts, f.part):
		return fmt.Errorf("%s has the tag url:%q; it can be one of %s", at(path), f.part, strings.Join(urlParts, ", "))
	case strings.Count(path, ".") > 1:
		return fmt.Errorf("%s has the tag url:%q, and only fields of the config itself can be a part of a URL", at(path), f.part)
	}
	return nil
}

// embed takes over the fields of an embedded struct.
func (s *study) embed(sh *shape, f reflect.StructField, path string) error {
	if f.Type.Kind() != reflect.Struct {
		return fmt.Errorf("%s embeds %s; only structs can be embedded, not pointers to them", at(path), f.Type)
	}
	inner, err := s.shapeOf(f.Type, path)
	if err != nil {
		return err
	}
	if inner.kind != object {
		return fmt.Errorf("%s embeds %s, which reads itself as a whole; give it a name", at(path), f.Type)
	}
	for _, g := range inner.fields {
		g.index = append(slices.Clone(f.Index), g.index...)
		sh.fields = append(sh.fields, g)
	}
	return nil
}

func unique(fields []field, path string) error {
	for i, f := range fields {
		for _, g := range fields[:i] {
			if f.name == g.name {
				return fmt.Errorf("%s has two fields called %q", at(path), f.name)
			}
			if f.part != "" && f.part == g.part {
				return fmt.Errorf("the fields %s and %s both have the tag url:%q", g.name, f.name, f.part)
			}
		}
	}
	return nil
}

func (s *shape) field(name string) (field, bool) {
	i := slices.IndexFunc(s.fields, func(f field) bool { return f.name == name })
	if i < 0 {
		return field{}, false
	}
	return s.fields[i], true
}

func (s *shape) names() []string {
	names := make([]string, len(s.fields))
	for i, f := range s.fields {
		names[i] = f.name
	}
	slices.Sort(names)
	return names
}

// words tells a person what is wanted.
func (s *shape) words() string {
	switch s.kind {
	case boolean:
		return "true or false"
	case integer:
		least, most := intRange(s.goType)
		return fmt.Sprintf("an integer from %d to %d", least, most)
	case unsigned:
		return fmt.Sprintf("an integer from 0 to %d", uintMax(s.goType))
	case float:
		return fmt.Sprintf("a number of %d bits", s.goType.Bits())
	case text, secret:
		return "a text"
	case duration:
		return `a duration such as "1m30s"`
	case binary:
		return "a text in base64"
	case worded:
		return fmt.Sprintf("a text for a %s", s.goType)
	case encoded:
		return fmt.Sprintf("JSON for a %s", s.goType)
	case anything:
		return "anything"
	case list:
		if s.goType.Kind() == reflect.Array {
			return fmt.Sprintf("a list of %d, each %s", s.goType.Len(), s.elem.words())
		}
		return "a list, each " + s.elem.words()
	case dict:
		return "an object with any keys, each " + s.elem.words()
	case object:
		return "an object"
	case optional:
		return s.elem.words() + ", or null"
	}
	return "nothing"
}

func intRange(t reflect.Type) (least, most int64) {
	most = 1<<(t.Bits()-1) - 1
	return -most - 1, most
}

func uintMax(t reflect.Type) uint64 { return 1<<t.Bits() - 1 }
