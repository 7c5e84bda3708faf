package roster_test

import (
	"errors"
	"fmt"

	"github.com/roster-go/roster"
)

// When everything is registered, close the registry. Whoever comes late learns
// where that was.
func ExampleRegistry_Seal() {
	codecs := roster.New[string](roster.Named("codecs"))
	codecs.Register("json", "application/json")
	codecs.Seal()

	err := codecs.TryRegister("yaml", "application/yaml")
	if late, ok := errors.AsType[*roster.SealedError](err); ok {
		fmt.Printf("%s is %s\n", late.Registry, roster.ErrSealed)
		fmt.Println("the places are known:", late.Site.Line == late.Sealed.Line+2)
	}
	// Output:
	// codecs is registry sealed
	// the places are known: true
}

// A service whose readers must all see the same entries lets its first lookup
// close the registry.
func ExampleSealAtFirstUse() {
	codecs := roster.New[string](roster.Named("codecs"), roster.SealAtFirstUse())
	codecs.Register("json", "application/json")
	codecs.Register("yaml", "application/yaml")

	contentType, _ := codecs.Get("json")
	fmt.Println(contentType)
	fmt.Println(errors.Is(codecs.TryRegister("xml", "application/xml"), roster.ErrSealed))
	// Output:
	// application/json
	// true
}
