package roster

import "reflect"

// nilness says in which way v is nil, or "" if it is a value. An interface
// that holds a nil pointer passes v == nil and fails at its first method
// call, so it is looked into as well. A zero that works, such as 0, struct{}{}
// or a nil slice, is a value.
func nilness[T any](v T) string {
	boxed := any(v)
	if boxed == nil {
		return "a nil " + reflect.TypeFor[T]().String()
	}
	rv := reflect.ValueOf(boxed)
	switch rv.Kind() {
	case reflect.Pointer, reflect.Func, reflect.Map, reflect.Chan, reflect.UnsafePointer:
		if !rv.IsNil() {
			return ""
		}
	default:
		return ""
	}
	if t := reflect.TypeFor[T](); t.Kind() == reflect.Interface {
		return "a nil " + rv.Type().String() + " inside the interface " + t.String()
	}
	return "a nil " + rv.Type().String()
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
