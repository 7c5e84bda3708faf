package roster

import "reflect"

// nilness says in which way v is nil, or "" if it is a value. An interface
// that holds a nil pointer passes v == nil and fails at its first method
// call, so it is looked into as well. A zero that works, such as 0, struct{}{}
// or a nil slice, is a value.
func nilness[T any](v T) string {
	t := reflect.TypeFor[T]()
	if t.Kind() != reflect.Interface && !nilable(t.Kind()) {
		return "" // without making an interface of it, which would allocate
	}
	boxed := any(v)
	if boxed == nil {
		return "a nil " + t.String()
	}
	rv := reflect.ValueOf(boxed)
	switch {
	case !nilable(rv.Kind()) || !rv.IsNil():
		return ""
	case t.Kind() == reflect.Interface:
		return "a nil " + rv.Type().String() + " inside the interface " + t.String()
	default:
		return "a nil " + rv.Type().String()
	}
}

func nilable(k reflect.Kind) bool {
	switch k {
	case reflect.Pointer, reflect.Func, reflect.Map, reflect.Chan, reflect.UnsafePointer:
		return true
	default:
		return false
	}
}

// dynamicType is the type of the value a caller gets, which for an interface
// is what is inside it.
func dynamicType[T any](v T) string {
	if boxed := any(v); boxed != nil {
		return reflect.TypeOf(boxed).String()
	}
	return reflect.TypeFor[T]().String()
}

// same reports whether two values are the same for whoever uses them: equal, if
// they can be compared at all. Two functions, maps or slices never are.
func same[T any](a, b T) bool {
	x, y := any(a), any(b)
	t := reflect.TypeOf(x)
	if t == nil || t != reflect.TypeOf(y) {
		return false
	}
	switch t.Kind() {
	case reflect.Func, reflect.Map, reflect.Slice:
		return false
	case reflect.Struct, reflect.Array: // may hold something that cannot be compared
		if !reflect.ValueOf(x).Comparable() || !reflect.ValueOf(y).Comparable() {
			return false
		}
	default:
	}
	return x == y
}
