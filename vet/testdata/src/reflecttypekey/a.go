package reflecttypekey

import (
	"reflect"
	"sync"
)

type Handler func(any)

var (
	handlers = map[reflect.Type]Handler{}
	shared   sync.Map
	sizes    = map[reflect.Type]int{}
	names    = map[string]reflect.Type{}
	byName   = map[string]Handler{}
	nameOf   = map[reflect.Type]string{}
)

func Register(event any, h Handler) {
	handlers[reflect.TypeOf(event)] = h // want `the registry handlers has reflect.Type for keys`
}

func RegisterShared(t reflect.Type, h Handler) {
	shared.Store(t, h) // want `the registry shared has reflect.Type for keys`
}

// A cache stays quiet, and so does a registry of types by name.

func size(t reflect.Type) int {
	if n, ok := sizes[t]; ok {
		return n
	}
	sizes[t] = int(t.Size())
	return sizes[t]
}

func RegisterType(name string, v any) { names[name] = reflect.TypeOf(v) }

func RegisterNamed(name string, event any, h Handler) {
	byName[name] = h
	nameOf[reflect.TypeOf(event)] = name // from types to names
}
