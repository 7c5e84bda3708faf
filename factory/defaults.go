package factory

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// clone copies a default, so that no config shares memory with another. What
// types of their own decoding hold is copied as an assignment does.
func clone(s *shape, x reflect.Value) reflect.Value {
	made := reflect.New(x.Type()).Elem()
	made.Set(x)
	switch s.kind { //nolint:exhaustive // The others share nothing.
	case binary:
		made.SetBytes(slices.Clone(x.Bytes()))
	case optional:
		if !x.IsNil() {
			made.Set(reflect.New(s.elem.goType))
			made.Elem().Set(clone(s.elem, x.Elem()))
		}
	case list:
		if x.Kind() == reflect.Slice && !x.IsNil() {
			made.Set(reflect.MakeSlice(x.Type(), x.Len(), x.Len()))
		}
		for i := range x.Len() {
			made.Index(i).Set(clone(s.elem, x.Index(i)))
		}
	case dict:
		if !x.IsNil() {
			made.Set(reflect.MakeMapWithSize(x.Type(), x.Len()))
		}
		for _, key := range sortedKeys(x) {
			made.SetMapIndex(key, clone(s.elem, x.MapIndex(key)))
		}
	case object:
		for _, f := range s.fields {
			made.FieldByIndex(f.index).Set(clone(f.shape, x.FieldByIndex(f.index)))
		}
	}
	return made
}

func sortedKeys(x reflect.Value) []reflect.Value {
	keys := x.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	return keys
}

// defaultFault says which required field has a default.
func defaultFault(s *shape, x reflect.Value, p *path) error {
	if s.kind == optional && !x.IsNil() {
		return defaultFault(s.elem, x.Elem(), p)
	}
	if s.kind != object {
		return nil
	}
	for _, f := range s.fields {
		of := &path{parent: p, name: f.name}
		value := x.FieldByIndex(f.index)
		if f.required && !value.IsZero() {
			return fmt.Errorf("the field %s is required, and has a default", of)
		}
		if err := defaultFault(f.shape, value, of); err != nil {
			return err
		}
	}
	return nil
}
