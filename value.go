package roster

import "reflect"

// nilness says in which way v is nil, or "" if it is a value. An interface
// that holds a nil pointer passes v == nil and fails at its first method
// call, so it is looked into as well. A zero that works, such as 0, struct{}{}
// or a nil slice, is a value.
func nilness[T any](v *T) string {
	rv := reflect.ValueOf(v).Elem()
	if rv.Kind() == reflect.Interface {
		if rv.IsNil() {
			return "a nil " + rv.Type().String()
		}
		rv = rv.Elem()
		if isNil(rv) {
			return "a nil " + rv.Type().String() + " inside the interface " + reflect.TypeFor[T]().String()
		}
		return ""
	}
	if isNil(rv) {
		return "a nil " + rv.Type().String()
	}
	return ""
}

func isNil(rv reflect.Value) bool {
	switch rv.Kind() {
	case reflect.Pointer, reflect.Func, reflect.Map, reflect.Chan, reflect.UnsafePointer:
		return rv.IsNil()
	default:
		return false
	}
}

// dynamicType is the type of the value a caller gets, which for an interface
// is what is inside it.
func dynamicType[T any](v *T) string {
	rv := reflect.ValueOf(v).Elem()
	if rv.Kind() == reflect.Interface && !rv.IsNil() {
		rv = rv.Elem()
	}
	return rv.Type().String()
}

// same reports whether two values are the same for whoever uses them: equal, if
// they can be compared at all. Two functions, maps or slices never are.
func same[T any](a, b T) bool {
	ra, rb := reflect.ValueOf(&a).Elem(), reflect.ValueOf(&b).Elem()
	return ra.Comparable() && rb.Comparable() && ra.Equal(rb)
}
