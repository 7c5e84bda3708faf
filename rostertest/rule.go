package rostertest

import (
	"cmp"
	"errors"
	"fmt"
	"testing"
)

// A Rule is one promise of a registry.
type Rule struct {
	Name  string // as in the name of its subtest
	Why   string // what goes wrong in production without it
	Needs string // the function of [Registry] without which it is not checked; may be empty
}

// A Violation is a rule that a registry breaks, and how that showed.
type Violation struct { //nolint:errname // it is read as rostertest.Violation, mostly without its being an error
	Rule Rule
	Err  error
}

// Error says what is broken, how, and why it matters.
func (v Violation) Error() string {
	return fmt.Sprintf("rostertest: rule %s is broken: %v\n\twhy it matters: %s", v.Rule.Name, v.Err, v.Rule.Why)
}

// Unwrap returns how the violation showed.
func (v Violation) Unwrap() error { return v.Err }

var _ error = Violation{}

// A check tests a rule and calls probe.failf if it is broken.
type check struct {
	Rule

	test func(p *probe)
}

// checks are all rules in the order in which they are checked. The first is the premise of
// the others. Those that use the registry from many goroutines are last, because a registry
// without a lock dies of them, and nothing can be reported after that.
func checks() []check {
	var all []check
	for _, group := range [][]check{entryRules, readRules, verbRules, sealRules, concurrencyRules} {
		all = append(all, group...)
	}
	return all
}

// Rules lists the rules in the order in which they are checked.
func Rules() []Rule {
	var rules []Rule
	for _, c := range checks() {
		rules = append(rules, c.Rule)
	}
	return rules
}

// Check tests registries that create returns, each of them new and empty, and returns the
// rules that they break, in the order of [Rules]. If create does not return an empty,
// complete registry each time, that is the only violation.
//
// A registry that panics or hangs breaks the rule that showed it. A rule that hangs costs
// its deadline (see [Registry]) and leaves the hanging goroutines behind. One thing cannot be
// contained: a map that is written without a lock ends the process with "fatal error:
// concurrent map writes". If a test binary ends like that, this is the violation. It can
// only happen in the last rules, and go test -v shows the verdicts before it.
func Check(create func() Registry) []Violation {
	reg, err := open(create)
	if err != nil {
		return []Violation{{Rule: checks()[0].Rule, Err: err}}
	}
	var broken []Violation
	for i, c := range checks() {
		if !reg.has(c.Needs) {
			continue
		}
		if err := c.verdict(create); err != nil {
			broken = append(broken, Violation{Rule: c.Rule, Err: err})
			if i == 0 {
				break
			}
		}
	}
	return broken
}

// Run tests like [Check], with a subtest of t for each rule. To leave one out for good, use
// Check and decide on what it returns; for once, the flag -skip names it. With the flag -race
// the rules about concurrency also find unsynchronised access that went well this time.
func Run(t *testing.T, create func() Registry) {
	t.Helper()
	reg, err := open(create)
	if err != nil {
		t.Fatal(Violation{Rule: checks()[0].Rule, Err: err})
	}
	for i, c := range checks() {
		if !reg.has(c.Needs) {
			t.Logf("rostertest: rule %s is not checked, since Registry.%s is nil", c.Name, c.Needs)
			continue
		}
		ok := t.Run(c.Name, func(t *testing.T) {
			if err := c.verdict(create); err != nil {
				t.Error(Violation{Rule: c.Rule, Err: err})
			}
		})
		if i == 0 && !ok {
			return
		}
	}
}

// open creates a registry that can be tested.
func open(create func() Registry) (Registry, error) {
	var reg Registry
	if err := contain(defaultDeadline, func() { reg = create() }); err != nil {
		return Registry{}, err
	}
	if reg.Register == nil || reg.Get == nil || reg.Names == nil {
		return Registry{}, errors.New("a Registry has the functions Register, Get and Names; one of them is nil")
	}
	return reg, nil
}

// verdict tests the rule on a registry of its own and says how the rule is broken, if it is.
func (c check) verdict(create func() Registry) error {
	reg, err := open(create)
	if err != nil {
		return err
	}
	return contain(cmp.Or(reg.Deadline, defaultDeadline), func() { c.test(&probe{Registry: reg, create: create}) })
}
