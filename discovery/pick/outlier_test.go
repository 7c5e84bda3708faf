package pick

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/internal/assert"
)

// ejected lists the IDs that Status shows as ejected.
func ejectedIDs(p *Pool) []string {
	ids := []string{}
	for _, s := range p.Status() {
		if !s.EjectedUntil.IsZero() {
			ids = append(ids, s.Instance.ID)
		}
	}
	return ids
}

func TestOutlierIsEjectedAndReturns(t *testing.T) {
	t.Parallel()
	for _, policy := range policies {
		t.Run(string(policy), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newPool(t, Options{Policy: policy}, instances("a", 4))
				failing := func(id string) error {
					if id == "a-1" {
						return errDown
					}
					return nil
				}
				for i := range 400 {
					c, err := p.Pick(strconv.Itoa(i))
					assert.NoError(t, err)
					time.Sleep(time.Millisecond)
					c.Done(failing(c.Instance().ID))
				}
				if policy == LeastLoaded { // which has hardly called it
					eject(t, p, "a-1")
				}
				assert.Equal(t, ejectedIDs(p), []string{"a-1"})
				assert.Equal(t, counts(t, p, 400)["a-1"], 0)

				until := p.Status()[1].EjectedUntil
				time.Sleep(time.Until(until) - 1)
				assert.Equal(t, counts(t, p, 400)["a-1"], 0)
				time.Sleep(time.Nanosecond)
				assert.Equal(t, ejectedIDs(p), []string{})
				assert.Equal(t, p.Status()[1].Ejections, 1)
				if policy != LeastLoaded {
					assert.True(t, counts(t, p, 400)["a-1"] > 0, "it is back")
					assert.Equal(t, p.Status()[1].Ejections, 0) // it answered
				}
			})
		})
	}
}

func TestOutlierNeedsFailuresInARow(t *testing.T) {
	t.Parallel()
	canceled := fmt.Errorf("call: %w", context.Canceled)
	tests := []struct {
		name    string
		results []error
		want    int // failures in a row afterwards, -1 for ejected
	}{
		{"one too few", []error{errDown, errDown}, 2},
		{"enough", []error{errDown, errDown, errDown}, -1},
		{"interrupted", []error{errDown, errDown, nil, errDown, errDown}, 2},
		{"canceled", []error{errDown, errDown, canceled, canceled}, 2},
		{"canceled does not interrupt", []error{errDown, errDown, canceled, errDown}, -1},
		{"deadline", []error{errDown, errDown, context.DeadlineExceeded}, -1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newPool(t, Options{Outliers: Outliers{Failures: 3}}, instances("a", 2))
			done := make(map[string]int)
			for done["a-0"] < len(tt.results) {
				c, err := p.Pick("")
				assert.NoError(t, err)
				var result error
				if c.Instance().ID == "a-0" {
					result = tt.results[done["a-0"]]
				}
				done[c.Instance().ID]++
				c.Done(result)
			}
			s := p.Status()[0]
			if tt.want < 0 {
				assert.True(t, !s.EjectedUntil.IsZero(), "it is ejected")
				return
			}
			assert.True(t, s.EjectedUntil.IsZero(), "it is not ejected")
			assert.Equal(t, s.Failures, tt.want)
		})
	}
}

func TestOutlierDisabled(t *testing.T) {
	t.Parallel()
	p := newPool(t, Options{Outliers: Outliers{Disabled: true}}, instances("a", 3))
	for range 100 {
		c, _ := p.Pick("")
		c.Done(errDown)
	}
	assert.Equal(t, ejectedIDs(p), []string{})
}

func TestOutlierEjectionsGrow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, Options{}, instances("a", 2))
		for row := 1; row <= maxEjections+3; row++ {
			eject(t, p, "a-0")
			want := time.Duration(min(row, 10)) * DefaultEjection
			assert.Equal(t, time.Until(p.Status()[0].EjectedUntil), want)
			time.Sleep(want)
			counts(t, p, 0)
			_, err := p.Pick("")
			assert.NoError(t, err)
		}
		counts(t, p, 2) // one success each
		eject(t, p, "a-0")
		assert.Equal(t, time.Until(p.Status()[0].EjectedUntil), DefaultEjection)
	})
}

func TestOutlierShareIsBounded(t *testing.T) {
	t.Parallel()
	tests := []struct {
		n     int
		share float64
		want  int
	}{
		{1, 1, 0}, {2, 1, 1}, {10, 1, 9},
		{1, 0.5, 0}, {2, 0.5, 1}, {3, 0.5, 1}, {10, 0.5, 5},
		{5, 0.1, 0}, {10, 0.1, 1}, {100, 0.29, 29}, {10, 0.7, 7},
	}
	for _, policy := range policies {
		for _, tt := range tests {
			t.Run(fmt.Sprint(policy, " ", tt.n, " ", tt.share), func(t *testing.T) {
				t.Parallel()
				p := newPool(t, Options{Policy: policy, Outliers: Outliers{MaxShare: tt.share}}, instances("a", tt.n))
				for i := range 30 * tt.n { // everything fails
					c, err := p.Pick(strconv.Itoa(i))
					assert.NoError(t, err)
					c.Done(errDown)
					assert.True(t, len(ejectedIDs(p)) <= tt.want, "not too many ejected")
				}
				for _, e := range p.endpoints { // the rest of them
					for range 5 {
						p.failed(e)
					}
				}
				assert.Equal(t, len(ejectedIDs(p)), tt.want)
				counts(t, p, 10)
			})
		}
	}
}

func TestOutliersReturnWhenTheHealthyLeave(t *testing.T) {
	t.Parallel()
	for _, policy := range policies {
		t.Run(string(policy), func(t *testing.T) {
			t.Parallel()
			list := instances("a", 4)
			p := newPool(t, Options{Policy: policy}, list)
			eject(t, p, "a-0", "a-1")
			p.Update(list[:2])
			assert.Equal(t, len(ejectedIDs(p)), 1)
			assert.Equal(t, len(counts(t, p, 100)), 1)
			p.Update(list[:1])
			assert.Equal(t, ejectedIDs(p), []string{})
			counts(t, p, 10)
		})
	}
}

func TestOutlierOutsideOfTheLayoutStays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		list := instances("a", 4)
		p := newPool(t, Options{}, list)
		eject(t, p, "a-0")
		draining := append([]discovery.Instance(nil), list...)
		draining[0].Draining = true
		p.Update(draining)
		assert.Equal(t, len(counts(t, p, 300)), 3)
		time.Sleep(DefaultEjection)
		p.Update(list)
		assert.Equal(t, len(counts(t, p, 300)), 4)
	})
}

func TestOutlierIgnoresCallsFromBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, Options{}, instances("a", 2))
		var before []Picked
		for range 20 {
			c, err := p.Pick("")
			assert.NoError(t, err)
			if c.Instance().ID == "a-0" {
				before = append(before, c)
			}
		}
		eject(t, p, "a-0")
		until := p.Status()[0].EjectedUntil
		for i, c := range before {
			c.Done([]error{nil, errDown}[i%2])
		}
		s := p.Status()[0]
		assert.Equal(t, s.EjectedUntil, until)
		assert.Equal(t, s.Failures, 0)
		assert.Equal(t, s.Ejections, 1)
	})
}
