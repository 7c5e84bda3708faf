package migration_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/internal/assert"
	encoding2 "github.com/roster-go/roster/internal/migration/step2"
	encoding3 "github.com/roster-go/roster/internal/migration/step3"
)

// TestMigrationKeepsCallersCompiling checks that the caller which each step
// compiles and runs is the one of before.
func TestMigrationKeepsCallersCompiling(t *testing.T) {
	t.Parallel()
	original, err := os.ReadFile(filepath.Join("before", "caller_test.go"))
	assert.NoError(t, err)
	for _, step := range []string{"step1", "step2", "step3"} {
		caller, err := os.ReadFile(filepath.Join(step, "caller_test.go"))
		assert.NoError(t, err)
		assert.Equal(t, strings.Replace(string(caller), "/"+step+`"`, `/before"`, 1), string(original))
	}
}

func init() { //nolint:gochecknoinits // where packages register
	encoding2.Register("upper", strings.ToUpper)
	encoding2.Register("lower", strings.ToLower)
	encoding3.Register("upper", strings.ToUpper)
	encoding3.Register("lower", strings.ToLower)
}

// The second step lets new code name the registry it uses, and learn why a name
// is not there.
func Example_migrationStep2() {
	encoded, err := encoding2.EncodeWith(encoding2.Default, "upper", "hello")
	fmt.Println(encoded, err)

	_, err = encoding2.EncodeWith(roster.Only(encoding2.Default, "upper"), "lower", "hello")
	fmt.Println(err)
	// Output:
	// HELLO <nil>
	// roster: codecs: "lower" is not registered; registered: upper
}

// The third step gives a tenant, or a test, codecs of its own, over those of
// the process.
func Example_migrationStep3() {
	tenant := roster.NewScope(encoding3.Default, roster.Named("codecs of tenant 7"))
	tenant.Register("shout", func(text string) string { return strings.ToUpper(text) + "!" })

	encoded, _ := encoding3.NewEncoder(tenant).Encode("shout", "hello")
	fmt.Println(encoded)
	_, err := encoding3.NewEncoder(encoding3.Default).Encode("shout", "hello")
	fmt.Println(err)
	// Output:
	// HELLO!
	// roster: codecs: "shout" is not registered; registered: lower, upper
}
