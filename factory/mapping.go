package factory

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// fromMap reads what another decoder has made, of YAML or TOML for example.
func fromMap(m map[string]any) (value, error) {
	r := new(mapReader)
	if m == nil {
		m = map[string]any{}
	}
	return r.value(reflect.ValueOf(m), nil, 0)
}

type mapReader struct{ count int }

func (r *mapReader) value(x reflect.Value, p *path, depth int) (value, error) {
	v := value{offset: -1}
	fault := func(format string, args ...any) (value, error) {
		return v, &FieldError{Path: p.String(), Problem: fmt.Sprintf(format, args...)}
	}
	if depth > MaxDepth {
		return fault("it is nested more than %d deep", MaxDepth)
	}
	r.count++
	if r.count > MaxValues {
		return fault("there are more than %d values", MaxValues)
	}
	hops := 0
	for x.IsValid() && (x.Kind() == reflect.Interface || x.Kind() == reflect.Pointer) && !x.IsNil() && !isText(x) {
		hops++
		if hops > 2*MaxDepth {
			return fault("it is a pointer to a pointer without end")
		}
		x = x.Elem()
	}
	if !x.IsValid() || (x.Kind() == reflect.Interface || x.Kind() == reflect.Pointer) && x.IsNil() {
		v.is = null
		return v, nil
	}
	if known, err := r.special(&v, x); known || err != nil {
		if err != nil {
			return fault("it cannot be read: %v", err)
		}
		return v, nil
	}
	switch x.Kind() {
	case reflect.Bool:
		v.is, v.truth = truth, x.Bool()
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.is, v.text = number, strconv.FormatInt(x.Int(), 10)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.is, v.text = number, strconv.FormatUint(x.Uint(), 10)
	case reflect.Float32, reflect.Float64:
		f := x.Float()
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return fault("a number is not a number or not finite")
		}
		v.is, v.text = number, strconv.FormatFloat(f, 'f', -1, x.Type().Bits())
	case reflect.String:
		v.is, v.text = str, x.String()
	case reflect.Slice, reflect.Array:
		v.is = array
		for i := range x.Len() {
			item, err := r.value(x.Index(i), &path{parent: p, index: i}, depth+1)
			if err != nil {
				return v, err
			}
			v.items = append(v.items, item)
		}
	case reflect.Map:
		v.is = record
		if err := r.record(&v, x, p, depth); err != nil {
			return v, err
		}
	default:
		return fault("a Go %s cannot be part of a config", x.Type())
	}
	return v, nil
}

// special reads the values that are not what their kind says.
func (r *mapReader) special(v *value, x reflect.Value) (known bool, err error) {
	switch held := x.Interface().(type) {
	case json.Number:
		if !json.Valid([]byte(held)) || strings.ContainsAny(string(held), `"{[tfn `) {
			return false, errors.New("a json.Number is not a number")
		}
		v.is, v.text = number, held.String()
	case time.Duration:
		v.is, v.text = str, held.String()
	case Secret:
		v.is, v.text = str, held.Reveal()
	case encoding.TextMarshaler:
		var words []byte
		if words, err = held.MarshalText(); err == nil {
			v.is, v.text = str, string(words)
		}
	default:
		return false, nil
	}
	return true, err //nolint:wrapcheck // The fault says where it comes from.
}

func isText(x reflect.Value) bool {
	_, ok := reflect.TypeAssert[encoding.TextMarshaler](x)
	return ok
}

func (r *mapReader) record(v *value, x reflect.Value, p *path, depth int) error {
	for _, k := range x.MapKeys() {
		key := k
		if key.Kind() == reflect.Interface {
			key = key.Elem() // as some YAML decoders have it
		}
		if key.Kind() != reflect.String {
			return &FieldError{Path: p.String(), Problem: fmt.Sprintf("a key is a Go %s, and keys are strings", key.Type())}
		}
		v.pairs = append(v.pairs, pair{key: key.String(), offset: -1})
		item, err := r.value(x.MapIndex(k), &path{parent: p, name: key.String()}, depth+1)
		if err != nil {
			return err
		}
		v.pairs[len(v.pairs)-1].value = item
	}
	slices.SortFunc(v.pairs, func(a, b pair) int { return strings.Compare(a.key, b.key) })
	for i := 1; i < len(v.pairs); i++ {
		if v.pairs[i].key == v.pairs[i-1].key {
			return &FieldError{Path: (&path{parent: p, name: v.pairs[i].key}).String(), Problem: "the field is there twice"}
		}
	}
	return nil
}
