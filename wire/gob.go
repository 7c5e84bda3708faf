package wire

import (
	"bytes"
	"encoding/binary"
	"encoding/gob"
	"errors"
	"fmt"
	"reflect"
	"runtime"
)

// Limits of what is decoded from gob. They are lower than those of JSON, since
// encoding/gob copies what it reads at every level and bounds its own recursion by
// nothing but the size of its input.
const (
	// MaxGobSize is the size limit of an encoded value, and of a whole [Slice] or
	// [Map], in bytes.
	MaxGobSize = 1 << 20
	// MaxGobDepth is how deeply boxes may be nested.
	MaxGobDepth = 32
)

// UseForGob allows values of r to be encoded with encoding/gob, too, under the same
// names. From then on the manifest tells the fields as gob names them, which is by
// their names in Go, whatever their tags say. Call it when r is created. It returns
// r.
func (r *Registry[I]) UseForGob() *Registry[I] {
	r.inGob.Store(true)
	return r
}

// MarshalGob encodes v as the name of its type and a gob of its value. A nil v is
// no bytes at all. What the gob consists of may differ between two runs of a
// program; it decodes to the same value. The error is an [*EncodeError] if the type
// is not registered or gob cannot encode it, as one without exported fields.
func (r *Registry[I]) MarshalGob(v I) ([]byte, error) {
	if any(v) == nil {
		return nil, r.gobAllowed()
	}
	t, err := r.typeOf(v)
	if err == nil {
		err = r.gobAllowed()
	}
	if err != nil {
		return nil, err
	}
	tag := t.tag()
	var b bytes.Buffer
	b.Write(binary.AppendUvarint(nil, uint64(len(tag))))
	b.WriteString(tag)
	if err := gob.NewEncoder(&b).Encode(v); err != nil {
		return nil, fmt.Errorf("roster: %s: cannot encode a %q: %w", r.types.Name(), t.Name, err)
	}
	if b.Len() > MaxGobSize {
		return nil, &EncodeError{
			Registry: r.types.Name(), Type: t.Go,
			Fault: fmt.Sprintf("it has %d bytes in gob; the limit is %d", b.Len(), MaxGobSize),
		}
	}
	return b.Bytes(), nil
}

// UnmarshalGob decodes what [Registry.MarshalGob] made, possibly years ago by a
// program in which the types had other names and places. The errors are those of
// [Registry.Unmarshal].
func (r *Registry[I]) UnmarshalGob(data []byte) (v I, err error) {
	if err := r.gobAllowed(); err != nil {
		return v, err
	}
	if len(data) == 0 {
		return v, nil
	}
	if len(data) > MaxGobSize {
		return v, r.faulty(0, "it has %d bytes; the limit is %d", len(data), MaxGobSize)
	}
	size, n := binary.Uvarint(data)
	if n <= 0 || size > uint64(len(data)-n) {
		return v, r.faulty(0, "it does not begin with the name of a type")
	}
	tag, value := string(data[n:n+int(size)]), data[n+int(size):]
	return r.decodeTagged(tag, 0, func(pointer any) error { return decodeGob(value, pointer) })
}

var errGobNotAllowed = errors.New("call UseForGob on it to use it with encoding/gob")

func (r *Registry[I]) gobAllowed() error {
	if !r.inGob.Load() {
		return fmt.Errorf("roster: %s: %w", r.types.Name(), errGobNotAllowed)
	}
	return nil
}

var (
	errTooDeep  = fmt.Errorf("boxes are nested more than %d deep", MaxGobDepth)
	errLeftOver = errors.New("something comes after the value")
)

// decodeGob reads one gob. gob hands nothing to the methods that it calls for boxes,
// so they cannot be given a depth: it is counted on the stack, which is cheap beside
// the decoder that each of them needs.
//
//go:noinline
func decodeGob(data []byte, pointer any) (err error) {
	if depth() > MaxGobDepth {
		return errTooDeep
	}
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("gob: %v", v) //nolint:err113 // told, not tested for
		}
	}()
	from := bytes.NewReader(data)
	if err := gob.NewDecoder(from).Decode(pointer); err != nil {
		return err //nolint:wrapcheck // It says what it is.
	}
	if from.Len() > 0 {
		return errLeftOver
	}
	return nil
}

// depth is how often decodeGob is on the stack. It stops counting behind the limit.
func depth() int {
	entry := reflect.ValueOf(decodeGob).Pointer()
	var frames [64]uintptr
	found := 0
	for skip := 2; ; skip += len(frames) {
		n := runtime.Callers(skip, frames[:])
		for _, pc := range frames[:n] {
			if f := runtime.FuncForPC(pc - 1); f != nil && f.Entry() == entry {
				found++
			}
		}
		if n < len(frames) || found > MaxGobDepth {
			return found
		}
	}
}

var (
	_ gob.GobEncoder = Box[any]{}
	_ gob.GobDecoder = (*Box[any])(nil)
	_ gob.GobEncoder = Slice[any]{}
	_ gob.GobDecoder = (*Slice[any])(nil)
	_ gob.GobEncoder = Map[any]{}
	_ gob.GobDecoder = (*Map[any])(nil)
)

// GobEncode is [Registry.MarshalGob] of the value.
func (b Box[I]) GobEncode() ([]byte, error) {
	r, err := boxes[I]()
	if err != nil {
		return nil, err
	}
	return r.MarshalGob(b.Value)
}

// GobDecode is [Registry.UnmarshalGob] into the value.
func (b *Box[I]) GobDecode(data []byte) error {
	r, err := boxes[I]()
	if err != nil {
		return err
	}
	b.Value, err = r.UnmarshalGob(data)
	return err
}

// GobEncode encodes each value like a [Box].
func (s Slice[I]) GobEncode() ([]byte, error) {
	r, err := boxes[I]()
	if err != nil {
		return nil, err
	}
	encoded := make([][]byte, len(s))
	for i, v := range s {
		if encoded[i], err = r.MarshalGob(v); err != nil {
			return nil, err
		}
	}
	return encodeParts(encoded)
}

// GobDecode decodes each value like a [Box]. Gob does not tell an empty slice from
// nil, so it is nil.
func (s *Slice[I]) GobDecode(data []byte) error {
	encoded, r, err := decodeParts[[][]byte, I](data)
	if err != nil {
		return err
	}
	*s = nil
	if len(encoded) > 0 {
		*s = make([]I, len(encoded))
	}
	for i, part := range encoded {
		if (*s)[i], err = r.UnmarshalGob(part); err != nil {
			return err
		}
	}
	return nil
}

// GobEncode encodes each value like a [Box].
func (m Map[I]) GobEncode() ([]byte, error) {
	r, err := boxes[I]()
	if err != nil {
		return nil, err
	}
	encoded := make(map[string][]byte, len(m))
	for key, v := range m {
		if encoded[key], err = r.MarshalGob(v); err != nil {
			return nil, err
		}
	}
	return encodeParts(encoded)
}

// GobDecode decodes each value like a [Box]. An empty map is nil.
func (m *Map[I]) GobDecode(data []byte) error {
	encoded, r, err := decodeParts[map[string][]byte, I](data)
	if err != nil {
		return err
	}
	*m = nil
	if len(encoded) > 0 {
		*m = make(Map[I], len(encoded))
	}
	for key, part := range encoded {
		if (*m)[key], err = r.UnmarshalGob(part); err != nil {
			return err
		}
	}
	return nil
}

func encodeParts[P any](parts P) ([]byte, error) {
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(parts); err != nil {
		return nil, fmt.Errorf("roster: gob: %w", err)
	}
	return b.Bytes(), nil
}

func decodeParts[P, I any](data []byte) (parts P, r *Registry[I], err error) {
	if r, err = boxes[I](); err != nil {
		return parts, nil, err
	}
	if len(data) > MaxGobSize {
		return parts, nil, r.faulty(0, "it has %d bytes; the limit is %d", len(data), MaxGobSize)
	}
	if err := decodeGob(data, &parts); err != nil {
		return parts, nil, r.faulty(0, "%w", err)
	}
	return parts, r, nil
}
