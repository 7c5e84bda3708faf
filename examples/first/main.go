// First is the program on the first screen of the README.
package main

import (
	"fmt"
	"strings"

	"github.com/roster-go/roster"
)

// A Greeter is what this program picks by name.
type Greeter func(who string) string

var greeters = roster.New[Greeter](roster.Named("greeters"))

func init() {
	greeters.Register("plain", func(who string) string { return "Hello, " + who + "." })
	greeters.Register("loud", strings.ToUpper)
}

func main() {
	if greet, ok := greeters.Get("plain"); ok {
		fmt.Println(greet("gopher"))
	}
	_, err := greeters.Lookup("lout")
	fmt.Println(err)
	fmt.Println(greeters.TryRegister("loud", strings.ToTitle))
}
