package wire

import (
	"encoding/json"
	"fmt"
	"reflect"
	"sync"

	"github.com/roster-go/roster"
)

// defaults holds, by interface type, the registry that boxes use.
var defaults sync.Map //nolint:gochecknoglobals // a box has nothing but its type to find its registry by

type declared struct {
	registry any
	site     roster.Site
}

// UseForBoxes makes r the registry of [Box], [Slice] and [Map] of I in the whole
// program. Decoding hands a box nothing but data, so there can be one registry for
// each interface type; a second one makes it panic and name both places.
func (r *Registry[I]) UseForBoxes() *Registry[I] {
	d := declared{r, roster.CallerSite(0)}
	if first, taken := defaults.LoadOrStore(reflect.TypeFor[I](), d); taken {
		panic(fmt.Sprintf("roster: boxes of %s have a registry already, set at %s; there can be one (at %s)",
			reflect.TypeFor[I](), first.(declared).site, d.site)) //nolint:forcetypeassert,errcheck // nothing else is stored
	}
	return r
}

func boxes[I any]() (*Registry[I], error) {
	d, ok := defaults.Load(reflect.TypeFor[I]())
	if !ok {
		return nil, fmt.Errorf("roster: boxes of %s have no registry: call UseForBoxes of one when the program starts", //nolint:err113 // a mistake in the program
			reflect.TypeFor[I]())
	}
	return d.(declared).registry.(*Registry[I]), nil //nolint:forcetypeassert,errcheck // stored under its own type
}

// checkSize refuses several values that are together larger than one may be.
func checkSize[I any](data []byte) error {
	r, err := boxes[I]()
	if err == nil && len(data) > MaxSize {
		err = r.tooLarge(data)
	}
	return err
}

// A Box is a value of the interface type I as a field that encoding/json can encode
// and decode. The zero Box is null, and is left out with the tag omitzero.
type Box[I any] struct{ Value I }

// In puts a value into a box.
func In[I any](v I) Box[I] { return Box[I]{v} }

// IsZero reports whether the box is empty.
func (b Box[I]) IsZero() bool { return any(b.Value) == nil }

var (
	_ json.Marshaler   = Box[any]{}
	_ json.Unmarshaler = (*Box[any])(nil)
)

// MarshalJSON is [Registry.Marshal] of the value.
func (b Box[I]) MarshalJSON() ([]byte, error) {
	r, err := boxes[I]()
	if err != nil {
		return nil, err
	}
	return r.Marshal(b.Value)
}

// UnmarshalJSON is [Registry.Unmarshal] into the value.
func (b *Box[I]) UnmarshalJSON(data []byte) error {
	r, err := boxes[I]()
	if err != nil {
		return err
	}
	b.Value, err = r.Unmarshal(data)
	return err
}

// A Slice is a slice of values of the interface type I that encoding/json can
// encode and decode.
type Slice[I any] []I

// MarshalJSON encodes each value like a [Box]. A nil slice is null.
func (s Slice[I]) MarshalJSON() ([]byte, error) {
	if s == nil {
		return []byte("null"), nil
	}
	r, err := boxes[I]()
	if err != nil {
		return nil, err
	}
	data := []byte{'['}
	for i, v := range s {
		if i > 0 {
			data = append(data, ',')
		}
		if data, err = r.appendJSON(data, v); err != nil {
			return nil, err
		}
	}
	return append(data, ']'), nil
}

// UnmarshalJSON decodes each value like a [Box].
func (s *Slice[I]) UnmarshalJSON(data []byte) error {
	if err := checkSize[I](data); err != nil {
		return err
	}
	var boxed []Box[I]
	if err := json.Unmarshal(data, &boxed); err != nil {
		return err //nolint:wrapcheck // the error is one of a box
	}
	*s = nil
	if boxed != nil {
		*s = make([]I, len(boxed))
	}
	for i, b := range boxed {
		(*s)[i] = b.Value
	}
	return nil
}

// A Map is a map of values of the interface type I that encoding/json can encode
// and decode.
type Map[I any] map[string]I

// MarshalJSON encodes each value like a [Box]. A nil map is null.
func (m Map[I]) MarshalJSON() ([]byte, error) {
	if m == nil {
		return []byte("null"), nil
	}
	boxed := make(map[string]Box[I], len(m))
	for key, v := range m {
		boxed[key] = Box[I]{v}
	}
	return json.Marshal(boxed) //nolint:wrapcheck // the error is one of a box
}

// UnmarshalJSON decodes each value like a [Box].
func (m *Map[I]) UnmarshalJSON(data []byte) error {
	if err := checkSize[I](data); err != nil {
		return err
	}
	var boxed map[string]Box[I]
	if err := json.Unmarshal(data, &boxed); err != nil {
		return err //nolint:wrapcheck // the error is one of a box
	}
	*m = nil
	if boxed != nil {
		*m = make(Map[I], len(boxed))
	}
	for key, b := range boxed {
		(*m)[key] = b.Value
	}
	return nil
}
