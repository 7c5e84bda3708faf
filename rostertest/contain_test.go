package rostertest_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/internal/assert"
	"github.com/roster-go/roster/rostertest"
)

// violationOf returns the violation of the rule.
func violationOf(t *testing.T, rule string, violations []rostertest.Violation) rostertest.Violation {
	t.Helper()
	for _, v := range violations {
		if v.Rule.Name == rule {
			return v
		}
	}
	t.Fatalf("%s is not among the violations: %v", rule, violations)
	return rostertest.Violation{}
}

func TestAViolationSaysWhatAndWhy(t *testing.T) {
	t.Parallel()
	v := violationOf(t, "names-sorted", rostertest.Check(func() rostertest.Registry {
		r, h := sound()
		r.Names = func() []string { return reversed(h.Names()) }
		return r
	}))
	assert.Contains(t, v.Error(), "rule names-sorted is broken: Names() is not sorted", "why it matters: "+v.Rule.Why)
	assert.True(t, errors.Is(v, v.Err), "the violation wraps how it showed")
}

func reversed(names []string) []string {
	for i, j := 0, len(names)-1; i < j; i, j = i+1, j-1 {
		names[i], names[j] = names[j], names[i]
	}
	return names
}

// hangForEver is what a report of a hang has to name.
func hangForEver() { select {} }

func TestAHangIsReportedWithItsPlace(t *testing.T) {
	t.Parallel()
	start := time.Now()
	violations := rostertest.Check(func() rostertest.Registry {
		r, h := sound()
		r.Unregister = func(name string) error {
			err := h.Unregister(name)
			if errors.Is(err, roster.ErrUnknown) {
				hangForEver()
			}
			return err
		}
		r.Deadline = 300 * time.Millisecond
		return r
	})
	text := violationOf(t, "unregister-unknown", violations).Error()
	assert.Contains(t, text, "it hangs: after 300ms it is still in ", "rostertest_test.hangForEver (", "contain_test.go:")
	assert.True(t, !strings.Contains(text, ".func"), "only the innermost function is named: "+text)
	assert.True(t, time.Since(start) < 10*time.Second, "the kit does not wait for what hangs")
}

func TestAHangInManyGoroutinesIsReportedOnce(t *testing.T) {
	t.Parallel()
	text := violationOf(t, "no-lost-registration", rostertest.Check(func() rostertest.Registry {
		r, _ := sound()
		get := r.Get
		r.Get = func(name string) (any, bool) {
			if name == "name-000" {
				hangForEver()
			}
			return get(name)
		}
		r.Deadline = 300 * time.Millisecond
		return r
	})).Error()
	assert.Equal(t, strings.Count(text, "hangForEver"), 1)
}

func TestAPanickingConstructorIsOneViolation(t *testing.T) {
	t.Parallel()
	made := 0
	violations := rostertest.Check(func() rostertest.Registry {
		made++
		if made > 1 {
			panic("no more")
		}
		r, _ := sound()
		return r
	})
	assert.Equal(t, broken(violations), []string{"fresh"})
	assert.Contains(t, violations[0].Error(), "it panics: no more")
}

func TestACrashIsAViolationAndNotARefusal(t *testing.T) {
	t.Parallel()
	violations := rostertest.Check(func() rostertest.Registry {
		r, _ := sound()
		var never map[string]any
		r.Register = except(r.Register, func(name string, _ any) bool { return name == "" }, func() error {
			never[""] = 1
			return nil
		})
		return r
	})
	assert.Equal(t, broken(violations), []string{"empty-name"})
	assert.Contains(t, violations[0].Error(), "it panics: assignment to entry in nil map", "contain_test.go:")
}

func TestAPanicUnderLoadIsAViolation(t *testing.T) {
	t.Parallel()
	violations := rostertest.Check(func() rostertest.Registry {
		r, _ := sound()
		get := r.Get
		r.Get = func(name string) (any, bool) {
			if name == "name-07" {
				panic("load")
			}
			return get(name)
		}
		return r
	})
	assert.Equal(t, broken(violations), []string{"concurrent-use"})
}

func TestGoexitUnderLoadIsAViolation(t *testing.T) {
	t.Parallel()
	violations := rostertest.Check(func() rostertest.Registry {
		r, _ := sound()
		get := r.Get
		r.Get = func(name string) (any, bool) {
			if name == "name-07" {
				runtime.Goexit()
			}
			return get(name)
		}
		return r
	})
	assert.Equal(t, broken(violations), []string{"concurrent-use"})
	assert.Contains(t, violations[0].Error(), "runtime.Goexit")
}

func TestGoexitIsAViolation(t *testing.T) {
	t.Parallel()
	violations := rostertest.Check(func() rostertest.Registry {
		r, _ := sound()
		r.Register = except(r.Register, func(name string, _ any) bool { return name == "" }, func() error {
			runtime.Goexit()
			return nil
		})
		return r
	})
	assert.Equal(t, broken(violations), []string{"empty-name"})
	assert.Contains(t, violations[0].Error(), "runtime.Goexit")
}
