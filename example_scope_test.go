package roster_test

import (
	"fmt"

	"github.com/roster-go/roster"
)

// Each tenant sees what everybody has, and what is his own.
func ExampleNewScope() {
	themes := roster.NewHot[string](roster.Named("themes"))
	themes.Register("light", "white")
	themes.Register("dark", "black")

	acme := roster.NewScope(themes, roster.Named("themes of acme"))
	acme.Register("brand", "orange")
	_ = themes.Replace("dark", "grey") // shows through

	for name, theme := range acme.All() {
		fmt.Println(name, theme)
	}
	fmt.Println(themes.Names())
	// Output:
	// brand orange
	// dark grey
	// light white
	// [dark light]
}

// Registering a name that the parent has is a clash. Override says that it is
// meant.
func ExampleScope_Override() {
	mailers := roster.New[string](roster.Named("mailers"))
	mailers.Register("smtp", "sends mail")

	test := roster.NewScope(mailers)
	fmt.Println(test.TryRegister("smtp", "keeps mail") != nil)
	fmt.Println(test.Override("smtp", "keeps mail"))

	inTest, _ := test.Get("smtp")
	elsewhere, _ := mailers.Get("smtp")
	fmt.Println(inTest, "/", elsewhere)
	// Output:
	// true
	// <nil>
	// keeps mail / sends mail
}

// Image decoders for what strangers upload: what is not on the list does not
// exist.
func ExampleOnly() {
	decoders := roster.New[string](roster.Named("decoders"))
	for _, format := range []string{"gif", "jpeg", "png", "tiff"} {
		decoders.Register(format, "decodes "+format)
	}

	uploads := roster.Only(decoders, "jpeg", "png")
	fmt.Println(uploads.Names())
	_, err := uploads.Lookup("tiff")
	fmt.Println(err)
	// Output:
	// [jpeg png]
	// roster: decoders: "tiff" is not registered; registered: jpeg, png
}
