// Package codecs is a registry as people write it.
package codecs

import (
	"errors"
	"reflect"
)

// A Codec encodes.
type Codec interface{ Encode(v any) []byte }

var (
	codecs  = map[string]Codec{}
	byTypes = map[reflect.Type]Codec{}
)

// Register makes a codec known.
func Register(name string, c Codec) { codecs[name] = c }

// RegisterFor makes a codec known for a type.
func RegisterFor(v any, c Codec) { byTypes[reflect.TypeOf(v)] = c }

// Get finds a codec.
func Get(name string) (Codec, error) {
	if c, ok := codecs[name]; ok {
		return c, nil
	}
	return nil, errors.New("unknown codec " + name)
}
