package wire

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// versionMark separates a name from a version above 1.
const versionMark = "@"

// An Option adjusts a type when it is registered.
type Option func(*Type)

// Alias makes further names lead to the type when it is decoded: names that it had
// before, so that old data stays readable. They are never written.
func Alias(names ...string) Option {
	return func(t *Type) { t.Aliases = append(t.Aliases, names...) }
}

// Version is the version of the type's shape that is written, at least 1, which it
// is without this option. Every earlier version needs an [Upgrade].
func Version(n int) Option {
	return func(t *Type) { t.Version = n }
}

// Upgrade makes a value of the next version from one of version from. New is the
// Old of the next upgrade, or the registered type itself.
func Upgrade[Old, New any](from int, f func(Old) (New, error)) Option {
	return func(t *Type) {
		if f == nil {
			return // as if there were none, which is refused
		}
		t.upgrades[from] = upgrade{
			old: reflect.TypeFor[Old](), next: reflect.TypeFor[New](),
			apply: func(old any) (any, error) { return f(old.(Old)) }, //nolint:forcetypeassert,errcheck // decoded as Old
		}
	}
}

type upgrade struct {
	old, next reflect.Type
	apply     func(old any) (any, error)
}

// upgradeFault says which upgrade is missing or does not fit, or "".
func (t *Type) upgradeFault() string {
	if t.Version < 1 {
		return fmt.Sprintf("its version is %d; versions begin with 1", t.Version)
	}
	for from := 1; from < t.Version; from++ {
		next := t.goType
		if from+1 < t.Version {
			next = t.upgrades[from+1].old
		}
		switch u, ok := t.upgrades[from]; {
		case !ok:
			return fmt.Sprintf("it is of version %d, and there is no Upgrade from version %d", t.Version, from)
		case u.next != next:
			return fmt.Sprintf("the upgrade from version %d makes %s, and version %d is %v", from, u.next, from+1, next)
		}
	}
	if len(t.upgrades) > t.Version-1 {
		return fmt.Sprintf("it has upgrades from other versions than those below %d", t.Version)
	}
	return ""
}

// decode makes a value of t from data of a version, which decoding reads into what a
// pointer refers to.
func (t *Type) decode(version int, decoding func(pointer any) error) (any, error) {
	goType := t.goType
	if version < t.Version {
		goType = t.upgrades[version].old
	}
	target := reflect.New(goType)
	if err := decoding(target.Interface()); err != nil {
		return nil, err
	}
	v := target.Elem().Interface()
	for ; version < t.Version; version++ {
		next, err := t.upgrades[version].apply(v)
		if err != nil {
			return nil, fmt.Errorf("upgrade from version %d: %w", version, err)
		}
		v = next
	}
	return v, nil
}

// splitTag takes a tag apart.
func splitTag(tag string) (name string, version int, ok bool) {
	name, digits, marked := strings.Cut(tag, versionMark)
	if !marked {
		return name, 1, true
	}
	version, err := strconv.Atoi(digits)
	return name, version, err == nil && version > 0
}
