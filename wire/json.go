package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// Limits of what is decoded.
const (
	// MaxSize is the size limit of an encoded value, and of a whole [Slice] or [Map],
	// in bytes.
	MaxSize = 16 << 20
	// MaxDepth is how deeply objects and arrays may be nested, all boxes together.
	MaxDepth = 100
)

// An Envelope is how the name of a type and its value lie in JSON.
type Envelope struct{ name, value string }

// Inline puts the name into a field of the value's own object, as in
// {"type":"circle","radius":1}. Types that are encoded as anything else than an
// object do not fit in.
func Inline(nameField string) Envelope { return Envelope{name: nameField} }

// Wrapped puts the name and the value into an object around it, as in
// {"type":"circle","value":{"radius":1}}. Every type fits in.
func Wrapped(nameField, valueField string) Envelope { return Envelope{nameField, valueField} }

// clash is the field of t that has the place of the name, or "".
func (e Envelope) clash(t reflect.Type) string {
	if e.value != "" {
		return ""
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return ""
	}
	for f := range jsonFields(t) {
		if strings.EqualFold(f.name, e.name) {
			return f.Name
		}
	}
	return ""
}

// A DataError reports data that cannot be decoded.
type DataError struct {
	Registry string
	Type     string // wire name, if it is known
	Offset   int    // in bytes, of what is wrong in the envelope
	Err      error
}

func (e *DataError) Error() string {
	if e.Type != "" {
		return fmt.Sprintf("roster: %s: cannot decode a %q: %v", e.Registry, e.Type, e.Err)
	}
	return fmt.Sprintf("roster: %s: offset %d: %v", e.Registry, e.Offset, e.Err)
}

func (e *DataError) Unwrap() error { return e.Err }

// Marshal encodes v as JSON with the name of its type. A nil v is null. The error
// is an [*EncodeError] if its type is not registered, or if what it is encoded as
// does not fit into the envelope.
func (r *Registry[I]) Marshal(v I) ([]byte, error) { return r.appendJSON(nil, v) }

func (r *Registry[I]) appendJSON(data []byte, v I) ([]byte, error) {
	if any(v) == nil {
		return append(data, "null"...), nil
	}
	t, err := r.typeOf(v)
	if err != nil {
		return nil, err
	}
	value, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("roster: %s: cannot encode a %q: %w", r.types.Name(), t.Name, err)
	}
	if fault := r.envelope.misfit(t, value); fault != "" {
		return nil, &EncodeError{Registry: r.types.Name(), Type: t.Go, Fault: fault}
	}
	return r.envelope.seal(data, t, value), nil
}

func (r *Registry[I]) typeOf(v I) (*Type, error) {
	if t := (*r.byType.Load())[reflect.TypeOf(v)]; t != nil {
		if err := r.types.Suspended(t.Name); err != nil {
			return nil, err
		}
		return t, nil
	}
	return nil, &EncodeError{
		Registry: r.types.Name(), Type: fmt.Sprintf("%T", v),
		Fault: "it has no name; give it one with wire.Register when the program starts",
	}
}

// An EncodeError reports a value that cannot be encoded.
type EncodeError struct {
	Registry string
	Type     string // in Go
	Fault    string
}

func (e *EncodeError) Error() string {
	return fmt.Sprintf("roster: %s: cannot encode a %s: %s", e.Registry, e.Type, e.Fault)
}

// misfit says why an encoded value of t does not fit into the envelope, or "". What
// a plain struct is encoded as is known since it was registered, but for a nil
// pointer to it.
func (e Envelope) misfit(t *Type, value []byte) string {
	const cure = "; use the envelope Wrapped"
	switch {
	case e.value != "":
		return ""
	case value[0] != '{':
		return "it is not a JSON object, so that its name cannot be a field of it" + cure
	case t.plain:
		return ""
	}
	if _, _, fault := open(value, e); fault != missing(e.name) {
		return fmt.Sprintf("it has a field %q of its own, or is nested more than %d deep", e.name, MaxDepth) + cure
	}
	return ""
}

// opening is the envelope of t up to its value.
func (e Envelope) opening(t *Type) (string, error) {
	parts := make([]string, 0, 3)
	for _, text := range []string{e.name, t.tag(), e.value} {
		quoted, err := json.Marshal(text)
		if err != nil {
			return "", fmt.Errorf("roster: name %q: %w", text, err)
		}
		parts = append(parts, string(quoted))
	}
	if e.value == "" {
		return "{" + parts[0] + ":" + parts[1], nil
	}
	return "{" + parts[0] + ":" + parts[1] + "," + parts[2] + ":", nil
}

// seal appends the envelope with a value, which fits in, to data.
func (e Envelope) seal(data []byte, t *Type, value []byte) []byte {
	data = append(data, t.opening...)
	switch {
	case e.value != "":
		return append(append(data, value...), '}')
	case len(value) > len("{}"):
		data = append(data, ',')
	}
	return append(data, value[1:]...)
}

// Unmarshal decodes JSON that [Registry.Marshal] made. null is nil. The error is a
// [*roster.UnknownError] for a name that is not registered, and otherwise a
// [*DataError].
func (r *Registry[I]) Unmarshal(data []byte) (v I, err error) {
	if len(data) > MaxSize {
		return v, r.tooLarge(data)
	}
	if bytes.Equal(bytes.TrimSpace(data), []byte("null")) {
		return v, nil
	}
	found, at, fault := open(data, r.envelope)
	if fault != "" {
		return v, r.faulty(at, "%s", fault)
	}
	return r.decodeTagged(found.tag, at, func(pointer any) error { return json.Unmarshal(found.value, pointer) })
}

// decodeTagged makes a value of the type that tag names. Decoding reads into what a
// pointer refers to.
func (r *Registry[I]) decodeTagged(tag string, at int, decoding func(pointer any) error) (v I, err error) {
	name, version, ok := splitTag(tag)
	if !ok {
		return v, r.faulty(at, "%.300q is no name with a version, such as circle@2", tag)
	}
	t, err := r.types.Lookup(name)
	if err != nil {
		return v, err
	}
	if version > t.Version {
		return v, &DataError{Registry: r.types.Name(), Type: name, Err: fmt.Errorf(
			"%w: it is of version %d, and this program knows versions up to %d; update the program", ErrNewer, version, t.Version)}
	}
	decoded, err := t.decode(version, decoding)
	if err != nil {
		return v, &DataError{Registry: r.types.Name(), Type: name, Err: err}
	}
	v, ok = decoded.(I)
	if !ok { // a pointer type of which null was read
		return v, &DataError{Registry: r.types.Name(), Type: name, Err: fmt.Errorf("a %T is no value", decoded)}
	}
	return v, nil
}

func (r *Registry[I]) tooLarge(data []byte) error {
	return r.faulty(0, "it has %d bytes; the limit is %d", len(data), MaxSize)
}

func (r *Registry[I]) faulty(at int, format string, args ...any) error {
	return &DataError{Registry: r.types.Name(), Offset: at, Err: fmt.Errorf(format, args...)} //nolint:err113 // told, not tested for
}
