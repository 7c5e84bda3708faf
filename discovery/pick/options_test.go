package pick

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/roster-go/roster/internal/assert"
)

func TestOptionsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	tests := []struct {
		field string
		opts  Options
	}{
		{"Policy", Options{Policy: "fastest"}},
		{"Subset", Options{Subset: -1, Client: "me"}},
		{"Client", Options{Subset: 1}},
		{"LoadFactor", Options{LoadFactor: 1}},
		{"LoadFactor", Options{LoadFactor: -2}},
		{"LoadFactor", Options{LoadFactor: math.NaN()}},
		{"LoadFactor", Options{LoadFactor: math.Inf(1)}},
		{"Decay", Options{Decay: -time.Second}},
		{"Outliers.Failures", Options{Outliers: Outliers{Failures: -1}}},
		{"Outliers.Ejection", Options{Outliers: Outliers{Ejection: -1}}},
		{"Outliers.Ejection", Options{Outliers: Outliers{Ejection: math.MaxInt64}}},
		{"Outliers.MaxShare", Options{Outliers: Outliers{MaxShare: 1.01}}},
		{"Outliers.MaxShare", Options{Outliers: Outliers{MaxShare: -1}}},
		{"Outliers.MaxShare", Options{Outliers: Outliers{MaxShare: math.NaN()}}},
	}
	for _, tt := range tests {
		t.Run(tt.field, func(t *testing.T) {
			t.Parallel()
			_, err := NewPool(tt.opts)
			e := assert.ErrorAs[*OptionError](t, err)
			assert.Equal(t, e.Field, tt.field)
			assert.True(t, errors.Is(err, ErrInvalidOption), "ErrInvalidOption")
			assert.Contains(t, err.Error(), tt.field, e.Fault, e.Remedy)
			_, err = New(&fakeView{}, "svc", tt.opts)
			assert.ErrorAs[*OptionError](t, err)
		})
	}
}

func TestOptionsDefaults(t *testing.T) {
	t.Parallel()
	got, err := Options{}.normalize()
	assert.NoError(t, err)
	assert.Equal(t, got, Options{
		Policy: RoundRobin, LoadFactor: 1.25, Decay: 10 * time.Second,
		Outliers: Outliers{Failures: 5, Ejection: 30 * time.Second, MaxShare: 0.5},
	})
}
