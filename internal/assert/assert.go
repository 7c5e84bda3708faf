// Package assert holds the few checks the tests of the root module share, which
// may import nothing but the standard library.
package assert

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

// Equal fails the test unless got and want are deeply equal.
func Equal[T any](t testing.TB, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got  %#v\nwant %#v", got, want)
	}
}

// True fails the test unless ok, saying what was expected.
func True(t testing.TB, ok bool, expected string) {
	t.Helper()
	if !ok {
		t.Fatalf("expected: %s", expected)
	}
}

// NoError fails the test if there is an error.
func NoError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("unexpected error: %v", err)
	}
}

// Contains fails the test unless text contains every one of parts.
func Contains(t testing.TB, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Fatalf("%q is missing in:\n%s", part, text)
		}
	}
}

// ErrorAs fails the test unless err holds an E, which it returns.
func ErrorAs[E error](t testing.TB, err error) E {
	t.Helper()
	var e E
	if !errors.As(err, &e) {
		t.Fatalf("got error %v (%T), want a %T", err, err, e)
	}
	return e
}

// Panics fails the test unless f panics; it returns what f panicked with.
func Panics(t testing.TB, f func()) (value any) {
	t.Helper()
	defer func() {
		value = recover()
		if value == nil {
			t.Fatal("expected a panic")
		}
	}()
	f()
	return nil
}

// Eventually fails the test unless holds returns true within five seconds.
func Eventually(t testing.TB, holds func() bool, expected string) {
	t.Helper()
	const limit, pause = 5 * time.Second, time.Millisecond
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(pause) {
		if holds() {
			return
		}
	}
	t.Fatalf("not within %v: %s", limit, expected)
}
