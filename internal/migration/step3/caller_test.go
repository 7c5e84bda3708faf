package codecs_test

import (
	"strings"
	"testing"

	"github.com/roster-go/roster/internal/assert"
	codecs "github.com/roster-go/roster/internal/migration/step3"
)

// This file is code that was written against the map. It is the same in every
// step of the migration, but for the import path of what it uses.

func init() { //nolint:gochecknoinits // where packages register
	codecs.Register("upper", strings.ToUpper)
	codecs.Register("reverse", reverse)
}

func reverse(text string) string {
	var b strings.Builder
	for i := len(text) - 1; i >= 0; i-- {
		b.WriteByte(text[i])
	}
	return b.String()
}

func TestCaller(t *testing.T) {
	t.Parallel()
	assert.True(t, codecs.Get("rot13") == nil, "rot13 is nobody's")
	assert.Equal(t, codecs.Encode("reverse", codecs.Encode("upper", codecs.Encode("rot13", "stressed"))), "DESSERTS")
}
